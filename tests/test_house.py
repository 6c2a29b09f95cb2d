"""What holds for the project as a whole: its floors, its build and its first import."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import ROOT

PACKAGE = ROOT / "aiohttp_ws"
FLOORS = [
    {"hdrs", "errors", "typedefs", "version"},
    {"wire"},
    {"ws"},
    {"http", "abc"},
    {"web", "client"},
    {"test_utils", "pytest_plugin"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
SOURCES = sorted(
    path
    for path in PACKAGE.rglob("*")
    if path.suffix in {".py", ".pyx", ".pxd", ".pyi"} and "__pycache__" not in path.parts
)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].partition(".")[0]


def imported_rooms(path: Path) -> set[str]:
    """The rooms of this package that a source imports at run time or for its C declarations."""
    folder = list(path.relative_to(ROOT).parts[:-1])
    rooms = set()
    for target in imported_names(path):
        dots = len(target) - len(target.lstrip("."))
        parts = folder[: len(folder) + 1 - dots] if dots else []
        parts = parts + [part for part in target.lstrip(".").split(".") if part]
        if parts[0] == "aiohttp_ws" and len(parts) > 1:
            rooms.add(parts[1])
    return rooms & FLOOR_OF.keys()


def imported_names(path: Path) -> list[str]:
    if path.suffix in {".pyx", ".pxd"}:
        text = path.read_text()
        found = re.findall(r"^\s*from\s+([\w.]+)\s+c?import\s+\(?([\w, ]+)", text, re.MULTILINE)
        return [full(module, name) for module, names in found for name in names.split(",")]
    names = []
    for node in run_time_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names += [full(module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def full(module: str, name: str) -> str:
    return f"{module}{'' if module.endswith('.') else '.'}{name.strip()}"


def run_time_nodes(tree: ast.AST):
    """All nodes but those under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from run_time_nodes(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_the_floors_below_it(path: Path):
    room = room_of(path)
    if room not in FLOOR_OF:
        assert room == "__init__"  # The root names what all rooms offer.
        return
    above = {
        other
        for other in imported_rooms(path)
        if other != room and FLOOR_OF[other] > FLOOR_OF[room]
    }
    assert not above, f"{path.name} is on floor {FLOOR_OF[room]} and imports {above}"


def test_the_floors_test_sees_imports():
    assert "wire" in {
        room for path in SOURCES if room_of(path) == "ws" for room in imported_rooms(path)
    }


def test_the_makefile_installs_what_the_build_requires():
    required = re.search(
        r"^requires = \[(.*)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    installed = re.search(
        r"^BUILD_REQUIRES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert required[1].replace(", ", " ") == installed[1]


def test_the_source_distribution_has_every_c_file_that_is_linked():
    setup = (ROOT / "setup.py").read_text()
    linked = set(re.findall(r'"(\w+\.c)"', setup)) - {"probe.c"}
    assert linked
    manifest = (ROOT / "MANIFEST.in").read_text()
    assert {name for name in linked if f"/{name}" not in manifest} == set()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources, with nothing that was compiled."""
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "aiohttp_ws", ignore=ignored)
    for name in ("setup.py", "pyproject.toml", "README.rst", "LICENSE"):
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def test_importing_without_the_compiled_modules_gives_one_clear_import_error(copy: Path):
    done = subprocess.run(
        [sys.executable, "-c", "import aiohttp_ws"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1, "no chain of causes"
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: aiohttp_ws is not built")
    assert "make build" in last


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler is named by CC")
def test_building_without_a_compiler_says_in_one_line_what_is_missing(copy: Path):
    pytest.importorskip("Cython", reason="building needs Cython: pip install Cython (make does)")
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=copy,
        env={**os.environ, "CC": "/nowhere/cc", "AIOHTTP_WS_ONLY": "wire.frames"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "needs a C compiler" in done.stderr
    assert "apt-get install gcc" in done.stderr
    assert "Traceback" not in done.stderr
