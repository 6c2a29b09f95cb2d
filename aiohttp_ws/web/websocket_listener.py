"""The frame API inside an application: a response that opens a WebSocket for a listener.

The handler's task ends with the handler; the connection goes on with its listener alone, and the
server keeps only what it needs to close it at shutdown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from multidict import CIMultiDict

from ..ws.close_codes import check_close
from ..ws.listeners.frame import WSListener, WSTransport
from ..ws.listeners.frame_settings import FrameSettings
from ..ws.listeners.upgrade import WSUpgradeRequest, WSUpgradeResponse
from ..ws.opening.decisions import OnConnect
from ..ws.opening.frame_options import Compression, LoggerLike, deflate_of, logger_of
from ..ws.opening.frames import open_frames
from ..ws.types import WSAutoPingStrategy, WSCloseCode
from .exceptions import HTTPServiceUnavailable
from .stream_response import StreamResponse, refuse_second
from .websocket_opening import Terms, WebSocketReady, open_handshake, ready

if TYPE_CHECKING:
    import re

    from ..argument_types import Byteish, LooseHeaders
    from ..http.interfaces import AbstractStreamWriter
    from ..wire.http1 import RequestHead
    from .base_request import BaseRequest

__all__ = ("WebSocketListenerResponse",)


class WebSocketListenerResponse(StreamResponse):
    """Answers a request by opening a WebSocket of the frame API, for a listener.

    Return it from a handler: the connection goes on without the handler and without its task,
    until ``listener.on_ws_disconnected``. What middlewares do with it still counts, up to
    replacing it. Or ``await prepare(request)`` in the handler, and go on there; the connection
    lives on when that returns this response, is closed with 1000 when it returns something
    else, and with 1011 when it raises. It is not cancelled when the client disconnects:
    :meth:`wait_closed` returns then.

    ``transport.request`` shows the listener the request's method, path, version and headers.
    Whatever else it is to know of the request, the handler gives it.

    Where the server shuts down, the connection is closed with 1001 and *timeout* seconds later
    cut. A listener need not do anything for that: the peer's close frame ends the connection.

    :param listener: a :class:`~aiohttp_ws.WSListener`. One may serve several connections:
        all but ``pause_writing`` and ``resume_writing`` tell it which one is meant.
    :param protocols: the subprotocols spoken here; the first one offered by the client that is
        among them is negotiated.
    :param origins: pages that may connect: origins, compiled patterns, and ``None`` for
        requests without ``Origin``; others get 403. ``None`` instead of a sequence allows all.
    :param on_connect: decides about a valid request, as in :class:`WebSocketResponse`.
    :param headers: headers of the response, besides those of the opening handshake.
    :param timeout: seconds the peer has for its part of the closing handshake, in :meth:`close`.
    :param compression: ``"deflate"``, or a :class:`~aiohttp_ws.DeflateOptions`, agrees to
        permessage-deflate with clients that offer it. Frames arrive inflated then.
    :param disconnect_on_exception: end a connection whose ``on_ws_frame`` raises; with
        ``False`` the exception is logged only.
    :param enable_auto_ping: ping, and drop a client that does not answer.
    :param auto_ping_idle_timeout: seconds without input until a ping; with
        ``PING_PERIODICALLY``, seconds from one to the next.
    :param auto_ping_reply_timeout: seconds that a client has for its pong.
    :param auto_ping_strategy: a :class:`~aiohttp_ws.WSAutoPingStrategy`.
    :param enable_auto_pong: answer pings here; they do not reach the listener then.
    :param max_frame_size: bytes that a frame's payload may have, inflated; 0 for no limit. A
        longer one closes the connection with 1009.
    :param check_utf8: validate text as it comes: what is not UTF-8 closes the connection with 1007
        at its first bad byte, before the frame is whole. By default it is for the listener, whose
        ``get_payload_as_utf8_text()`` raises.
    :param logger_name: a logger, or the end of its name: ``"quotes"`` stands for
        ``aiohttp_ws.quotes``. By default ``aiohttp_ws.server``.
    :raises TypeError: *listener* is not a :class:`~aiohttp_ws.WSListener`, or *protocols* is one
        string.
    :raises ValueError: an option is out of its range.
    """

    _must_be_empty_body = True

    def __init__(
        self,
        listener: WSListener,
        *,
        protocols: Iterable[str] = (),
        origins: Sequence[str | re.Pattern[str] | None] | None = None,
        on_connect: OnConnect | None = None,
        headers: LooseHeaders | None = None,
        timeout: float = 10.0,
        compression: Compression = None,
        disconnect_on_exception: bool = True,
        enable_auto_ping: bool = False,
        auto_ping_idle_timeout: float = 20,
        auto_ping_reply_timeout: float = 20,
        auto_ping_strategy: WSAutoPingStrategy = WSAutoPingStrategy.PING_WHEN_IDLE,
        enable_auto_pong: bool = True,
        max_frame_size: int = 10 * 1024 * 1024,
        check_utf8: bool = False,
        logger_name: str | LoggerLike | None = None,
    ) -> None:
        if not isinstance(listener, WSListener):
            raise TypeError(f"listener {listener!r} is not a WSListener; pass an instance of one")
        if isinstance(protocols, str):
            raise TypeError(f"protocols must be a sequence of strings, not {protocols!r}")
        if not isinstance(timeout, (int, float)):
            raise TypeError(f"timeout={timeout!r} must be a number of seconds")
        if timeout <= 0:
            raise ValueError(f"timeout={timeout} must be more than 0 seconds")
        super().__init__(status=101, headers=headers)
        settings = _settings(
            disconnect_on_exception,
            logger_name,
            enable_auto_ping,
            auto_ping_idle_timeout,
            auto_ping_reply_timeout,
            auto_ping_strategy,
            enable_auto_pong,
            max_frame_size,
            compression,
            check_utf8,
        )
        self._listener = listener
        self._timeout = timeout
        self._settings = settings
        self._terms = Terms(origins, tuple(protocols), settings.compression, on_connect)
        self._connection: _Connection | None = None
        self._ws_protocol: str | None = None

    # ------------------------------------------------------- the opening handshake

    def can_prepare(self, request: BaseRequest) -> WebSocketReady:
        """Say whether *request* can become a WebSocket, without answering it."""
        return ready(request, self._terms)

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Answer *request* with 101 and open the WebSocket.

        ``listener.on_ws_connected`` has been called when this returns; what it sends leaves
        together with the answer. The server calls this for a response that a handler returns.

        :raises HTTPException: *request* is not a valid opening handshake (RFC 6455 4.2),
            ``on_connect`` refused it or, with 503, the server is shutting down; let it go on to
            answer the client with the reason.
        :raises RuntimeError: this response answered another request, or *request* has another
            response.
        """
        if self._connection is not None:
            if request._payload_writer is not self._payload_writer:
                raise RuntimeError(f"{self!r} answered another request; make one for each")
            return self._payload_writer
        refuse_second(request)
        handshake = await open_handshake(request, self._terms, self)
        await self._prepare_head(request)
        protocol = request.protocol
        if not protocol.allows_keep_alive:
            # It closed its WebSockets already, and would wait for this one to no purpose.
            self._back_out()
            raise HTTPServiceUnavailable(text="the server is shutting down")
        head = self._render_head()
        transport, rest = protocol.detach()
        writer = self._payload_writer
        assert writer is not None
        writer.hold_head(head)  # It leaves with the first frames.
        self._ws_protocol = handshake.subprotocol
        self._connection = _Connection(
            open_frames(
                transport,
                self._listener,
                self._settings,
                server=True,
                request=WSUpgradeRequest._of(cast("RequestHead", request._message)),
                response=_Answer(head),
                deflate=handshake.deflate,
                preamble=head,
                rest=rest,
                when_lost=protocol.connection_lost,
            ),
            self._timeout,
        )
        self._keep_alive = False
        protocol.websocket = self
        return writer

    def enable_compression(self, force: Any = None, strategy: int | None = None) -> None:
        """Do nothing: there is no body to compress. See the parameter *compression*."""

    @property
    def prepared(self) -> bool:
        return self._connection is not None

    @property
    def listener(self) -> WSListener:
        """The listener."""
        return self._listener

    @property
    def transport(self) -> WSTransport:
        """The :class:`~aiohttp_ws.WSTransport` that the listener is given.

        :raises RuntimeError: before :meth:`prepare`.
        """
        return self._opened().transport

    @property
    def _closing(self) -> bool:
        """Whether our close frame was sent, or the connection is lost."""
        transport = self._opened().transport
        return transport.is_disconnected or transport.is_close_frame_sent

    @property
    def ws_protocol(self) -> str | None:
        """The negotiated subprotocol, or ``None``."""
        return self._ws_protocol

    # --------------------------------------------------------------------- closing

    async def wait_closed(self) -> None:
        """Wait until the connection is lost and ``on_ws_disconnected`` has returned.

        :raises RuntimeError: before :meth:`prepare`.
        """
        await self._opened().transport.wait_disconnected()

    async def close(self, *, code: int = WSCloseCode.OK, message: Byteish | str = b"") -> bool:
        """Close the connection (RFC 6455 7).

        Sends a close frame; the peer's ends the connection, as does its silence *timeout*
        seconds later.

        :param code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
        :param message: the reason, at most 123 bytes of UTF-8.
        :returns: ``False`` when the connection was lost already.
        :raises ValueError: *code* or *message* cannot be sent.
        :raises RuntimeError: before :meth:`prepare`.
        """
        return await self._opened().close(code=code, message=message)

    async def write(self, data: Byteish) -> None:
        """A WebSocket has no body: use ``transport.send()``."""
        raise RuntimeError("Cannot call .write() for websocket")

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: the connection goes on without the handler."""
        self._opened()
        self._eof_sent = True
        self._req = None

    def _opened(self) -> _Connection:
        if self._connection is None:
            raise RuntimeError("Call .prepare() first")
        return self._connection

    def _outlive_handler(self) -> _Connection | None:
        """What the server keeps in place of this response when the handler has returned."""
        return self._connection


class _Connection:
    """An open connection, as the server that shuts down knows it.

    It is all that is kept of a response: a server may have a hundred thousand of these.
    """

    __slots__ = ("timeout", "transport")

    def __init__(self, transport: WSTransport, timeout: float) -> None:
        self.transport = transport
        self.timeout = timeout

    async def close(self, *, code: int, message: Byteish | str = b"") -> bool:
        """See :meth:`WebSocketListenerResponse.close`."""
        transport = self.transport
        if transport.is_disconnected:
            return False
        transport._go_away(*check_close(code, message))
        try:
            await asyncio.wait_for(transport.wait_disconnected(), self.timeout)
        except asyncio.TimeoutError:
            transport.disconnect(graceful=False)
            await transport.wait_disconnected()
        return True


class _Answer(WSUpgradeResponse):
    """The 101 response as it was sent; its headers are made when asked for."""

    __slots__ = ("_head", "_made")

    def __init__(self, head: bytes) -> None:
        self.version = b"HTTP/1.1"
        self.status = HTTPStatus.SWITCHING_PROTOCOLS
        self.body = None
        self._head = head
        self._made: CIMultiDict[str] | None = None

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers, their names compared without case."""
        if self._made is None:
            self._made = CIMultiDict()
            text = self._head.decode("utf-8", "surrogateescape")
            for line in text.split("\r\n")[1:-2]:
                name, _, value = line.partition(": ")
                self._made.add(name, value)
        return self._made

    @headers.setter
    def headers(self, value: CIMultiDict[str]) -> None:
        self._made = value


# The connections of a route have theirs alike, and can share them.
@lru_cache(maxsize=64, typed=True)
def _settings(
    disconnect_on_exception: bool,
    logger_name: str | LoggerLike | None,
    enable_auto_ping: bool,
    auto_ping_idle_timeout: float,
    auto_ping_reply_timeout: float,
    auto_ping_strategy: WSAutoPingStrategy,
    enable_auto_pong: bool,
    max_frame_size: int,
    compression: Compression,
    check_utf8: bool,
) -> FrameSettings:
    return FrameSettings(
        disconnect_on_exception=disconnect_on_exception,
        logger=logger_of(logger_name, "server"),
        enable_auto_ping=enable_auto_ping,
        auto_ping_idle_timeout=auto_ping_idle_timeout,
        auto_ping_reply_timeout=auto_ping_reply_timeout,
        auto_ping_strategy=auto_ping_strategy,
        enable_auto_pong=enable_auto_pong,
        max_frame_size=max_frame_size,
        compression=deflate_of(compression),
        check_utf8=check_utf8,
    )
