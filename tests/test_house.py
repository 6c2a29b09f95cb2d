"""What holds for the project as a whole: its floors, its build and its first import."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.programs import ROOT

PACKAGE = ROOT / "aiohttp_ws"
SOURCES = sorted(
    path
    for path in PACKAGE.rglob("*")
    if path.suffix in {".py", ".pyx", ".pxd", ".pyi"} and "__pycache__" not in path.parts
)
ROW = re.compile(r"^(\d+(?:\.\d)?)\s+(``.*?``(?:, ``.*?``)*)(?:\s|$)", re.MULTILINE)

# The few modules that others of their package import for type checking although they import those
# themselves: an object that a user holds and its parts that know it, or what an exception carries.
NAMED_BY_THEIR_PARTS = {
    "client.connection",
    "client.connector",
    "client.request",
    "client.response",
    "client.session",
    "web.application",
    "web.base_request",
    "web.connection",
    "web.dispatcher",
    "web.request",
    "web.resources",
    "web.runner",
    "web.server",
    "websockets.asyncio.connection",
    "websockets.asyncio.facts",
    "websockets.asyncio.server",
    "websockets.asyncio.server_opening",
    "websockets.datastructures",
    "websockets.frames",
    "websockets.http11",
    "ws.listeners.frame",
}
# Imported by a module's __getattr__, for a name that older programs import from there.
LATE = {("websockets.protocol", "websockets.asyncio.connection")}


def floors() -> dict[str, float]:
    """The table of CONTRIBUTING.rst: the floor of each package and module."""
    text = (ROOT / "CONTRIBUTING.rst").read_text()
    found = {}
    for floor, names in ROW.findall(text):
        for name in re.findall(r"``(.*?)/?``", names):
            found[name.replace("/", ".")] = float(floor)
    return found


FLOORS = floors()


def module_of(path: Path) -> str:
    """The dotted name of a source, relative to the package; ``""`` is the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_of(path) for path in SOURCES}


def on(module: str) -> str:
    """The entry of the table that *module* belongs to."""
    while module not in FLOORS and module:
        module = module.rpartition(".")[0]
    return module


def imports(path: Path) -> dict[str, bool]:
    """The modules of this package that a source imports, and whether only for type checking."""
    folder = list(path.relative_to(ROOT).parts[:-1])
    found: dict[str, bool] = {}
    for module, name, for_types in imported_names(path):
        dots = len(module) - len(module.lstrip("."))
        parts = folder[: len(folder) + 1 - dots] if dots else []
        parts = [*parts, *(part for part in module.lstrip(".").split(".") if part)]
        if parts[:1] != ["aiohttp_ws"]:
            continue
        imported = ".".join([*parts[1:], name])
        if imported not in MODULES:
            imported = ".".join(parts[1:])
        found[imported] = for_types and found.get(imported, True)
    return found


def imported_names(path: Path) -> list[tuple[str, str, bool]]:
    """Module, name and whether it is for type checking only, of each import."""
    text = path.read_text()
    if path.suffix in {".pyx", ".pxd"}:
        found = re.findall(
            r"^[ \t]*from\s+([\w.]+)\s+c?import\s+(?:\(([^)]*)\)|([\w, ]+))", text, re.MULTILINE
        )
        return [
            (of, name, False)
            for of, in_brackets, on_a_line in found
            for name in re.findall(r"\w+", re.sub(r" as \w+|#.*", "", in_brackets or on_a_line))
        ]
    return list(imports_below(ast.parse(text), path.suffix == ".pyi"))


def imports_below(tree: ast.AST, for_types: bool) -> Iterator[tuple[str, str, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((module, alias.name, for_types) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "", for_types) for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from imports_below(ast.Module([*node.body], []), True)
            yield from imports_below(ast.Module([*node.orelse], []), for_types)
        else:
            yield from imports_below(node, for_types)


def test_every_module_is_on_a_floor():
    assert {module for module in MODULES if module and not on(module)} == set()
    there = {name for name in FLOORS if name in MODULES}
    assert set(FLOORS) - there == set(), "CONTRIBUTING.rst names what is not there"


def test_imports_go_down():
    """For type checking too: no circle of packages is left."""
    upward = {
        (module, imported)
        for path in SOURCES
        if (module := module_of(path))  # The package itself names what all floors offer.
        for imported in imports(path)
        if on(imported) != on(module)
        and (not imported or FLOORS[on(imported)] >= FLOORS[on(module)])
    }
    assert upward == set(), "these import from their own floor or from above"


def test_within_a_package_imports_go_one_way():
    edges: dict[str, set[str]] = {}
    for path in SOURCES:
        module = module_of(path)
        if path.name == "__init__.py":
            continue
        for imported, for_types in imports(path).items():
            excepted = (for_types and imported in NAMED_BY_THEIR_PARTS) or (
                (module, imported) in LATE
            )
            if imported != module and on(imported) == on(module) and not excepted:
                edges.setdefault(module, set()).add(imported)
    try:
        list(TopologicalSorter(edges).static_order())
    except CycleError as exc:
        pytest.fail(" -> ".join(exc.args[1]))


def test_the_floors_tests_see_imports():
    of_frame = imports(PACKAGE / "ws" / "engine" / "connection.pyx")
    assert {"wire.frames", "net.loop"} <= set(of_frame)
    of_session = imports(PACKAGE / "client" / "response.py")
    assert of_session["client.request"], "for type checking"
    assert not of_session["errors"], "at run time"


def test_the_guide_to_the_sources_names_files_that_are_there():
    text = (ROOT / "CONTRIBUTING.rst").read_text()
    named = re.findall(r"``([\w.]+/[\w./]*)``", text[text.index("Where do I change") :])
    assert len(named) > 20
    gone = {name for name in named if not any((at / name).exists() for at in (PACKAGE, ROOT))}
    assert gone == set(), "CONTRIBUTING.rst sends people to these"


def test_no_file_has_more_than_600_lines():
    paths = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    long = {str(path) for path in paths if path.read_text().count("\n") > 600}
    assert long == set(), "these hold two modules each: split them"


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


@pytest.mark.skipif(
    not ((ROOT / ".git").exists() and shutil.which("git")), reason="no clone, or no git"
)
def test_the_source_distribution_has_what_git_has_and_nothing_generated(tmp_path: Path):
    pytest.importorskip("setuptools", reason="building needs setuptools: pip install setuptools")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    in_git = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    for name in in_git:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / "aiohttp_ws" / "net" / "loop.c").write_text("/* Generated by Cython */")
    build = "from setuptools.build_meta import build_sdist; build_sdist('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    (archive,) = tmp_path.glob("dist/*.tar.gz")
    with tarfile.open(archive) as tar:
        packed = {item.name.partition("/")[2] for item in tar if item.isfile()}
    assert in_git - packed == set(), "add these to MANIFEST.in"
    added = {name for name in packed - in_git if ".egg-info/" not in name}
    assert added == {"PKG-INFO", "setup.cfg"}


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
