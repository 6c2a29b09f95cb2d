"""Sites: the places where a runner's server listens."""

from __future__ import annotations

import asyncio
import os
import socket
import warnings
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from yarl import URL

from ..argument_types import PathLike
from ..net.transports import create_server

if TYPE_CHECKING:
    from ssl import SSLContext

    from .runner import BaseRunner
    from .server import Server

__all__ = ("BaseSite", "NamedPipeSite", "SockSite", "TCPSite", "UnixSite")


class BaseSite(ABC):
    """One place to listen.

    :param runner: the runner, after its ``setup()``.
    :param ssl_context: serve TLS with it.
    :param backlog: connections that may wait to be accepted.
    :param shutdown_timeout: deprecated; it is that of the runner.
    :param use_aiofastnet: transports of the ``aiofastnet`` package: ``True`` requires it, ``False``
        does without it; ``None`` uses it for TLS where it is installed and supports what
        *ssl_context* asks for.
    :raises RuntimeError: the runner was not set up.
    """

    def __init__(
        self,
        runner: BaseRunner,
        *,
        shutdown_timeout: float = 60.0,
        ssl_context: SSLContext | None = None,
        backlog: int = 128,
        use_aiofastnet: bool | None = None,
    ) -> None:
        if runner.server is None:
            raise RuntimeError("await runner.setup() before making a site")
        if shutdown_timeout != 60.0:
            warnings.warn(
                "shutdown_timeout of sites is deprecated, give it to the runner",
                DeprecationWarning,
                stacklevel=3,
            )
            runner._shutdown_timeout = shutdown_timeout
        self._runner = runner
        self._ssl_context = ssl_context
        self._backlog = backlog
        self._use_aiofastnet = use_aiofastnet
        self._server: asyncio.AbstractServer | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """The site as a URL."""

    async def start(self) -> None:
        """Listen.

        :raises RuntimeError: the site listens already.
        :raises OSError: the address is taken or not ours.
        """
        self._runner._reg_site(self)
        server = self._runner.server
        if server is None:
            self._runner._unreg_site(self)
            raise RuntimeError("the runner was cleaned up: make a new one")
        try:
            self._server = await self._listen(asyncio.get_running_loop(), server)
        except BaseException:
            self._runner._unreg_site(self)
            raise

    @abstractmethod
    async def _listen(
        self, loop: asyncio.AbstractEventLoop, server: Server
    ) -> asyncio.AbstractServer: ...

    async def stop(self) -> None:
        """Listen no more; connections go on.

        :raises RuntimeError: the site does not listen.
        """
        self._runner._check_site(self)
        if self._server is not None:
            self._server.close()
            self._server = None
        self._runner._unreg_site(self)


class TCPSite(BaseSite):
    """A TCP address.

    :param host: a name or address; ``None`` for all interfaces.
    :param port: the port; 8080 by default, 8443 with TLS, 0 for any free one (see
        :attr:`port`).
    :param reuse_address: bind an address that lately closed connections still hold.
    :param reuse_port: let several processes share the port.

    The other parameters are those of :class:`BaseSite`.
    """

    def __init__(
        self,
        runner: BaseRunner,
        host: str | None = None,
        port: int | None = None,
        *,
        shutdown_timeout: float = 60.0,
        ssl_context: SSLContext | None = None,
        backlog: int = 128,
        reuse_address: bool | None = None,
        reuse_port: bool | None = None,
        use_aiofastnet: bool | None = None,
    ) -> None:
        super().__init__(
            runner,
            shutdown_timeout=shutdown_timeout,
            ssl_context=ssl_context,
            backlog=backlog,
            use_aiofastnet=use_aiofastnet,
        )
        self._host = host
        if port is None:
            port = 8443 if ssl_context is not None else 8080
        self._port = port
        self._reuse_address = reuse_address
        self._reuse_port = reuse_port

    @property
    def name(self) -> str:
        scheme = "https" if self._ssl_context is not None else "http"
        host = self._host or "0.0.0.0"
        return str(URL.build(scheme=scheme, host=host, port=self.port))

    @property
    def port(self) -> int:
        """The port; the one that was found free, once started with 0."""
        return self._port

    async def _listen(
        self, loop: asyncio.AbstractEventLoop, server: Server
    ) -> asyncio.AbstractServer:
        listening = await create_server(
            loop,
            self._use_aiofastnet,
            server,
            self._host,
            self._port,
            ssl=self._ssl_context,
            tls_timeout=server.head_timeout or None,
            backlog=self._backlog,
            reuse_address=self._reuse_address,
            reuse_port=self._reuse_port,
        )
        if self._port == 0 and listening.sockets:
            self._port = listening.sockets[0].getsockname()[1]
        return listening


class UnixSite(BaseSite):
    """A UNIX socket at *path*; the other parameters are those of :class:`BaseSite`."""

    def __init__(
        self,
        runner: BaseRunner,
        path: PathLike,
        *,
        shutdown_timeout: float = 60.0,
        ssl_context: SSLContext | None = None,
        backlog: int = 128,
        use_aiofastnet: bool | None = None,
    ) -> None:
        super().__init__(
            runner,
            shutdown_timeout=shutdown_timeout,
            ssl_context=ssl_context,
            backlog=backlog,
            use_aiofastnet=use_aiofastnet,
        )
        self._path = path

    @property
    def name(self) -> str:
        scheme = "https" if self._ssl_context is not None else "http"
        return f"{scheme}://unix:{os.fspath(self._path)}:"

    async def _listen(
        self, loop: asyncio.AbstractEventLoop, server: Server
    ) -> asyncio.AbstractServer:
        return await create_server(
            loop,
            self._use_aiofastnet,
            server,
            path=os.fspath(self._path),
            ssl=self._ssl_context,
            tls_timeout=server.head_timeout or None,
            backlog=self._backlog,
        )


class NamedPipeSite(BaseSite):
    """A named pipe of Windows; the event loop must be a ``ProactorEventLoop``."""

    def __init__(self, runner: BaseRunner, path: str, *, shutdown_timeout: float = 60.0) -> None:
        loop = asyncio.get_running_loop()
        if not hasattr(loop, "start_serving_pipe"):
            raise RuntimeError("named pipes need a ProactorEventLoop, which only Windows has")
        super().__init__(runner, shutdown_timeout=shutdown_timeout)
        self._path = path

    @property
    def name(self) -> str:
        return self._path

    async def _listen(
        self, loop: asyncio.AbstractEventLoop, server: Server
    ) -> asyncio.AbstractServer:
        servers = await loop.start_serving_pipe(server, self._path)  # type: ignore[attr-defined]
        return servers[0]  # type: ignore[no-any-return]


class SockSite(BaseSite):
    """A socket that is bound already, such as one inherited from a supervisor.

    The other parameters are those of :class:`BaseSite`.
    """

    def __init__(
        self,
        runner: BaseRunner,
        sock: socket.socket,
        *,
        shutdown_timeout: float = 60.0,
        ssl_context: SSLContext | None = None,
        backlog: int = 128,
        use_aiofastnet: bool | None = None,
    ) -> None:
        super().__init__(
            runner,
            shutdown_timeout=shutdown_timeout,
            ssl_context=ssl_context,
            backlog=backlog,
            use_aiofastnet=use_aiofastnet,
        )
        self._sock = sock
        scheme = "https" if ssl_context is not None else "http"
        address = sock.getsockname()
        if isinstance(address, tuple):
            self._name = str(URL.build(scheme=scheme, host=address[0], port=address[1]))
        else:
            self._name = f"{scheme}://unix:{address}:"

    @property
    def name(self) -> str:
        return self._name

    async def _listen(
        self, loop: asyncio.AbstractEventLoop, server: Server
    ) -> asyncio.AbstractServer:
        return await create_server(
            loop,
            self._use_aiofastnet,
            server,
            sock=self._sock,
            ssl=self._ssl_context,
            tls_timeout=server.head_timeout or None,
            backlog=self._backlog,
        )
