"""Servers and clients of every API, opened towards a :class:`Peer`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp_ws import (
    ClientSession,
    ClientWSTimeout,
    TCPConnector,
    web,
    websockets,
    ws_connect,
    ws_create_server,
)

from .ends import APIS, End, FramesEnd, MessagesEnd, WebEnd, rounds
from .peer import Peer, accept, connected, dial

__all__ = ("ROLES", "SIDES", "WIRES", "Options", "Side", "Sides", "Wire")

ROLES = ("server", "client")
Body = Callable[[Any], Awaitable[Any]]


class Side(NamedTuple):
    """What is under test: an API, in a role."""

    api: str
    role: str

    def __str__(self) -> str:
        return f"{self.api}-{self.role}"


SIDES = [Side(api, role) for api in APIS for role in ROLES]


class Wire(NamedTuple):
    """What the connection runs over."""

    tls: bool
    fast: bool

    def __str__(self) -> str:
        return "aiofastnet" if self.fast else "tls" if self.tls else "plain"


WIRES = {str(wire): wire for wire in (Wire(False, False), Wire(True, False), Wire(True, True))}


@dataclass
class Options:
    """What an end is opened with, in the same words for every API.

    :param close_timeout: seconds that the peer has for the closing handshake.
    :param heartbeat: seconds until a ping.
    :param pong_within: seconds until a pong must have come, by default half of *heartbeat*; the
        web API knows nothing else.
    :param max_size: bytes that a message may have.
    :param open_timeout: seconds that the opening handshake may take.
    :param body: the server's coroutine, called with the end; by default it waits for the test's
        end. The frame API has none.
    :param calls: callbacks of the frame API's listener, by name.
    :param extra: further arguments, as the API calls them, by API.
    """

    close_timeout: float = 10.0
    heartbeat: float | None = None
    pong_within: float | None = None
    max_size: int = 1 << 20
    open_timeout: float = 10.0
    body: Body | None = None
    calls: dict[str, Callable[..., Any]] = field(default_factory=dict)
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)

    def web(self) -> dict[str, Any]:
        return {
            "heartbeat": self.heartbeat,
            "max_msg_size": self.max_size,
            **self.extra.get("web", {}),
        }

    def messages(self) -> dict[str, Any]:
        return {
            "close_timeout": self.close_timeout,
            "ping_interval": self.heartbeat,
            "ping_timeout": self.pong_within or (self.heartbeat and self.heartbeat / 2),
            "max_size": self.max_size,
            "open_timeout": self.open_timeout,
            "compression": None,
            **self.extra.get("messages", {}),
        }

    def frames(self) -> dict[str, Any]:
        pings = {}
        if self.heartbeat is not None:
            pings = {
                "enable_auto_ping": True,
                "auto_ping_idle_timeout": self.heartbeat,
                "auto_ping_reply_timeout": self.pong_within or self.heartbeat / 2,
            }
        return {
            "max_frame_size": self.max_size,
            "websocket_handshake_timeout": self.open_timeout,
            **pings,
            **self.extra.get("frames", {}),
        }


class Served:
    """A server of ours: its port, and its connections in the order in which they opened."""

    def __init__(self) -> None:
        self.port = 0
        self.opened: asyncio.Queue[Any] = asyncio.Queue()
        self.close: Callable[[], Awaitable[None]]


class Sides:
    """Opens connections for one test, and ends what it left open."""

    def __init__(
        self, side: Side, wire: Wire, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
    ) -> None:
        self.side = side
        self.wire = wire
        self.at_server, self.at_client = contexts if wire.tls else (None, None)
        self.peers: list[Peer] = []
        self.writers: list[asyncio.StreamWriter] = []
        #: Our clients' ends: a WebSocket that nobody holds is closed, with a warning.
        self.ends: list[Any] = []
        self.over = asyncio.Event()
        self.stack = contextlib.AsyncExitStack()

    async def open(
        self,
        *,
        receive_buffer: int | None = None,
        peer: dict[str, Any] | None = None,
        **options: Any,
    ) -> tuple[Any, Peer]:
        """Open a connection; return our end and its peer.

        :param peer: for :func:`dial` or :func:`accept`.
        :param receive_buffer: of the peer's socket.
        :param options: for :class:`Options`.
        """
        settings = Options(**options)
        if self.side.role == "server":
            served = await self.serve(settings)
            other = await self.dial(served, receive_buffer=receive_buffer, **peer or {})
            return await served.opened.get(), other
        listening = await self.listen(receive_buffer, **peer or {})
        end = await self.connect(listening.port, settings)
        return end, await listening.opened.get()

    async def aclose(self) -> None:
        self.over.set()
        for peer in self.peers:
            peer.writer.transport.abort()
        for writer in self.writers:
            writer.transport.abort()
        # Our ends see that.
        await rounds(20)
        await self.stack.aclose()
        await rounds(20)

    # -------------------------------------------------------------------- our server

    async def serve(self, options: Options) -> Served:
        """Start a server of ours."""
        served = Served()
        start = {"web": self._web, "messages": self._messages, "frames": self._frames}
        await start[self.side.api](served, options)
        return served

    async def dial(self, served: Served, **kwargs: Any) -> Peer:
        peer, _ = await dial(served.port, tls=self.at_client, **kwargs)
        self.peers.append(peer)
        return peer

    async def reach(self, served: Served, *, tls: bool = True) -> Peer:
        """Connect to a server of ours, and say nothing yet."""
        peer = await connected(served.port, self.at_client if tls else None, None)
        self.peers.append(peer)
        return peer

    async def _stay(self, end: End) -> None:
        await self.over.wait()

    async def _web(self, served: Served, options: Options) -> None:
        body = options.body or self._stay

        async def handler(request: web.Request) -> web.WebSocketResponse:
            settings = {"compress": False, "timeout": options.close_timeout, **options.web()}
            ws = web.WebSocketResponse(**settings)
            await ws.prepare(request)
            end = WebEnd(ws)
            served.opened.put_nowait(end)
            await body(end)
            return ws

        app = web.Application()
        app.router.add_route("*", "/", handler)
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, **options.extra.get("runner", {})
        )
        await runner.setup()
        site = web.TCPSite(
            runner,
            "127.0.0.1",
            0,
            ssl_context=self.at_server,
            use_aiofastnet=self.wire.fast,
        )
        await site.start()
        served.port = site.port
        served.close = runner.cleanup
        self.stack.push_async_callback(runner.cleanup)

    async def _messages(self, served: Served, options: Options) -> None:
        body = options.body or self._stay

        async def handler(connection: Any) -> None:
            end = MessagesEnd(connection)
            served.opened.put_nowait(end)
            await body(end)

        server = await websockets.serve(
            handler,
            "127.0.0.1",
            0,
            ssl=self.at_server,
            use_aiofastnet=self.wire.fast,
            **options.messages(),
        )
        served.port = next(iter(server.sockets)).getsockname()[1]

        async def close() -> None:
            server.close()
            await server.wait_closed()

        served.close = close
        self.stack.push_async_callback(close)

    async def _frames(self, served: Served, options: Options) -> None:
        ends: weakref.WeakSet[FramesEnd] = weakref.WeakSet()

        def listener(request: Any) -> FramesEnd:
            end = FramesEnd(options.calls, served.opened.put_nowait)
            ends.add(end)
            return end

        server = await ws_create_server(
            listener,
            "127.0.0.1",
            0,
            ssl=self.at_server,
            use_aiofastnet=self.wire.fast,
            **options.frames(),
        )
        served.port = server.sockets[0].getsockname()[1]

        async def close() -> None:
            server.close()
            for end in list(ends):
                await _drop(end)

        served.close = close
        self.stack.push_async_callback(close)

    # -------------------------------------------------------------------- our client

    async def listen(self, receive_buffer: int | None = None, **kwargs: Any) -> Served:
        """Start a raw server, which accepts WebSockets as *kwargs* say."""
        listening = Served()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                peer, _ = await accept(reader, writer, tls=self.at_server, **kwargs)
            except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                writer.close()
                return
            self.peers.append(peer)
            listening.opened.put_nowait(peer)

        await self.listen_raw(listening, serve, receive_buffer)
        return listening

    async def listen_raw(
        self,
        listening: Served,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        receive_buffer: int | None = None,
    ) -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.writers.append(writer)
            await serve(reader, writer)

        server = await asyncio.start_server(accepted, sock=sock)
        self.stack.callback(server.close)
        listening.port = sock.getsockname()[1]

    async def connect(self, port: int, options: Options | None = None) -> Any:
        """Open a client of ours."""
        options = options or Options()
        connect = {
            "web": self._web_client,
            "messages": self._messages_client,
            "frames": self._frames_client,
        }
        url = f"{'wss' if self.wire.tls else 'ws'}://localhost:{port}/"
        end = await connect[self.side.api](url, options)
        self.ends.append(end)
        return end

    async def _web_client(self, url: str, options: Options) -> WebEnd:
        connector = TCPConnector(
            family=socket.AF_INET, ssl=self.at_client or True, use_aiofastnet=self.wire.fast
        )
        session = ClientSession(connector=connector)
        self.stack.push_async_callback(session.close)
        timeout = ClientWSTimeout(ws_close=options.close_timeout)
        return WebEnd(await session.ws_connect(url, timeout=timeout, **options.web()))

    async def _messages_client(self, url: str, options: Options) -> MessagesEnd:
        connection = await websockets.connect(
            url,
            proxy=None,
            family=socket.AF_INET,
            use_aiofastnet=self.wire.fast,
            **({"ssl": self.at_client} if self.wire.tls else {}),
            **options.messages(),
        )

        async def drop() -> None:
            if connection.transport is not None:
                connection.transport.abort()
            await connection.wait_closed()

        self.stack.push_async_callback(drop)
        return MessagesEnd(connection)

    async def _frames_client(self, url: str, options: Options) -> FramesEnd:
        _, end = await ws_connect(
            lambda: FramesEnd(options.calls),
            url,
            ssl_context=self.at_client,
            family=socket.AF_INET,
            use_aiofastnet=self.wire.fast,
            **options.frames(),
        )
        self.stack.push_async_callback(_drop, end)
        return end


async def _drop(end: FramesEnd) -> None:
    transport = getattr(end, "raw", None)
    if transport is None:
        return
    transport.disconnect(False)
    with contextlib.suppress(Exception):
        await transport.wait_disconnected()
