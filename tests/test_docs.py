"""The documentation names all that is public, and its programs are programs."""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from pathlib import Path

import pytest

import aiohttp_ws.pytest_plugin
from aiohttp_ws import ClientSession, TCPConnector, web
from aiohttp_ws.client.connector import DEFAULT_KEEPALIVE
from tests.programs import ROOT

DOCS = ROOT / "docs"
REFERENCE = [*sorted((DOCS / "reference").glob("*.rst")), DOCS / "websocket_utilities.rst"]
PAGES = [
    *sorted(path for path in DOCS.rglob("*.rst") if "_build" not in path.parts),
    *sorted(ROOT.glob("*.rst")),
]
PUBLIC = ["aiohttp_ws", "aiohttp_ws.web", "aiohttp_ws.test_utils", "aiohttp_ws.abc"]
PUBLIC += ["aiohttp_ws.errors", "aiohttp_ws.pytest_plugin"]
PUBLIC += [
    f"aiohttp_ws.websockets.{name}"
    for name in ("datastructures", "exceptions", "frames", "framing", "handshake", "http", "http11")
]
PUBLIC += [f"aiohttp_ws.websockets.{name}" for name in ("protocol", "typing", "uri")]
PUBLIC += ["aiohttp_ws.websockets", "aiohttp_ws.websockets.extensions.permessage_deflate"]
PUBLIC += ["aiohttp_ws.websockets.extensions.base"]
PUBLIC += [f"aiohttp_ws.websockets.{name}" for name in ("headers", "imports", "utils")]
PUBLIC += [
    f"aiohttp_ws.websockets.sync.{name}"
    for name in ("client", "connection", "router", "server", "utils")
]
FIXTURES = ["aiohttp_client", "aiohttp_server", "aiohttp_raw_server", "aiohttp_client_cls"]
FIXTURES += ["aiohttp_unused_port"]

ENTRY = re.compile(
    r"^\.\. (?P<kind>auto(?:class|function|exception|data|module)|class|function|data|exception|"
    r"module|currentmodule):: (?P<name>[\w.]+)"
)


def entries(path: Path) -> list[tuple[str, str, str]]:
    """What a page of the reference has an entry for: the kind, the module and the name of each."""
    found: list[tuple[str, str, str]] = []
    module = ""
    lines = path.read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if not (match := ENTRY.match(line)):
            continue
        kind, name = match["kind"], match["name"]
        if kind.endswith("module"):
            if kind == "automodule" and ":no-members:" not in following:
                names = importlib.import_module(name).__all__
                found += [("auto", name, each) for each in names]
            if kind != "automodule":
                module = name
            package, _, last = name.rpartition(".")
            found.append(("module", package, last))
        else:
            found.append((kind, module, name))
    return found


ENTRIES = [entry for path in REFERENCE for entry in entries(path)]


def public_names() -> list[tuple[str, str]]:
    return [
        (module, name)
        for module in PUBLIC
        for name in importlib.import_module(module).__all__
        if not name.startswith("__")
    ]


@pytest.mark.parametrize(("module", "name"), public_names())
def test_every_public_name_is_in_the_reference(module: str, name: str):
    value = getattr(importlib.import_module(module), name)
    # A name that two modules export has one entry.
    same = [each for each in PUBLIC if getattr(importlib.import_module(each), name, None) is value]
    assert any(entry[1] in same and entry[2] == name for entry in ENTRIES)


@pytest.mark.parametrize("name", FIXTURES)
def test_every_fixture_is_in_the_reference_and_in_the_guide(name: str):
    assert any(entry[2] == name for entry in ENTRIES)
    assert f"``{name}``" in (DOCS / "guide" / "testing.rst").read_text()
    assert re.search(rf"def {name}\b", inspect.getsource(aiohttp_ws.pytest_plugin))


def test_the_reference_names_nothing_that_is_not_there():
    for kind, module, name in ENTRIES:
        if kind != "module" and name not in FIXTURES:
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry[0].startswith("auto")], ids=lambda e: e[2]
)
def test_what_the_reference_takes_from_a_docstring_has_one(entry: tuple[str, str, str]):
    _, module, name = entry
    value = getattr(importlib.import_module(module), name)
    assert (value.__doc__ or "").strip()


def code_blocks(path: Path) -> list[tuple[int, str]]:
    """The Python of a page, each block with its line."""
    lines = path.read_text().splitlines()
    found = []
    for number, line in enumerate(lines):
        if line.strip() != ".. code-block:: python":
            continue
        margin = len(line) - len(line.lstrip())
        block = []
        for each in lines[number + 1 :]:
            if each.strip() and len(each) - len(each.lstrip()) <= margin:
                break
            block.append(each)
        found.append((number + 1, textwrap.dedent("\n".join(block))))
    return found


BLOCKS = [
    pytest.param(source, id=f"{path.relative_to(ROOT)}:{line}")
    for path in PAGES
    for line, source in code_blocks(path)
]


@pytest.mark.parametrize("source", BLOCKS)
def test_python_in_the_documentation_compiles(source: str):
    # Excerpts may await outside a function.
    body = textwrap.indent(source, "    ")
    assert compile(f"async def excerpt():\n{body}\n", "<documentation>", "exec")


@pytest.mark.parametrize("source", BLOCKS)
def test_python_in_the_documentation_imports_names_that_are_there(source: str):
    for module, names in re.findall(r"^from (aiohttp_ws[\w.]*) import (.+)$", source, re.MULTILINE):
        imported = importlib.import_module(module)
        for name in names.split(","):
            value = getattr(imported, name.strip(), None)
            assert value is not None or importlib.import_module(f"{module}.{name.strip()}")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_page_names_are_there(path: Path):
    text = path.read_text()
    named = re.findall(r"``((?:tests|examples|benchmarks|docs)/[\w/.]+?)/?``", text)
    built = {"docs/_build/html", "tests/conformance/reports"}
    missing = [each for each in named if each not in built and not (ROOT / each).exists()]
    assert missing == []


def test_make_help_and_the_guides_agree_on_the_targets():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    readme = (ROOT / "README.rst").read_text()
    contributing = (ROOT / "CONTRIBUTING.rst").read_text()
    for target in targets - {"format"}:
        assert f"``make {target}``" in contributing, target
    for target in targets:
        assert f"``{target}``" in readme or f"make {target}" in readme, target


SERVER = [web.Server, web.run_app, web.BaseRunner, web.Application, web.WebSocketResponse]
MESSAGES = [aiohttp_ws.serve, aiohttp_ws.connect]
UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2}


def stated_limits() -> list[tuple[str, float]]:
    """The rows of the page of limits that give one parameter a number."""
    text = (DOCS / "guide" / "limits.rst").read_text()
    rows = re.findall(r"\* - ``(\w+)``\n +- ([\d.]+)(?: (\w+))?(?: \(.*\))?\n", text)
    return [(name, float(number) * UNITS[unit]) for name, number, unit in rows]


@pytest.mark.parametrize(("name", "stated"), stated_limits())
def test_a_default_on_the_page_of_limits_is_one_of_the_code(name: str, stated: float):
    defaults = {
        parameters[name].default
        for owner in [*SERVER, *MESSAGES, ClientSession, ClientSession._request, TCPConnector]
        if name in (parameters := inspect.signature(owner).parameters)
    }
    if name == "keepalive_timeout":
        defaults.add(DEFAULT_KEEPALIVE)
    assert stated in defaults
