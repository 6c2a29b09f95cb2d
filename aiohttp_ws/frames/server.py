"""Serve with the frame API: one listener per connection, chosen by a factory."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

from multidict import CIMultiDict

from ..errors import BadHttpMessage, HandshakeError, HandshakeFault
from ..net.transports import create_server
from ..wire.handshake import (
    ServerHandshake,
    accept_request,
    accepting_headers,
    check_request,
)
from ..wire.http1 import HTTP_11, RequestHead, RequestParser, serialise_response
from ..ws.listeners.frame import WSListener
from ..ws.listeners.frame_settings import FrameSettings
from ..ws.listeners.upgrade import (
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from ..ws.opening.decisions import OnConnect
from ..ws.opening.frame_options import Compression, LoggerLike, deflate_of, logger_of
from ..ws.opening.frames import open_frames
from ..ws.opening.on_connect import Denied, consult
from ..ws.opening.server import Accept, Answer, Refuse, ServerOpening
from ..ws.types import WSAutoPingStrategy

__all__ = ("ws_create_server",)

#: What a listener factory makes.
Made = WSListener | WSUpgradeResponseWithListener | WSUpgradeResponse | None
ServerListenerFactory = Callable[[WSUpgradeRequest], Made | Awaitable[Made]]


async def ws_create_server(
    ws_listener_factory: ServerListenerFactory,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    disconnect_on_exception: bool = True,
    websocket_handshake_timeout: float | None = 5,
    logger_name: str | LoggerLike | None = None,
    enable_auto_ping: bool = False,
    auto_ping_idle_timeout: float = 20,
    auto_ping_reply_timeout: float = 20,
    auto_ping_strategy: WSAutoPingStrategy = WSAutoPingStrategy.PING_WHEN_IDLE,
    enable_auto_pong: bool = True,
    max_frame_size: int = 10 * 1024 * 1024,
    read_buffer_init_size: int = 16 * 1024,
    use_aiofastnet: bool | None = None,
    compression: Compression = None,
    check_utf8: bool = False,
    on_connect: OnConnect | None = None,
    **kwargs: Any,
) -> asyncio.Server:
    """Listen for WebSocket connections and give each a listener.

    :param ws_listener_factory: called with the :class:`WSUpgradeRequest` before its WebSocket
        headers are checked. It may be a coroutine function: it has all the time that it wants,
        and is cancelled when the client leaves. What it returns decides:

        - a :class:`WSListener` accepts the connection;
        - a :class:`WSUpgradeResponseWithListener` does so with headers of its own, such as
          ``Sec-WebSocket-Protocol``;
        - a :class:`WSUpgradeResponse` with another status than 101 is sent as the answer: a
          health check, a redirect, a refusal;
        - ``None`` answers 404.

        An exception in it answers 500 and is logged.
    :param host: address or addresses to listen on; ``None`` for all.
    :param port: port to listen on; ``None`` or 0 for a free one, as ``server.sockets`` tells.
    :param disconnect_on_exception: end a connection whose ``on_ws_frame`` raises; with
        ``False`` the exception is logged only.
    :param websocket_handshake_timeout: seconds that a client has for TLS's handshake and its
        request; ``None`` for no limit.
    :param logger_name: a logger, or the end of its name: ``"api"`` stands for
        ``aiohttp_ws.api``. By default ``aiohttp_ws.server``.
    :param enable_auto_ping: ping, and drop a client that does not answer.
    :param auto_ping_idle_timeout: seconds without input until a ping; with
        ``PING_PERIODICALLY``, seconds from one to the next.
    :param auto_ping_reply_timeout: seconds that a client has for its pong.
    :param auto_ping_strategy: a :class:`WSAutoPingStrategy`.
    :param enable_auto_pong: answer pings here; they do not reach the listener then.
    :param max_frame_size: bytes that a frame's payload may have, inflated; 0 for no limit. A
        longer one closes the connection with 1009.
    :param read_buffer_init_size: accepted for compatibility. Connections read into one buffer
        of the event loop's, and own one only while a frame is incomplete.
    :param use_aiofastnet: transports of the ``aiofastnet`` package: ``True`` needs it,
        ``False`` does without, ``None`` takes them for TLS where it is installed.
    :param compression: ``"deflate"``, or a :class:`DeflateOptions`, agrees to
        permessage-deflate with clients that offer it. Frames arrive inflated then.
    :param check_utf8: validate text as it comes: what is not UTF-8 closes the connection with 1007
        at its first bad byte, before the frame is whole. By default it is for the listener, whose
        ``get_payload_as_utf8_text()`` raises.
    :param on_connect: a function or coroutine function that is asked before the factory, when
        the request is a valid one, with a :class:`ConnectionRequest`. It returns ``None``, a
        subprotocol, a pair (subprotocol, headers) or a :class:`ConnectionAccept`, or raises
        :exc:`ConnectionDeny`. Like the factory it has all the time that it wants.
    :param kwargs: for ``loop.create_server()``: ``ssl``, ``reuse_port``, ``sock``, ``backlog``
        and so on; ``path`` listens on a unix socket instead.
    :return: the :class:`asyncio.Server`.
    :raises OSError: the address is taken, or none of this machine's.
    :raises ValueError: an option is out of its range.
    """
    if websocket_handshake_timeout is not None and websocket_handshake_timeout <= 0:
        raise ValueError(
            f"websocket_handshake_timeout={websocket_handshake_timeout} must be more than 0"
            " seconds, or None"
        )
    settings = FrameSettings(
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
    loop = asyncio.get_running_loop()

    def make_protocol() -> FrameOpening:
        return FrameOpening(
            loop, ws_listener_factory, settings, websocket_handshake_timeout, on_connect
        )

    return await create_server(
        loop,
        use_aiofastnet,
        make_protocol,
        host,
        port,
        tls_timeout=websocket_handshake_timeout,
        **kwargs,
    )


class FrameOpening(ServerOpening):
    """A server's connection of the frame API until its request is answered."""

    __slots__ = ("_factory", "_on_connect", "_settings")

    timeout_name = "websocket_handshake_timeout"

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: ServerListenerFactory,
        settings: FrameSettings,
        timeout: float | None,
        on_connect: OnConnect | None,
    ) -> None:
        super().__init__(loop, timeout, RequestParser())
        self._factory = factory
        self._on_connect = on_connect
        self._settings = settings

    def decide(self, head: RequestHead) -> Answer | Awaitable[Answer]:
        if head.method != "GET" or head.version < (1, 1) or head.has_body:
            # Raises: what is not a request for a WebSocket is not the factory's to see.
            check_request(head.method, head.version, head.headers)
            raise HandshakeError(HandshakeFault.BODY)
        if self._on_connect is not None:
            return self._decide_later(self._on_connect, head)
        request = WSUpgradeRequest._of(head)
        made = self._factory(request)
        if made is None or isinstance(made, WSListener) or not inspect.isawaitable(made):
            return self._answer(head, request, made)
        return self._answer_later(head, request, made)

    async def _decide_later(self, on_connect: OnConnect, head: RequestHead) -> Answer:
        """Ask *on_connect*, and then the factory."""
        handshake: ServerHandshake | None
        try:
            handshake = self._accept(head)
        except HandshakeError:
            handshake = None  # on_connect does not see it; the factory may have an answer.
        if handshake is not None:
            denied = await consult(
                on_connect,
                handshake,
                self._transport,
                head.headers,
                head.path,
                head.query_string,
                self._settings.logger,
            )
            if denied is not None:
                return self._denial(denied)
        request = WSUpgradeRequest._of(head)
        made = self._factory(request)
        if made is None or isinstance(made, WSListener) or not inspect.isawaitable(made):
            return self._answer(head, request, made, handshake)
        return await self._answer_later(head, request, made, handshake)

    async def _answer_later(
        self,
        head: RequestHead,
        request: WSUpgradeRequest,
        awaited: Awaitable[Made],
        handshake: ServerHandshake | None = None,
    ) -> Answer:
        return self._answer(head, request, await awaited, handshake)

    def _accept(self, head: RequestHead) -> ServerHandshake:
        return accept_request(
            head.method, head.version, head.headers, deflate=self._settings.compression
        )

    def _answer(
        self,
        head: RequestHead,
        request: WSUpgradeRequest,
        made: Any,
        handshake: ServerHandshake | None = None,
    ) -> Answer:
        """What the factory's result means."""
        response: WSUpgradeResponse | None = None
        listener: WSListener | None = None
        if isinstance(made, WSListener):
            listener = made
        elif made is None:
            return self._refusal(404, "404 Not Found")
        elif isinstance(made, WSUpgradeResponseWithListener):
            response, listener = made.response, made.listener
        elif isinstance(made, WSUpgradeResponse):
            response = made
        else:
            raise TypeError(
                f"the listener factory returned {made!r}: return a WSListener,"
                " a WSUpgradeResponse, a WSUpgradeResponseWithListener or None"
            )
        if response is not None and response.status != HTTPStatus.SWITCHING_PROTOCOLS:
            return self._last(response)
        if listener is None:
            raise TypeError(
                "a response with status 101 needs a listener:"
                " return a WSUpgradeResponseWithListener"
            )
        if handshake is None:
            handshake = self._accept(head)
        answer = Accepted(handshake) if response is None else accepting(response, handshake)
        preamble = answer.to_bytes()

        def begin(transport: asyncio.Transport, rest: bytes) -> object:
            return open_frames(
                transport,
                listener,
                self._settings,
                server=True,
                request=request,
                response=answer,
                deflate=handshake.deflate,
                preamble=preamble,
                rest=rest,
            )

        return Accept(begin)

    # --------------------------------------------------------------------- refusals

    def explain(self, exc: Exception) -> Refuse:
        if isinstance(exc, HandshakeError):
            return self._refusal(exc.status, exc.message, exc.headers)
        if isinstance(exc, BadHttpMessage):
            return self._refusal(exc.code, str(exc))
        self._settings.logger.error("exception in the listener factory", exc_info=exc)
        return self._refusal(500, "500 Internal Server Error")

    def _refusal(self, status: int, reason: str, headers: dict[str, str] | None = None) -> Refuse:
        if status < 500:
            self._settings.logger.debug("refused with %d: %s", status, reason)
        return self._last(WSUpgradeResponse.create_error_response(status, reason.encode(), headers))

    def _denial(self, denied: Denied) -> Refuse:
        self._settings.logger.debug("refused with %d by on_connect: %s", denied.status, denied.text)
        body = denied.text.encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        return Refuse(serialise_response(denied.status, denied.phrase, HTTP_11, headers, body))

    def _last(self, response: WSUpgradeResponse) -> Refuse:
        response.headers["Connection"] = "close"
        return Refuse(bytes(response.to_bytes()))


def accepting(response: WSUpgradeResponse, handshake: ServerHandshake) -> WSUpgradeResponse:
    """A copy of the factory's *response* that answers one request: it may answer others yet."""
    copy = WSUpgradeResponse()
    copy.version, copy.status, copy.body = response.version, response.status, response.body
    copy.headers = response.headers.copy()
    for name, value in handshake.headers:
        copy.headers[name] = value
    copy.headers.extend(handshake.extra)
    return copy


class Accepted(WSUpgradeResponse):
    """The 101 response that a server makes by itself; its headers are made when asked for."""

    # Of an idle connection as little is kept as its headers can be made from.
    __slots__ = ("_accept", "_made", "_more")

    def __init__(self, handshake: ServerHandshake) -> None:
        self.version = b"HTTP/1.1"
        self.status = HTTPStatus.SWITCHING_PROTOCOLS
        self.body = None
        self._accept = handshake.accept
        self._more = (*handshake.headers[3:], *handshake.extra)
        self._made: CIMultiDict[str] | None = None

    @property
    def headers(self) -> CIMultiDict[str]:
        if self._made is None:
            self._made = CIMultiDict(self._lines())
        return self._made

    @headers.setter
    def headers(self, value: CIMultiDict[str]) -> None:
        self._made = value

    def to_bytes(self) -> bytes:
        if self._made is not None:
            return bytes(super().to_bytes())
        return serialise_response(101, "Switching Protocols", HTTP_11, self._lines())

    def _lines(self) -> list[tuple[str, str]]:
        return [*accepting_headers(self._accept), *self._more]
