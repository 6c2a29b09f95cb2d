"""An environment for each package, with its newest release, and its source distribution."""

import functools
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from importlib import metadata
from pathlib import Path

from tests.libraries.packages import Package
from tests.programs import ROOT

__all__ = ("LIBRARIES", "SETTINGS", "Environment")

LIBRARIES = ROOT / ".venv-libraries"
# For packages that have none: pytest would take those of the folders above, which are ours.
SETTINGS = LIBRARIES / "pytest.ini"
COMMON = ("pytest>=8.4", "pytest-asyncio>=1.1", "pytest-timeout")
# What builds the metadata of source distributions: pip asks for it before it hands one out.
BACKENDS = (
    "setuptools",
    "wheel",
    "hatchling",
    "hatch-vcs",
    "hatch-fancy-pypi-readme",
    "poetry-core",
    "flit-core",
    "setuptools-scm",
    "versioningit",
    "pbr",
    "uv-build",
)
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


class Environment:
    """What one package runs in. ``install()`` brings it up to date."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.folder = LIBRARIES / package.name
        self.python = self.folder / "bin" / "python"
        self.log = LIBRARIES / "logs" / f"{package.name}.txt"

    def install(self) -> None:
        """The newest releases that pip finds, and this package as the one who runs this has it."""
        if not self.python.exists():
            run([sys.executable, "-m", "venv", "--without-pip", str(self.folder)])
        # Not its speedups: a package's tests are to find what its users have.
        own = [need for need in metadata.requires("aiohttp_ws") or () if "extra ==" not in need]
        wanted = [*COMMON, *own, self.package.installed, *self.package.needs]
        run([*PIP, "--python", str(self.python), "install", "--upgrade", *wanted])
        self._link_this_package()
        SETTINGS.write_text("[pytest]\nasyncio_mode = auto\n")

    @functools.cached_property
    def version(self) -> str:
        return self.version_of(self.package.name)

    def version_of(self, name: str) -> str:
        program = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
        return run([str(self.python), "-c", program, name]).strip()

    def sources(self) -> Path:
        """The unpacked source distribution of the version that is installed."""
        unpacked = LIBRARIES / "sources" / f"{self.package.name}-{self.version}"
        if not unpacked.exists():
            archive = self._downloaded()
            with tarfile.open(archive) as files:
                files.extractall(unpacked.with_suffix(".part"), filter="data")
            unpacked.with_suffix(".part").rename(unpacked)
        (top,) = unpacked.iterdir()
        return top

    def _downloaded(self) -> Path:
        folder = LIBRARIES / "archives" / f"{self.package.name}-{self.version}"
        if not list(folder.glob("*.tar.gz")):
            wanted = f"{self.package.name}=={self.version}"
            arguments = ["download", "--no-deps", "--no-build-isolation", "--no-binary", ":all:"]
            run([*PIP, "--python", str(builder()), *arguments, "--dest", str(folder), wanted])
        (archive,) = folder.glob("*.tar.gz")
        return archive

    def _link_this_package(self) -> None:
        """Installs aiohttp_ws as it is installed here, editable: nothing is compiled again."""
        site = Path(run([str(self.python), "-c", SITE]).strip())
        here = Path(sysconfig.get_path("purelib"))
        name = metadata.distribution("aiohttp_ws").metadata["Name"]
        for found in [*here.glob(f"__editable__*{name}*"), *here.glob(f"{name}-*.dist-info")]:
            if found.is_dir():
                shutil.copytree(found, site / found.name, dirs_exist_ok=True)
            else:
                shutil.copy(found, site)


def builder() -> Path:
    """The interpreter of an environment that has all of BACKENDS."""
    folder = LIBRARIES / "builder"
    stamp = folder / "installed"
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != " ".join(BACKENDS):
        run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        run([*PIP, "--python", str(python), "install", *BACKENDS])
        stamp.write_text(" ".join(BACKENDS))
    return python


SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def run(command: list[str]) -> str:
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
