"""What the packages offer: each public name is written once, in the ``__all__`` of its module."""

import ast
import importlib
import subprocess
import sys

import pytest

import aiohttp_ws
from tests.programs import ROOT

PACKAGES = ["", ".abc", ".client", ".errors", ".frames", ".typedefs", ".web", ".websockets"]
PACKAGES += [f".websockets{name}" for name in ("", ".client", ".extensions", ".server")]


def program(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def starred(tree: ast.AST) -> list[str]:
    return [
        node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    ]


@pytest.mark.parametrize("folder", ["", "websockets"])
def test_type_checkers_see_the_modules_that_the_package_offers(folder: str):
    tree = ast.parse((ROOT / "aiohttp_ws" / folder / "__init__.py").read_text())
    (call,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("lazily")
    )
    assert sorted(ast.literal_eval(call.args[1])) == sorted(starred(tree))


@pytest.mark.parametrize("name", PACKAGES)
def test_everything_in_all_is_there(name: str):
    module = importlib.import_module("aiohttp_ws" + name)
    assert len(module.__all__) == len(set(module.__all__))
    for each in module.__all__:
        assert getattr(module, each) is not None
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("name", PACKAGES)
def test_a_star_import_gives_what_is_in_all(name: str):
    names: dict[str, object] = {}
    exec(f"from aiohttp_ws{name} import *", names)
    del names["__builtins__"]
    assert set(names) == set(importlib.import_module("aiohttp_ws" + name).__all__)


@pytest.mark.parametrize(
    ("statement", "without"),
    [
        ("import aiohttp_ws", "client frames http.payload web websockets ws.engine asyncio"),
        ("from aiohttp_ws import web", "client frames websockets"),
        ("from aiohttp_ws import ClientSession", "frames web websockets installation aiodns"),
        ("from aiohttp_ws import ws_connect", "client web websockets"),
        ("from aiohttp_ws import WSMsgType", "client frames web ws.engine"),
        ("from aiohttp_ws import connect", "client frames web"),
        ("from aiohttp_ws.websockets import connect", "websockets.asyncio.server frames web"),
        ("from aiohttp_ws.websockets import serve", "websockets.asyncio.client frames web"),
        ("from aiohttp_ws.websockets import ConnectionClosed", "websockets.asyncio ws"),
        ("from aiohttp_ws.typedefs import StrOrURL", "client web"),
    ],
)
def test_a_program_loads_only_the_parts_it_names(statement: str, without: str):
    loaded = program(f"{statement}; import sys; print(*sys.modules)").split()
    others = ("asyncio", "aiodns")
    unwanted = {name if name in others else f"aiohttp_ws.{name}" for name in without.split()}
    assert unwanted & set(loaded) == set()


def test_a_package_is_an_attribute_without_an_import_of_its_own():
    code = "import aiohttp_ws; print(aiohttp_ws.errors.WSError.__name__, aiohttp_ws.web.Request)"
    assert program(code) == "WSError <class 'aiohttp_ws.web.request.Request'>"


def test_a_name_is_looked_up_once():
    aiohttp_ws.__dict__.pop("WSMsgType", None)
    assert aiohttp_ws.WSMsgType is vars(aiohttp_ws)["WSMsgType"]


def test_a_name_that_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'aiohttp_ws' has no attribute 'Nothing'"):
        _ = aiohttp_ws.Nothing
    with pytest.raises(ImportError, match="cannot import name 'Nothing' from 'aiohttp_ws'"):
        exec("from aiohttp_ws import Nothing")


def test_a_name_that_needs_another_package_is_absent_without_it():
    program = (
        "import sys; sys.modules['gunicorn'] = None; import aiohttp_ws\n"
        "assert 'GunicornWebWorker' not in aiohttp_ws.__all__\n"
        "try: aiohttp_ws.GunicornWebWorker\n"
        "except AttributeError as exc: print(exc)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert said == "GunicornWebWorker needs the package gunicorn: pip install gunicorn\n"
