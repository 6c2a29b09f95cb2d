"""Build the compiled modules; the metadata is in ``pyproject.toml``.

``AIOHTTP_WS_ONLY=wire.http1,ws.transport`` limits a development build to those modules.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, CompileError, ExecError, PlatformError

ROOT = Path(__file__).parent
PACKAGE = ROOT / "aiohttp_ws"
# C files a module links besides its own.
C_SOURCES = {
    "aiohttp_ws.wire.fields": ["http1_scan.c", "http1_judge.c", "http1_chunk.c", "tokens.c"],
    "aiohttp_ws.wire.frames": ["masking.c", "utf8.c"],
    "aiohttp_ws.wire.http1": ["http1_scan.c", "http1_judge.c", "http1_chunk.c", "tokens.c"],
    "aiohttp_ws.wire.serialise": ["tokens.c"],
}
NO_COMPILER = (
    "aiohttp_ws has no pure-Python fallback and needs a C compiler to build: "
    "install gcc or clang and the Python headers (Debian: apt-get install gcc python3-dev)"
)


class BuildExt(build_ext):
    """Translate when it compiles, not before; say in one line what is missing when it cannot."""

    def run(self) -> None:
        # Here and not in setup(): who asks for metadata or for a source distribution, which
        # has no generated C, need not wait for Cython.
        translated = {module.name: module for module in translate(self.extensions)}
        for extension in self.extensions:
            module = translated[extension.name]
            extension.sources = module.sources
            extension.include_dirs = module.include_dirs
            extension.depends = module.depends
        super().run()

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except (CCompilerError, CompileError, ExecError, PlatformError, OSError) as exc:
            # A compiler that runs and refuses our source is a bug of ours: let it show.
            if self.compiler_runs():
                raise
            raise SystemExit(f"error: {NO_COMPILER}\n  ({exc})") from None

    def compiler_runs(self) -> bool:
        probe = Path(self.build_temp) / "probe.c"
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_text("#include <Python.h>\nint main(void) { return 0; }\n")
        try:
            self.compiler.compile(
                [str(probe)], output_dir=self.build_temp, include_dirs=self.include_dirs
            )
        except Exception:
            return False
        return True


def extensions() -> list[Extension]:
    only = {name for name in os.environ.get("AIOHTTP_WS_ONLY", "").split(",") if name}
    flags = [] if sys.platform == "win32" else ["-O3", "-fno-strict-aliasing", "-g1"]
    flags += os.environ.get("AIOHTTP_WS_CFLAGS", "").split()
    found = []
    for source in sorted(PACKAGE.rglob("*.pyx")):
        name = ".".join(source.relative_to(ROOT).with_suffix("").parts)
        if only and name.removeprefix("aiohttp_ws.") not in only:
            continue
        folder = source.relative_to(ROOT).parent
        c_files = [str(folder / c) for c in C_SOURCES.get(name, [])]
        headers = [str(h.relative_to(ROOT)) for h in sorted(PACKAGE.rglob("*.h"))]
        found.append(
            Extension(
                name,
                [str(source.relative_to(ROOT)), *c_files],
                include_dirs=["."],
                extra_compile_args=flags,
                depends=headers,
            )
        )
    return found


def translate(modules: list[Extension]) -> list[Extension]:
    """Let Cython write the C of *modules* whose source has changed."""
    from Cython.Build import cythonize

    return cythonize(
        modules,
        quiet=True,
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "cdivision": True,
            "embedsignature": True,
            "embedsignature.format": "python",
            "freethreading_compatible": True,
        },
    )


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildExt})
