"""Attributes that are private in aiohttp, and that packages lean on: they have aiohttp's effect.

The tests run with aiohttp too.
"""

import importlib
from types import ModuleType
from typing import Any

import pytest

import aiohttp_ws
import aiohttp_ws.test_utils
from tests.peers import import_peer


@pytest.fixture(params=["aiohttp_ws", "aiohttp"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    if request.param == "aiohttp_ws":
        return aiohttp_ws
    library = import_peer("aiohttp")
    importlib.import_module("aiohttp.test_utils")
    return library


async def test_a_test_server_of_ones_own_gives_its_loop_to_what_it_runs(library: Any) -> None:
    class MockServer(library.test_utils.BaseTestServer):
        async def _make_runner(self, **kwargs: Any) -> Any:
            server = library.web.Server(self._answer, loop=self._loop, debug=True)
            return library.web.ServerRunner(server, **kwargs)

        async def _answer(self, request: Any) -> Any:
            return library.web.Response(text=request.path)

        async def __aenter__(self) -> Any:
            await self.start_server(loop=self._loop)
            return self

    async with (
        MockServer() as server,
        library.ClientSession() as session,
        session.get(server.make_url("/path")) as response,
    ):
        assert await response.text() == "/path"
