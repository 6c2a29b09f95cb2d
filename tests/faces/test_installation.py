"""This package under the names of aiohttp and of websockets, each time in a process of its own."""

import subprocess
import sys
import textwrap

import pytest

from tests.peers import import_peer

PEERS = {"aiohttp": "aiohttp_ws.faces", "websockets": "aiohttp_ws.websockets"}


def output_of(source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_aiohttp_is_this_package_after_the_installation():
    said = output_of(
        """
        import aiohttp_ws
        aiohttp_ws.install_as_aiohttp()
        import aiohttp
        import aiohttp.web_app
        from aiohttp import ClientSession, hdrs, web
        from aiohttp.client_exceptions import ClientError
        assert ClientSession is aiohttp_ws.ClientSession is aiohttp.client.ClientSession
        assert web.Application is aiohttp_ws.web.Application is aiohttp.web_app.Application
        assert ClientError is aiohttp_ws.ClientError
        assert hdrs.HOST is aiohttp_ws.hdrs.HOST
        print(aiohttp.__file__)
        """
    )
    assert "aiohttp_ws" in said


def test_websockets_is_this_package_after_the_installation():
    said = output_of(
        """
        import aiohttp_ws
        aiohttp_ws.install_as_websockets()
        import websockets
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed
        from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
        assert connect is aiohttp_ws.connect
        assert websockets.ConnectionClosed is ConnectionClosed
        assert ConnectionClosed is aiohttp_ws.websockets.exceptions.ConnectionClosed
        assert websockets.exceptions is aiohttp_ws.websockets.exceptions
        print(websockets.__file__)
        """
    )
    assert "aiohttp_ws" in said


@pytest.mark.parametrize("peer", PEERS)
def test_the_version_is_that_of_the_peer_and_ours_stays(peer: str):
    installed = import_peer(peer)
    said = output_of(
        f"""
        import aiohttp_ws, importlib.metadata
        aiohttp_ws.install_as_{peer}()
        import {peer}
        print({peer}.__version__, importlib.metadata.version("{peer}"))
        print(aiohttp_ws.__version__, importlib.metadata.version("aiohttp_ws"))
        """
    )
    of_peer, ours = (line.split() for line in said.splitlines())
    assert len(set(of_peer)) == len(set(ours)) == 1
    # Of the peer's releases the newest counts; old Pythons have only older ones.
    assert int(of_peer[0].split(".")[0]) >= int(installed.__version__.split(".")[0])
    assert of_peer != ours


def test_metadata_is_there_where_the_peer_is_not_installed():
    said = output_of(
        """
        import importlib.metadata
        from importlib.machinery import PathFinder
        import aiohttp_ws
        aiohttp_ws.install_as_aiohttp()
        PathFinder.find_distributions = lambda *args: iter(())  # Nothing is installed.
        print(importlib.metadata.version("aiohttp"))
        try:
            importlib.metadata.version("multidict")
        except importlib.metadata.PackageNotFoundError:
            print("absent")
        """
    )
    assert said.split() == ["3.14.5", "absent"]


@pytest.mark.parametrize("peer", PEERS)
def test_installing_twice_is_installing_once(peer: str):
    said = output_of(
        f"""
        import sys
        from aiohttp_ws import install_as_{peer}
        install_as_{peer}()
        import {peer}
        install_as_{peer}()
        print(len([each for each in sys.meta_path if "installation" in type(each).__module__]))
        """
    )
    assert said == "1"


@pytest.mark.parametrize("module", ["aiohttp", "aiohttp.hdrs", "websockets.frames"])
def test_installing_after_the_peer_was_imported_names_what_was_imported(module: str):
    peer = module.partition(".")[0]
    import_peer(peer)
    said = output_of(
        f"""
        import sys
        import {module}
        import aiohttp_ws
        try:
            aiohttp_ws.install_as_{peer}()
        except RuntimeError as exc:
            print(exc)
        assert not [each for each in sys.meta_path if "installation" in type(each).__module__]
        """
    )
    assert said.startswith(f"{peer} has been imported already, from ")
    assert f"call aiohttp_ws.install_as_{peer}() before the first import of {peer}" in said


def test_both_live_in_one_environment():
    import_peer("aiohttp")
    said = output_of("import aiohttp_ws, aiohttp; print(aiohttp.ClientSession.__module__)")
    assert said == "aiohttp.client"


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("import aiohttp.nothing", "ModuleNotFoundError No module named 'aiohttp.nothing'"),
        ("import aiohttp._http_parser", "ModuleNotFoundError No module named 'aiohttp._http_"),
        ("from aiohttp.client import Nothing", "ImportError cannot import name 'Nothing' from"),
        ("import aiohttp; aiohttp.Nothing", "AttributeError module 'aiohttp_ws.faces', which"),
        ("from aiohttp.http_parser import HttpParser", "ImportError cannot import name 'HttpPar"),
    ],
)
def test_what_is_not_there_is_absent(statement: str, error: str):
    said = output_of(
        f"""
        import aiohttp_ws.as_aiohttp
        try:
            {statement}
        except Exception as exc:
            print(type(exc).__name__, exc)
        """
    )
    assert said.startswith(error)


def test_patching_a_module_has_the_effect_it_has_in_aiohttp():
    output_of(
        """
        import aiohttp_ws.as_aiohttp
        from unittest import mock
        import aiohttp
        real = aiohttp_ws.ClientSession
        with mock.patch("aiohttp.client.ClientSession") as fake:
            from aiohttp.client import ClientSession
            assert ClientSession is fake
            assert aiohttp.ClientSession is real
        assert aiohttp.client.ClientSession is real
        with mock.patch("aiohttp.ClientSession.get") as fake:
            assert aiohttp.client.ClientSession.get is fake
        """
    )


def test_a_module_has_one_object_under_both_names_and_can_be_reloaded():
    output_of(
        """
        import importlib
        import aiohttp_ws.as_aiohttp
        import aiohttp.client, aiohttp_ws.faces.client
        assert aiohttp.client is aiohttp_ws.faces.client
        assert importlib.reload(aiohttp.client) is aiohttp.client
        assert importlib.import_module(".client", "aiohttp") is aiohttp.client
        """
    )


def test_classes_say_where_aiohttp_defines_them():
    output_of(
        """
        import pickle
        import aiohttp_ws.as_aiohttp
        import asyncio
        from aiohttp import ClientSession, hdrs, web
        import aiohttp

        async def connect():
            async with ClientSession() as session:
                await session.get("http://127.0.0.1:1/")

        try:
            asyncio.run(connect())
        except OSError as exc:
            assert type(exc).__module__ == "aiohttp.client_exceptions", type(exc)
        assert web.HTTPNotFound.__module__ == "aiohttp.web_exceptions"
        assert web.HTTPBadGateway.__module__ == "aiohttp.web_exceptions"
        assert web.Application.__module__ == "aiohttp.web_app"
        assert ClientSession.__module__ == "aiohttp.client"
        error = aiohttp.ServerDisconnectedError("gone")
        assert type(error).__module__ == "aiohttp.client_exceptions"
        assert type(pickle.loads(pickle.dumps(error))) is type(error)
        """
    )


def test_the_loggers_of_aiohttp_are_obeyed_and_have_what_is_logged():
    said = output_of(
        """
        import logging, sys
        logging.basicConfig(format="%(name)s %(message)s", stream=sys.stdout, level=logging.INFO)
        logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
        import aiohttp_ws.as_aiohttp
        from aiohttp.log import access_logger, server_logger
        access_logger.info("hidden")
        server_logger.info("shown")
        logging.getLogger("aiohttp.server").setLevel(logging.ERROR)
        server_logger.info("hidden")
        """
    )
    assert said == "aiohttp.server shown"


def test_classes_keep_their_modules_without_the_installation():
    said = output_of(
        "import aiohttp_ws.faces.web_exceptions as face; print(face.HTTPNotFound.__module__)"
    )
    assert said == "aiohttp_ws.web.exceptions"


def test_importing_aiohttp_loads_neither_client_nor_server():
    said = output_of("import aiohttp_ws.as_aiohttp, aiohttp, sys; print(*sys.modules)")
    assert {"aiohttp_ws.client", "aiohttp_ws.web"} & set(said.split()) == set()


@pytest.mark.parametrize("peer", PEERS)
def test_pytest_installs_before_its_plugins(peer: str, tmp_path):
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent(
            f"""
            import {peer}

            def test_it():
                assert {peer}.__name__ == "{PEERS[peer]}"
            """
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", f"aiohttp_ws.as_{peer}", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


FIXTURES = """
from aiohttp import web
{plugins}

async def test_hello(aiohttp_client):
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="Hello")

    app = web.Application()
    app.router.add_get("/", hello)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert await response.text() == "Hello"
"""


@pytest.mark.parametrize(
    "plugins", ["", 'pytest_plugins = ["aiohttp.pytest_plugin"]'], ids=["by itself", "named"]
)
@pytest.mark.parametrize("autoload", [True, False])
def test_the_fixtures_are_there_under_pytest(plugins: str, autoload: bool, tmp_path, monkeypatch):
    options = []
    if not autoload:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        options = ["-p", "pytest_asyncio.plugin"]
        if not plugins:
            options += ["-p", "pytest_aiohttp.plugin"]
    (tmp_path / "test_it.py").write_text(FIXTURES.format(plugins=plugins))
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "aiohttp_ws.as_aiohttp", *options, "."],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
