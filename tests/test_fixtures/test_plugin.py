"""The pytest plugin, in pytest runs of its own: alone and beside pytest-aiohttp."""

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aiohttp_ws import web
from aiohttp_ws.test_utils.factories import library_of
from tests.peers import import_peer

OURS = "aiohttp_ws.pytest_plugin"
ASYNCIO = "pytest_asyncio.plugin"
THEIRS = "pytest_aiohttp.plugin"
ANYIO = "anyio.pytest_plugin"

ROOT = Path(__file__).parents[2]

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that runs pytest on a module's source and gives its summary line.

    Only the named plugins are loaded, in the order in which they are named.
    """

    def run_pytest(
        source: str, plugins: list[str], *options: str, conftest: str = "", autoload: bool = False
    ) -> str:
        (tmp_path / "test_module.py").write_text(source)
        (tmp_path / "conftest.py").write_text(conftest)
        (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
        loaded = [option for name in plugins for option in ("-p", name)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        environment.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)
        if not autoload:
            environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        if ASYNCIO in plugins:
            options = (*options, "-o", "asyncio_default_fixture_loop_scope=function")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *loaded, *options],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        summary = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
        counts = re.findall(r"\d+ (?:passed|failed|errors?|skipped)", summary)
        assert counts, done.stdout + done.stderr
        if any("passed" not in count for count in counts):
            return done.stdout
        return ", ".join(counts)

    return run_pytest


HEADER = """
import pytest
import aiohttp_ws.test_utils
from aiohttp_ws import web as our_web

mark = pytest.mark.{mark}

async def our_handler(request: our_web.BaseRequest) -> our_web.Response:
    return our_web.Response(text="ours")

def our_app():
    app = our_web.Application()
    app.router.add_get("/", our_handler)
    return app

async def text_of(client):
    async with client.get("/") as response:
        return await response.text()
"""

OUR_WORLD = """
@mark
async def test_client_of_app(aiohttp_client):
    client = await aiohttp_client(our_app(), server_kwargs={"scheme": "http"})
    assert isinstance(client, aiohttp_ws.test_utils.TestClient)
    assert await text_of(client) == "ours"

@mark
async def test_client_of_server(aiohttp_client, aiohttp_server):
    server = await aiohttp_server(our_app())
    assert isinstance(server, aiohttp_ws.test_utils.TestServer)
    client = await aiohttp_client(server)
    assert client.server is server
    assert await text_of(client) == "ours"

@mark
async def test_client_of_raw_server(aiohttp_client, aiohttp_raw_server):
    server = await aiohttp_raw_server(our_handler)
    assert isinstance(server, aiohttp_ws.test_utils.RawTestServer)
    assert await text_of(await aiohttp_client(server)) == "ours"

@mark
async def test_client_class(aiohttp_client_cls, aiohttp_server):
    async with aiohttp_client_cls(await aiohttp_server(our_app())) as client:
        assert isinstance(client, aiohttp_ws.test_utils.TestClient)
        assert await text_of(client) == "ours"

@mark
async def test_port(aiohttp_server, aiohttp_unused_port):
    port = aiohttp_unused_port()
    assert (await aiohttp_server(our_app(), port=port)).port == port

opened = []

@mark
async def test_left_open(aiohttp_client):
    opened.append(await aiohttp_client(our_app()))

def test_what_was_left_open_is_closed():
    assert opened[0].server.closed
    assert opened[0].session.closed
"""

THEIR_WORLD = """
import aiohttp.test_utils
from aiohttp import web as their_web

async def their_handler(request):
    return their_web.Response(text="theirs")

def their_app():
    app = their_web.Application()
    app.router.add_get("/", their_handler)
    return app

@mark
async def test_client_of_their_app(aiohttp_client):
    client = await aiohttp_client(their_app())
    assert isinstance(client, aiohttp.test_utils.TestClient)
    assert await text_of(client) == "theirs"

@mark
async def test_client_of_their_server(aiohttp_client, aiohttp_server):
    server = await aiohttp_server(their_app())
    assert isinstance(server, aiohttp.test_utils.TestServer)
    assert await text_of(await aiohttp_client(server)) == "theirs"

@mark
async def test_client_of_their_raw_server(aiohttp_client, aiohttp_raw_server):
    server = await aiohttp_raw_server(their_handler)
    assert isinstance(server, aiohttp.test_utils.RawTestServer)
    assert await text_of(await aiohttp_client(server)) == "theirs"

@mark
async def test_their_client_class(aiohttp_client_cls, aiohttp_server):
    async with aiohttp_client_cls(await aiohttp_server(their_app())) as client:
        assert isinstance(client, aiohttp.test_utils.TestClient)
        assert await text_of(client) == "theirs"

@mark
async def test_library_is_said_by_hand(aiohttp_raw_server):
    server = await aiohttp_raw_server(lambda request: None, library="aiohttp")
    assert isinstance(server, aiohttp.test_utils.RawTestServer)

@mark
async def test_both_in_one_test(aiohttp_client):
    assert await text_of(await aiohttp_client(their_app())) == "theirs"
    assert await text_of(await aiohttp_client(our_app())) == "ours"
"""

WITH_ASYNCIO = HEADER.format(mark="asyncio")
WITH_ANYIO = HEADER.format(mark="anyio")
ORDERS = pytest.mark.parametrize(
    "plugins",
    [[OURS, ASYNCIO, THEIRS], [ASYNCIO, THEIRS, OURS]],
    ids=["loaded-first", "loaded-last"],
)
MODES = pytest.mark.parametrize("mode", ["auto", "strict"])


@pytest.mark.peer("aiohttp", "pytest-aiohttp")
def test_the_plugin_is_an_entry_point_that_pytest_loads_by_itself(run: Run) -> None:
    found = {
        point.name
        for point in importlib.metadata.entry_points(group="pytest11")
        if point.value == OURS
    }
    if not found:
        pytest.skip("the package is not installed: pip install -e . (make test does)")
    assert found == {OURS}, "pytest knows a plugin of a conftest.py by the name of its module"
    options = ("--asyncio-mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
    source = WITH_ASYNCIO + OUR_WORLD + THEIR_WORLD
    assert run(source, [], *options, autoload=True) == "13 passed"


@pytest.mark.parametrize("loaded", [[], [OURS]], ids=["by-itself", "by-option"])
def test_a_conftest_may_name_the_plugin_that_pytest_has_loaded(run: Run, loaded: list[str]) -> None:
    """What becomes of ``pytest_plugins = ["aiohttp.pytest_plugin"]``."""
    options = ("--asyncio-mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
    conftest = f"pytest_plugins = [{OURS!r}]"
    source = WITH_ASYNCIO + OUR_WORLD
    assert run(source, loaded, *options, conftest=conftest, autoload=True) == "7 passed"


LOOP_FIXTURE = """
import asyncio

import pytest

@pytest.fixture
async def loop():
    return asyncio.get_running_loop()
"""

FOR_AIOHTTPS_PLUGIN = """
import asyncio
from aiohttp_ws import web

async def test_with_its_loop(loop, aiohttp_client):
    assert loop is asyncio.get_running_loop()
    client = await aiohttp_client(web.Application())
    async with client.get("/") as response:
        assert response.status == 404

async def test_without(aiohttp_unused_port):
    assert await asyncio.sleep(0, aiohttp_unused_port())
"""


def test_what_the_guide_says_runs_tests_for_the_plugin_that_aiohttp_has(run: Run) -> None:
    guide = (ROOT / "docs" / "guide" / "testing.rst").read_text()
    assert "async def loop():" in guide
    options = ("--asyncio-mode=auto",)
    plugins = [OURS, ASYNCIO]
    assert run(FOR_AIOHTTPS_PLUGIN, plugins, *options, conftest=LOOP_FIXTURE) == "2 passed"


@MODES
def test_fixtures_work_without_pytest_aiohttp(run: Run, mode: str) -> None:
    result = run(WITH_ASYNCIO + OUR_WORLD, [OURS, ASYNCIO], f"--asyncio-mode={mode}")
    assert result == "7 passed"


@pytest.mark.peer("aiohttp")
def test_fixtures_work_beside_the_plugin_that_aiohttp_itself_has(run: Run) -> None:
    source = HEADER.format(mark="filterwarnings") + OUR_WORLD + THEIR_WORLD
    source = source.replace("mark = pytest.mark.filterwarnings", "mark = lambda test: test")
    options = ("-W", "default", "-k", "not their_client_class")  # It has no aiohttp_client_cls.
    for plugins in ([OURS, "aiohttp.pytest_plugin"], ["aiohttp.pytest_plugin", OURS]):
        assert run(source, plugins, *options) == "12 passed"


@MODES
@ORDERS
@pytest.mark.peer("aiohttp", "pytest-aiohttp")
def test_fixtures_serve_both_libraries_in_either_order(
    run: Run, plugins: list[str], mode: str
) -> None:
    source = WITH_ASYNCIO + OUR_WORLD + THEIR_WORLD
    assert run(source, plugins, f"--asyncio-mode={mode}") == "13 passed"


@pytest.mark.peer("anyio")
def test_fixtures_work_on_anyio_without_pytest_asyncio(run: Run) -> None:
    conftest = """
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""
    assert run(WITH_ANYIO + OUR_WORLD, [OURS, ANYIO], conftest=conftest) == "7 passed"


@pytest.mark.peer("aiohttp")
def test_aiohttps_objects_without_pytest_aiohttp_are_refused_with_the_remedy(run: Run) -> None:
    source = (
        WITH_ASYNCIO
        + """
from aiohttp import web as their_web

@mark
async def test_refused(aiohttp_client, aiohttp_server, aiohttp_raw_server):
    app = their_web.Application()
    with pytest.raises(TypeError, match="pip install pytest-aiohttp"):
        await aiohttp_client(app)
    with pytest.raises(TypeError, match="pip install pytest-aiohttp"):
        await aiohttp_server(app)
    with pytest.raises(TypeError, match="pip install pytest-aiohttp"):
        await aiohttp_raw_server(print, library="aiohttp")
    with pytest.raises(ValueError, match="not 'django'"):
        await aiohttp_raw_server(print, library="django")
"""
    )
    assert run(source, [OURS, ASYNCIO]) == "1 passed"


OVERRIDE = """
import pytest
from {library}.test_utils import TestClient

class Mine(TestClient):
    __test__ = False

@pytest.fixture
def aiohttp_client_cls():
    return Mine
"""


@ORDERS
@pytest.mark.peer("aiohttp", "pytest-aiohttp")
def test_client_class_overridden_with_ours_is_used_for_ours(run: Run, plugins: list[str]) -> None:
    source = (
        WITH_ASYNCIO
        + """
@mark
async def test_class(aiohttp_client):
    assert type(await aiohttp_client(our_app())).__name__ == "Mine"
"""
    )
    assert run(source, plugins, conftest=OVERRIDE.format(library="aiohttp_ws")) == "1 passed"


@ORDERS
@pytest.mark.peer("aiohttp", "pytest-aiohttp")
def test_client_class_overridden_with_aiohttps_is_used_for_aiohttps_alone(
    run: Run, plugins: list[str]
) -> None:
    source = (
        WITH_ASYNCIO
        + """
import aiohttp.web

@mark
async def test_class(aiohttp_client):
    assert type(await aiohttp_client(aiohttp.web.Application())).__name__ == "Mine"
    assert type(await aiohttp_client(our_app())) is aiohttp_ws.test_utils.TestClient
"""
    )
    assert run(source, plugins, conftest=OVERRIDE.format(library="aiohttp")) == "1 passed"


# ------------------------------------------------------- whose is a bare handler?


async def annotated(request: web.BaseRequest) -> web.Response:
    return web.Response()


async def named(request):  # type: ignore[no-untyped-def]
    return web.Response()


async def silent(request):  # type: ignore[no-untyped-def]
    return request


class Callable_:
    async def __call__(self, request):  # type: ignore[no-untyped-def]
        return web.Response()


@pytest.mark.parametrize("handler", [annotated, named, silent, Callable_(), print])
def test_handler_that_names_ours_or_nothing_is_ours(handler: object) -> None:
    assert library_of(handler) == "aiohttp_ws"


def test_handler_that_names_aiohttp_is_aiohttps() -> None:
    aiohttp = import_peer("aiohttp")
    import aiohttp.web as theirs

    def annotated(request: theirs.BaseRequest) -> theirs.Response:
        return silent(request)  # type: ignore[no-untyped-call]

    async def named(request):  # type: ignore[no-untyped-def]
        return theirs.Response()

    async def of_both(request):  # type: ignore[no-untyped-def]
        return theirs.Response() or web.Response()

    assert library_of(annotated) == "aiohttp"
    assert library_of(named) == "aiohttp"
    assert library_of(of_both) == "aiohttp_ws"
    assert aiohttp.web is theirs
