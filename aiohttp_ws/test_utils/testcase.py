"""For tests written with :mod:`unittest`, and an event loop for tests of any kind."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from unittest import IsolatedAsyncioTestCase

from aiohttp_ws.test_utils.client import TestClient
from aiohttp_ws.test_utils.servers import TestServer

if TYPE_CHECKING:
    from aiohttp_ws.web import Application, Request

__all__ = (
    "AioHTTPTestCase",
    "loop_context",
    "setup_test_loop",
    "teardown_test_loop",
    "unittest_run_loop",
)

_Test = TypeVar("_Test")


@contextmanager
def loop_context(
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    fast: bool = False,
) -> Iterator[asyncio.AbstractEventLoop]:
    """Make an event loop current for the ``with`` block, and close it after.

    :param loop_factory: makes the loop.
    :param fast: do not collect garbage at the end. Collecting shows what the test left open
        (``ResourceWarning``) while its loop is still the one to blame.
    """
    loop = setup_test_loop(loop_factory)
    try:
        yield loop
    finally:
        teardown_test_loop(loop, fast)


def setup_test_loop(
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> asyncio.AbstractEventLoop:
    """Make an event loop and make it current; :func:`teardown_test_loop` ends it."""
    loop = loop_factory()
    asyncio.set_event_loop(loop)
    return loop


def teardown_test_loop(loop: asyncio.AbstractEventLoop, fast: bool = False) -> None:
    """Close *loop*, as :func:`loop_context` does at the end of its block."""
    if not loop.is_closed():
        # One more iteration, for callbacks that the block's last step scheduled.
        loop.call_soon(loop.stop)
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    if not fast:
        gc.collect()
    asyncio.set_event_loop(None)


def unittest_run_loop(func: _Test) -> _Test:
    """Return *func*. Deprecated: tests of :class:`AioHTTPTestCase` are run without it."""
    warnings.warn("@unittest_run_loop does nothing: leave it out", DeprecationWarning, stacklevel=2)
    return func


class AioHTTPTestCase(IsolatedAsyncioTestCase):
    """A test case with a running application: override :meth:`get_application`.

    :attr:`app`, :attr:`server`, :attr:`client` and :attr:`loop` are there in each test.
    """

    app: Application
    server: TestServer
    client: TestClient[Request, Application]
    loop: asyncio.AbstractEventLoop

    async def get_application(self) -> Application:
        """Return the application to test; every test case overrides this."""
        return self.get_app()

    def get_app(self) -> Application:
        """Return the application; the older, synchronous form of :meth:`get_application`."""
        raise RuntimeError(f"{type(self).__name__} has no application; override get_application()")

    async def get_server(self, app: Application) -> TestServer:
        """Return the server of *app*; override it to choose its parameters."""
        return TestServer(app)

    async def get_client(self, server: TestServer) -> TestClient[Request, Application]:
        """Return the client of *server*; override it to choose its parameters."""
        return TestClient(server)

    async def asyncSetUp(self) -> None:
        """Start the server; an override calls ``await super().asyncSetUp()`` first."""
        self.loop = asyncio.get_running_loop()
        await self.setUpAsync()

    async def setUpAsync(self) -> None:
        """Start the server; the older name of :meth:`asyncSetUp`."""
        self.app = await self.get_application()
        self.server = await self.get_server(self.app)
        self.client = await self.get_client(self.server)
        await self.client.start_server()

    async def asyncTearDown(self) -> None:
        """Close client and server; an override calls ``await super().asyncTearDown()`` last."""
        await self.tearDownAsync()

    async def tearDownAsync(self) -> None:
        """Close client and server; the older name of :meth:`asyncTearDown`."""
        await self.client.close()
