"""A fresh environment with a wheel of this project, and compiled modules of users in it.

``AIOHTTP_WS_WHEEL`` names the wheel: ``.ci/check-wheel`` gives the one that it built from the
source distribution. Without it, one is packed here from the modules that are compiled in place,
so that a test run need not compile them once more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers import require
from tests.programs import ROOT

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
SETUP = """
from setuptools import Extension, setup

setup(name="user", ext_modules=[Extension({name!r}, [{source!r}])])
"""


def run(*command: str | Path, cwd: Path, status: int = 0) -> str:
    """Run a command to its end; return what it said, also of errors when one is expected."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["CFLAGS"] = "-O0 -g0"  # what these modules do is tested, not how fast
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + (done.stderr if status else "")


def pack_wheel(folder: Path) -> Path:
    """Pack what is compiled in place as ``pip wheel`` packs what it has compiled."""
    ignored = shutil.ignore_patterns(f"*{SUFFIX}", "__pycache__")
    shutil.copytree(ROOT / "aiohttp_ws", folder / "aiohttp_ws", ignore=ignored)
    for name in ("setup.py", "pyproject.toml", "README.rst", "LICENSE"):
        shutil.copy2(ROOT / name, folder / name)
    for module in (ROOT / "aiohttp_ws").rglob(f"*{SUFFIX}"):
        built = folder / "built" / module.relative_to(ROOT)
        built.parent.mkdir(parents=True, exist_ok=True)
        # Without the times: newer than all sources, and so not compiled again.
        shutil.copyfile(module, built)
    run(
        sys.executable,
        *("setup.py", "-q", "build", "--build-lib=built", "bdist_wheel", "--dist-dir=dist"),
        cwd=folder,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if given := os.environ.get("AIOHTTP_WS_WHEEL"):
        return Path(given)
    return pack_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment in which the wheel is installed.

    Dependencies, Cython and peers are those of the environment that runs the tests; its link to
    the checkout is not, since only site-packages itself has its ``.pth`` files read.
    """
    require("cc")
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    interpreter = folder / scripts / Path(sys.executable).name
    run(
        *(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"),
        *("--python", interpreter, "install", "--no-deps", "--no-index", wheel),
        cwd=folder,
    )
    purelib = run(
        *(interpreter, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"),
        cwd=folder,
    ).strip()
    others = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (Path(purelib) / "others.pth").write_text("\n".join(others))
    return interpreter


@pytest.fixture(scope="session")
def compiled(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that compiles a user's ``.pyx`` and returns the folder that the module is in.

    By hand, as somebody without cythonize() would: no include path is set. Further
    arguments go to Cython.
    """
    pytest.importorskip("Cython", reason="building needs Cython: pip install Cython (make does)")

    def compile_module(source: Path, *options: str | Path) -> Path:
        folder = tmp_path_factory.mktemp(source.stem)
        shutil.copy2(source, folder)
        run(python, "-m", "cython", "-3", "-Werror", *options, source.name, cwd=folder)
        setup = SETUP.format(name=source.stem, source=f"{source.stem}.c")
        (folder / "setup.py").write_text(setup)
        run(python, "setup.py", "-q", "build_ext", "--inplace", cwd=folder)
        return folder

    return compile_module
