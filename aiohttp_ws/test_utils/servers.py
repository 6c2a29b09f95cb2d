"""Servers for tests: a real server on a port of this machine, started and closed by the test."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Any

from yarl import URL

from aiohttp_ws.test_utils.ports import get_port_socket
from aiohttp_ws.web import AppRunner, Server, ServerRunner, SockSite

if TYPE_CHECKING:
    from typing_extensions import Self

    from aiohttp_ws.argument_types import StrOrURL
    from aiohttp_ws.web import Application, BaseRequest, BaseRunner, StreamResponse

__all__ = ("BaseTestServer", "RawTestServer", "TestServer")

# What a runner takes for itself; it passes the rest on to the server.
RUNNER_OPTIONS = ("handle_signals", "shutdown_timeout")

SocketFactory = Callable[[str, int, socket.AddressFamily], socket.socket]


class BaseTestServer(ABC):
    """A server on one port of this machine; an async context manager.

    :param scheme: ``"http"`` or ``"https"`` in the URLs made; by default what
        :meth:`start_server` serves.
    :param loop: accepted for compatibility; the running loop is used.
    :param host: the address to listen on.
    :param port: the port to listen on, by default a free one.
    :param skip_url_asserts: :meth:`make_url` takes absolute URLs and unusual paths as they are.
    :param socket_factory: makes the listening socket from host, port and address family.
    :param kwargs: accepted for compatibility, and not used.
    """

    __test__ = False  # Its name looks like a test to pytest.

    def __init__(
        self,
        *,
        scheme: str = "",
        loop: asyncio.AbstractEventLoop | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        skip_url_asserts: bool = False,
        socket_factory: SocketFactory = get_port_socket,
        **kwargs: Any,
    ) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.skip_url_asserts = skip_url_asserts
        self.socket_factory = socket_factory
        self.runner: BaseRunner | None = None
        self._loop = loop
        self._root: URL | None = None
        self._closed = False
        self._loop = loop  # aiohttp has it; what runs is the running loop.

    @abstractmethod
    async def _make_runner(self, **kwargs: Any) -> BaseRunner:
        """Return the runner of what this server serves, not yet set up."""

    async def start_server(
        self, loop: asyncio.AbstractEventLoop | None = None, **kwargs: Any
    ) -> None:
        """Listen and serve; a server that already runs is left as it is.

        :param loop: accepted for compatibility; the running loop is used.
        :param kwargs: ``ssl`` is an :class:`ssl.SSLContext` to serve HTTPS with; the rest goes
            to the runner (:class:`~aiohttp_ws.web.AppRunner`). Handlers are cancelled when their
            client goes away, unless ``handler_cancellation=False``.
        """
        if self.runner is not None:
            return
        self._loop = asyncio.get_running_loop()
        ssl_context: SSLContext | None = kwargs.pop("ssl", None)
        if not self.scheme:
            self.scheme = "https" if ssl_context else "http"
        kwargs.setdefault("handler_cancellation", True)
        self.runner = runner = await self._make_runner(**kwargs)
        await runner.setup()
        sock = self.socket_factory(self.host, self.port or 0, self._family())
        self.host, self.port = sock.getsockname()[:2]
        await SockSite(runner, sock=sock, ssl_context=ssl_context).start()
        self._root = URL.build(scheme=self.scheme, host=self.host, port=self.port)

    def _family(self) -> socket.AddressFamily:
        try:
            version = ipaddress.ip_address(self.host).version
        except ValueError:
            version = 4  # A name, such as "localhost".
        return socket.AF_INET6 if version == 6 else socket.AF_INET

    @property
    def started(self) -> bool:
        """Whether :meth:`start_server` was called."""
        return self.runner is not None

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called on the started server."""
        return self._closed

    @property
    def handler(self) -> Server:
        """The :class:`~aiohttp_ws.web.Server` of the running server, for ``connections`` and such.

        Raises :exc:`RuntimeError` before :meth:`start_server`.
        """
        if self.runner is None or self.runner.server is None:
            raise RuntimeError("The test server does not run; await start_server() first")
        return self.runner.server

    def make_url(self, path: StrOrURL) -> URL:
        """Return the absolute URL of *path* on the running server.

        Raises :exc:`RuntimeError` before :meth:`start_server`, and :exc:`ValueError` for an
        absolute URL, unless the server was made with ``skip_url_asserts``.
        """
        if self._root is None:
            raise RuntimeError("The test server does not run; await start_server() first")
        url = URL(path)
        if self.skip_url_asserts:
            # The path as it is written: "//a" is a path here, and "/a/../b" stays so.
            return url if url.scheme else URL(f"{self._root}{path}")
        if url.absolute:
            raise ValueError(
                f"{path!s} is an absolute URL; give a path, or make the server with "
                "skip_url_asserts=True"
            )
        return self._root.join(url)

    async def close(self) -> None:
        """Stop listening, close the connections and clean up; further calls do nothing."""
        if self.runner is None or self._closed:
            return
        self._closed = True
        await self.runner.cleanup()
        self._root = None
        self.port = None

    async def __aenter__(self) -> Self:
        await self.start_server()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class TestServer(BaseTestServer):
    """A server of an :class:`~aiohttp_ws.web.Application`, which is :attr:`app`.

    Parameters as for :class:`BaseTestServer`.
    """

    def __init__(
        self,
        app: Application,
        *,
        scheme: str = "",
        host: str = "127.0.0.1",
        port: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.app = app
        super().__init__(scheme=scheme, host=host, port=port, **kwargs)

    async def _make_runner(self, **kwargs: Any) -> BaseRunner:
        return AppRunner(self.app, **kwargs)


class RawTestServer(BaseTestServer):
    """A server of one low-level handler, with no application and no router.

    :param handler: a coroutine function from a :class:`~aiohttp_ws.web.BaseRequest` to a
        response.

    Other parameters as for :class:`BaseTestServer`.
    """

    def __init__(
        self,
        handler: Callable[[BaseRequest], Awaitable[StreamResponse]],
        *,
        scheme: str = "",
        host: str = "127.0.0.1",
        port: int | None = None,
        **kwargs: Any,
    ) -> None:
        self._handler = handler
        super().__init__(scheme=scheme, host=host, port=port, **kwargs)

    async def _make_runner(self, **kwargs: Any) -> BaseRunner:
        of_runner = {name: kwargs.pop(name) for name in RUNNER_OPTIONS if name in kwargs}
        return ServerRunner(Server(self._handler, **kwargs), **of_runner)
