"""The protocol of a transport that is being dialled, and the tunnel through an HTTP proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

from ..errors import BadHttpMessage
from ..wire.http1 import HTTP_11, ResponseHead, ResponseParser, serialise_request_head
from ..wire.url import WSParsedURL, authority, basic_authorization
from .dial_error import DialError, DialFault
from .transports import note_loss

__all__ = ("PendingConnection",)

StartTLS = Callable[..., Awaitable[asyncio.Transport]]


class PendingConnection(asyncio.Protocol):
    """The protocol of a transport from its first moment until it is handed over.

    What stops in between - a cancellation, a timeout, an error - can so :meth:`abort` the
    transport; a transport that is closed instead may wait for the peer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        self.received = b""
        self.answer: asyncio.Future[ResponseHead] | None = None
        self.parser = ResponseParser()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not all are asyncio's by class: aiofastnet's are so by their methods only.
        self.transport = cast(asyncio.Transport, transport)

    def abort(self) -> None:
        """Close the transport, if there is one, at once and without TLS's close_notify."""
        if self.transport is not None:
            self.transport.abort()

    def hand_over(self, protocol: asyncio.BaseProtocol, endpoint: str) -> asyncio.Transport:
        """Give the transport to *protocol*.

        :param endpoint: the peer, for an error to name.
        :raises DialError: the peer has sent something already: a server waits for the request.
        :raises ConnectionResetError: it has closed the connection.
        """
        transport = self.transport
        if self.received:
            raise DialError(
                DialFault.SPOKE_FIRST,
                f"{endpoint} sent {len(self.received)} bytes before the request; it is not a"
                " WebSocket or HTTP server",
                raw_header=self.received,
            )
        if transport is None or transport.is_closing():
            raise ConnectionResetError(f"{endpoint} closed the connection at once")
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return transport

    async def secure(self, start_tls: StartTLS, arguments: dict[str, Any]) -> None:
        """Begin TLS on the connection that stands.

        :param arguments: ``ssl``, the context, and those of :meth:`asyncio.loop.start_tls`.
        """
        transport = self.transport
        assert transport is not None
        context = arguments.pop("ssl")
        try:
            self.transport = await start_tls(transport, self, context, **arguments)
        except BaseException:
            transport.abort()  # close() would wait for a close_notify
            raise

    # ------------------------------------------------------------------ HTTP CONNECT

    async def connect_through(
        self, proxy: WSParsedURL, url: WSParsedURL, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Have *proxy*, which the transport leads to, connect to *url* (RFC 9110 9.3.6).

        :param headers: more headers for the proxy; they replace those that are made here.
        :raises DialError: it refuses, or does not answer with valid HTTP.
        """
        assert self.transport is not None
        target = authority(url.host, url.port)
        added = list(headers)
        names = {name.lower() for name, _ in added}
        pairs = [] if "host" in names else [("Host", target)]
        if proxy.username is not None and "proxy-authorization" not in names:
            credentials = basic_authorization(proxy.username, proxy.password or "")
            pairs.append(("Proxy-Authorization", credentials))
        self.parser.expect("CONNECT")
        self.answer = self.loop.create_future()
        self.transport.write(serialise_request_head("CONNECT", target, HTTP_11, pairs + added))
        asked = f"{proxy.scheme}://{authority(proxy.host, proxy.port)}"
        failed = f"proxy {asked} did not connect to {target}"
        try:
            head = await self.answer
        except (BadHttpMessage, ConnectionError) as exc:
            raise DialError(
                DialFault.PROXY_ANSWER, f"{failed}: {exc}", raw_header=self.received or None
            ) from exc
        raw_header, _, raw_body = self.received.partition(b"\r\n\r\n")
        if not 200 <= head.status <= 299:
            reason = f"{head.status} {head.reason}".rstrip()
            raise DialError(
                DialFault.PROXY_REFUSED,
                f"{failed}: it answered {reason}",
                head=head,
                raw_header=raw_header,
                raw_body=raw_body or None,
            )
        if rest := self.parser.take_rest():
            raise DialError(
                DialFault.PROXY_ANSWER,
                f"proxy {asked} sent {len(rest)} bytes after its answer, before it was spoken to",
                raw_header=raw_header,
            )
        self.answer = None
        self.received = b""
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.answer is None or self.answer.done():
            return
        self.parser.feed(data)
        try:
            while (event := self.parser.next_event()) is not None:
                # An interim answer goes before the final one (RFC 9110 15.2).
                if isinstance(event, ResponseHead) and event.status >= 200:
                    # What comes next is for another protocol to read.
                    if self.transport is not None:
                        self.transport.pause_reading()
                    self.answer.set_result(event)
                    return
        except BadHttpMessage as exc:
            self.answer.set_exception(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            note_loss(self.transport)
        if self.answer is not None and not self.answer.done():
            reason = exc or ConnectionResetError("it closed the connection without an answer")
            self.answer.set_exception(reason)
