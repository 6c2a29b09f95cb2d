"""Programs and libraries that the tests talk to and that a newcomer may not have.

A test that needs one says so::

    @pytest.mark.peer("node-ws")
    def test_echo_reaches_node(peer): ...

On a machine without it the test is skipped, with a line saying how to get it. With
``REQUIRE_PEERS=1`` the same absence is a failure: where everything was installed on purpose,
a skip would hide a broken installation.

For a peer that a test module imports at its top::

    picows = import_peer("picows")
"""

import importlib
import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

NODE_FOLDER = Path(__file__).parent / "interop" / "node"


@dataclass(frozen=True)
class Peer:
    """One peer: ``find()`` gives its path (or module name), None when it is absent."""

    find: Callable[[], str | None]
    remedy: str


def program(*names: str, package: str) -> Peer:
    def find() -> str | None:
        return next((path for name in names if (path := shutil.which(name))), None)

    return Peer(find, f"install it with your package manager (Debian: apt-get install {package})")


def library(module: str, distribution: str | None = None) -> Peer:
    def find() -> str | None:
        return module if importlib.util.find_spec(module) else None

    return Peer(find, f"pip install {distribution or module} (make test does)")


def node_ws() -> str | None:
    if not shutil.which("node"):
        return None
    folder = NODE_FOLDER / "node_modules" / "ws"
    return str(folder) if (folder / "package.json").is_file() else None


PEERS = {
    "node": program("node", "nodejs", package="nodejs"),
    "node-ws": Peer(
        node_ws, "install Node.js and npm, then: npm install --prefix tests/interop/node"
    ),
    "chromium": program(
        "chromium", "chromium-browser", "google-chrome", "chrome", package="chromium"
    ),
    "curl": program("curl", package="curl"),
    "wrk": program("wrk", package="wrk"),
    "openssl": program("openssl", package="openssl"),
    "cc": program("cc", "gcc", "clang", package="gcc"),
    "nginx": Peer(
        lambda: shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin"),
        "install it with your package manager (Debian: apt-get install nginx-light)",
    ),
    "tinyproxy": program("tinyproxy", package="tinyproxy-bin"),
    "proxy.py": library("proxy", "proxy.py"),
    "gunicorn": library("gunicorn"),
    "aiohttp": library("aiohttp"),
    "websockets": library("websockets"),
    "picows": library("picows"),
    "autobahn": library("autobahn"),
    "h11": library("h11"),
    "httptools": library("httptools"),
    "trustme": library("trustme"),
    "uvicorn": library("uvicorn"),
    "uvloop": library("uvloop"),
    "zlib_ng": library("zlib_ng", "zlib-ng"),
    "anyio": library("anyio"),
    "nest_asyncio": library("nest_asyncio", "nest-asyncio"),
    "nest_asyncio2": library("nest_asyncio2", "nest-asyncio2"),
    "pytest-aiohttp": library("pytest_aiohttp", "pytest-aiohttp"),
}


def peers_required() -> bool:
    """Whether the absence of a peer is a failure (``REQUIRE_PEERS=1``)."""
    return os.environ.get("REQUIRE_PEERS", "") not in ("", "0")


def require(name: str, *, module_level: bool = False) -> str:
    """Return the path (or module name) of a peer; skip the test when it is absent.

    Raises ``KeyError`` for a name that is not in ``PEERS``, so that a typing mistake
    cannot pass as an absent peer.
    """
    peer = PEERS[name]
    found = peer.find()
    if found is None:
        message = f"{name} is absent: {peer.remedy}"
        if peers_required():
            pytest.fail(f"{message} (REQUIRE_PEERS=1 makes this a failure)", pytrace=False)
        pytest.skip(message, allow_module_level=module_level)
    return found


def import_peer(name: str) -> ModuleType:
    """Import a peer library for a whole test module, or skip (fail) that module."""
    return importlib.import_module(require(name, module_level=True))
