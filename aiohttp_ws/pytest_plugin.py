"""Fixtures for tests of applications, loaded by pytest where this package is installed.

``aiohttp_client``, ``aiohttp_server`` and ``aiohttp_raw_server`` are factories: each gives a
:class:`~aiohttp_ws.test_utils.TestClient` or a test server that runs, and that is closed at the
end of the test. ``aiohttp_client_cls`` may be overridden with a subclass of ``TestClient``, and
``aiohttp_unused_port`` gives free ports::

    async def test_greeting(aiohttp_client):
        client = await aiohttp_client(make_app())
        async with client.get("/") as response:
            assert await response.text() == "Hello"

**Beside pytest-aiohttp**, which has fixtures of the same names for aiohttp's own objects, each
fixture serves both libraries: what belongs to this package is served by this package, anything
else is passed on to pytest-aiohttp. Only a bare handler, as ``aiohttp_raw_server`` takes it, does
not show whose it is; :func:`~aiohttp_ws.test_utils.factories.library_of` says how that is
decided, and ``aiohttp_raw_server(handler, library="aiohttp")`` decides it by hand.

**The event loop** is pytest-asyncio's, in its ``auto`` and ``strict`` modes (``strict`` needs
``@pytest.mark.asyncio`` on each test), or AnyIO's where pytest-asyncio is absent
(``@pytest.mark.anyio``, on the asyncio backend).
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from aiohttp_ws.test_utils import TestClient, unused_port
from aiohttp_ws.test_utils.factories import class_for_both, clients, raw_servers, servers
from aiohttp_ws.test_utils.fixture_types import AiohttpClient, AiohttpRawServer, AiohttpServer

if TYPE_CHECKING:
    pass

__all__ = ("AiohttpClient", "AiohttpRawServer", "AiohttpServer")

# ----------------------------------------------------------------------- fixtures


@pytest.fixture
def aiohttp_unused_port() -> Callable[[], int]:
    """A function that gives a port of 127.0.0.1 on which nothing listens."""
    return unused_port


def _alone(async_fixture: Callable[..., Any]) -> dict[str, Any]:
    """The fixtures where no other plugin has these names."""

    @async_fixture
    async def aiohttp_server() -> AsyncIterator[AiohttpServer]:
        """A function that starts a TestServer: ``await aiohttp_server(app)``."""
        async with servers(None) as start:
            yield start

    @async_fixture
    async def aiohttp_raw_server() -> AsyncIterator[AiohttpRawServer]:
        """A function that starts a RawTestServer: ``await aiohttp_raw_server(handler)``."""
        async with raw_servers(None) as start:
            yield start

    @async_fixture
    async def aiohttp_client(aiohttp_client_cls: type) -> AsyncIterator[AiohttpClient]:
        """A function that gives a TestClient: ``await aiohttp_client(app_or_server)``."""
        async with clients(None, aiohttp_client_cls) as start:
            yield start

    @pytest.fixture
    def aiohttp_client_cls() -> type[TestClient[Any, Any]]:
        """The class of the clients that ``aiohttp_client`` makes; override it with your own."""
        return TestClient

    return {
        "aiohttp_server": aiohttp_server,
        "aiohttp_raw_server": aiohttp_raw_server,
        "aiohttp_client": aiohttp_client,
        "aiohttp_client_cls": aiohttp_client_cls,
    }


def _beside_others(async_fixture: Callable[..., Any]) -> dict[str, Any]:
    """The fixtures where another plugin has these names.

    A fixture that requests its own name is given the one it overrides.
    """

    @async_fixture
    async def aiohttp_server(aiohttp_server: Any) -> AsyncIterator[AiohttpServer]:
        """As pytest-aiohttp's, for applications of either library."""
        async with servers(aiohttp_server) as start:
            yield start

    @async_fixture
    async def aiohttp_raw_server(aiohttp_raw_server: Any) -> AsyncIterator[AiohttpRawServer]:
        """As pytest-aiohttp's, for handlers of either library (``library=`` says which)."""
        async with raw_servers(aiohttp_raw_server) as start:
            yield start

    @async_fixture
    async def aiohttp_client(
        aiohttp_client: Any, aiohttp_client_cls: type
    ) -> AsyncIterator[AiohttpClient]:
        """As pytest-aiohttp's, for applications and test servers of either library."""
        async with clients(aiohttp_client, aiohttp_client_cls) as start:
            yield start

    @pytest.fixture
    def aiohttp_client_cls(aiohttp_client_cls: type) -> type[TestClient[Any, Any]]:
        """The class of the clients that ``aiohttp_client`` makes; override it with your own."""
        return class_for_both(aiohttp_client_cls)

    return {
        "aiohttp_server": aiohttp_server,
        "aiohttp_raw_server": aiohttp_raw_server,
        "aiohttp_client": aiohttp_client,
        "aiohttp_client_cls": aiohttp_client_cls,
    }


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures, as the last plugin of all.

    Of two plugins that define a fixture, the one registered later overrides the other and may
    request it. Entry points are loaded in no promised order, so the order is made here, when
    every other plugin is registered.
    """
    plugins = config.pluginmanager
    others = [
        plugin
        for name, plugin in plugins.list_name_plugin()
        # What a conftest.py defines overrides a plugin's fixtures whatever the order.
        if plugin is not None and not name.endswith("conftest.py")
    ]
    async_fixture: Callable[..., Any] = pytest.fixture
    pytest_asyncio = sys.modules.get("pytest_asyncio.plugin")
    if pytest_asyncio is not None and plugins.is_registered(pytest_asyncio):
        async_fixture = pytest_asyncio.fixture
    beside = _beside_others(async_fixture)
    fixtures = ModuleType("aiohttp_ws.fixtures")
    for name, fixture in _alone(async_fixture).items():
        taken = any(hasattr(plugin, name) for plugin in others)
        setattr(fixtures, name, beside[name] if taken else fixture)
    plugins.register(fixtures, fixtures.__name__)
