"""A server that answers an opening handshake with bytes that leave in one flight.

Written from RFC 6455 and RFC 8446 with the standard library alone.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.ws.raw_end import parse_head


def agree(request: bytes, *fields: str) -> bytes:
    """The head of the 101 that answers *request*, with more *fields*."""
    key = parse_head(request)[1]["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept}",
        *fields,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class FlightServer(asyncio.Protocol):
    """Answers a request with bytes that leave in one flight, TLS's close_notify and FIN included.

    :param respond: makes the answer of the request's head.
    :param context: for TLS, or ``None``.
    :ivar left: set when the client has closed its side too.
    """

    def __init__(
        self,
        respond: Callable[[bytes], bytes],
        context: ssl.SSLContext | None,
        *,
        ends: bool = True,
    ) -> None:
        self.respond = respond
        self.context = context
        self.ends = ends
        self.left = asyncio.Event()
        self.requests: list[bytes] = []

    def __call__(self) -> Flight:
        return Flight(self)


class Flight(asyncio.Protocol):
    def __init__(self, server: FlightServer) -> None:
        self.server = server
        self.request = b""
        self.done = False
        self.tls: ssl.SSLObject | None = None
        if server.context is not None:
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = server.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
            self.shaken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        if self.done:
            return
        if self.tls is None:
            self.request += data
        else:
            self.incoming.write(data)
            with contextlib.suppress(ssl.SSLWantReadError):
                if not self.shaken:
                    self.tls.do_handshake()
                    self.shaken = True
                while piece := self.tls.read(65536):
                    self.request += piece
        if self.request.endswith(b"\r\n\r\n"):
            self.done = True
            self.server.requests.append(self.request)
            self.answer(self.server.respond(self.request))
        elif self.tls is not None:
            self.transport.write(self.outgoing.read())

    def answer(self, data: bytes) -> None:
        if self.tls is not None:
            self.tls.write(data)
            if self.server.ends:
                with contextlib.suppress(ssl.SSLWantReadError):
                    self.tls.unwrap()
            data = self.outgoing.read()
        self.transport.write(data)
        if self.server.ends:
            self.transport.write_eof()

    def eof_received(self) -> None:
        self.server.left.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.left.set()


@contextlib.asynccontextmanager
async def flying(server: FlightServer) -> AsyncIterator[str]:
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"{'ws' if server.context is None else 'wss'}://localhost:{port}/"
    finally:
        listening.close()
