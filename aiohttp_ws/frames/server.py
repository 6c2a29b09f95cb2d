"""Serve at the frame height: one listener a connection, chosen by a factory."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, cast

from ..errors import BadHttpMessage, HandshakeError, HandshakeFault
from ..net.loop import resources_of
from ..net.transports import create_server
from ..wire.deflate import negotiate
from ..wire.handshake import accept_key, check_request
from ..wire.http1 import RequestHead, RequestParser
from ..ws.engine.transport import WSListener
from ..ws.opening.decisions import OnConnect
from ..ws.opening.frame_options import Compression, LoggerLike, deflate_of, logger_of
from ..ws.opening.frame_settings import FrameSettings
from ..ws.opening.frames import open_frames
from ..ws.opening.on_connect import Decision
from ..ws.opening.upgrade import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from ..ws.types import WSAutoPingStrategy
from .decided import ask, with_decision

__all__ = ("ws_create_server",)

# Bytes that are read while the factory makes up its mind; more waits in the socket.
MOST_REST = 65536
# Seconds that a client has to read why it was refused, and to close.
LINGER = 5.0

Answer = WSListener | WSUpgradeResponseWithListener | WSUpgradeResponse | None
ServerListenerFactory = Callable[[WSUpgradeRequest], Answer | Awaitable[Answer]]


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
    :param websocket_handshake_timeout: seconds that a client has for its request; ``None`` for
        ever.
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
    )
    loop = asyncio.get_running_loop()

    def make_protocol() -> ServerOpening:
        return ServerOpening(
            loop, ws_listener_factory, settings, websocket_handshake_timeout, on_connect
        )

    return await create_server(loop, use_aiofastnet, make_protocol, host, port, **kwargs)


class ServerOpening(asyncio.BufferedProtocol):
    """A connection until its request is answered."""

    __slots__ = (
        "_buffer",
        "_decision",
        "_ended",
        "_factory",
        "_loop",
        "_on_connect",
        "_parser",
        "_rest",
        "_settings",
        "_task",
        "_timer",
        "_transport",
        "_wait",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: ServerListenerFactory,
        settings: FrameSettings,
        timeout: float | None,
        on_connect: OnConnect | None,
    ) -> None:
        self._loop = loop
        self._factory = factory
        self._on_connect = on_connect
        self._decision: Decision | None = None
        self._settings = settings
        self._wait = timeout
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Future[Any] | None = None
        self._parser = RequestParser()
        self._buffer = resources_of(loop).receive_buffer
        self._rest = b""  # what comes while the factory makes up its mind
        self._ended = False

    # ------------------------------------------------------- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._wait is not None:
            self._timer = self._loop.call_later(self._wait, self._expired)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._ended = True
        self._stop_timer()
        if self._task is not None:
            self._task.cancel()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._ended:
            return
        if self._task is not None:
            self._rest += self._buffer[:nbytes]
            if len(self._rest) > MOST_REST:
                self._transport.pause_reading()
            return
        parser = self._parser
        parser.feed_from(self._buffer, nbytes)
        try:
            head = parser.next_event()
            if head is not None:
                if parser.pending:
                    parser.keep_rest()
                self._on_request(cast("RequestHead", head))
        except BadHttpMessage as exc:
            self._refuse(exc.code, str(exc))
        except HandshakeError as exc:
            self._refuse(exc.status, exc.message, exc.headers)

    # -------------------------------------------------------------------- the answer

    def _on_request(self, head: RequestHead) -> None:
        if head.method != "GET" or head.version < (1, 1) or head.has_body:
            # Raises: what is no request for a WebSocket is not the factory's to see.
            check_request(head.method, head.version, head.headers)
            raise HandshakeError(HandshakeFault.BODY)
        request = WSUpgradeRequest._of(head)
        try:
            if self._on_connect is None:
                answer = self._factory(request)
            else:
                answer = self._decide(self._on_connect, head, request)
        except Exception as exc:
            self._factory_failed(exc)
            return
        if answer is None or isinstance(answer, WSListener) or not inspect.isawaitable(answer):
            self._on_answer(head, request, answer)
            return
        # The client has done its part. It is read on, to see it leave.
        self._stop_timer()
        self._task = asyncio.ensure_future(self._answer_later(head, request, answer))

    async def _decide(
        self, on_connect: OnConnect, head: RequestHead, request: WSUpgradeRequest
    ) -> Answer:
        """Ask *on_connect*, and then the factory."""
        decision = await ask(on_connect, head, self._transport, self._settings.logger)
        if isinstance(decision, WSUpgradeResponse):
            return decision
        self._decision = decision
        answer = self._factory(request)
        if answer is None or isinstance(answer, WSListener) or not inspect.isawaitable(answer):
            return answer
        return await answer

    async def _answer_later(
        self, head: RequestHead, request: WSUpgradeRequest, answer: Awaitable[Answer]
    ) -> None:
        try:
            decided = await answer
        except Exception as exc:
            self._resume()
            self._factory_failed(exc)
            return
        except BaseException:
            self._transport.abort()
            raise
        self._resume()
        if self._ended:
            return
        try:
            self._on_answer(head, request, decided)
        except HandshakeError as exc:
            self._refuse(exc.status, exc.message, exc.headers)

    def _resume(self) -> None:
        self._task = None
        if len(self._rest) > MOST_REST and not self._ended:
            self._transport.resume_reading()

    def _factory_failed(self, exc: Exception) -> None:
        self._settings.logger.error("exception in the listener factory", exc_info=exc)
        self._refuse(500, "500 Internal Server Error")

    def _on_answer(self, head: RequestHead, request: WSUpgradeRequest, answer: Answer) -> None:
        if isinstance(answer, WSListener):
            self._accept(head, request, None, answer)
        elif answer is None:
            self._refuse(404, "404 Not Found")
        elif isinstance(answer, (WSUpgradeResponse, WSUpgradeResponseWithListener)):
            if isinstance(answer, WSUpgradeResponseWithListener):
                response, listener = answer.response, answer.listener
            else:
                response, listener = answer, None
            if response.status != HTTPStatus.SWITCHING_PROTOCOLS:
                self._send(response)
            elif listener is None:
                self._factory_failed(
                    TypeError(
                        "a response with status 101 needs a listener:"
                        " return a WSUpgradeResponseWithListener"
                    )
                )
            else:
                self._accept(head, request, response, listener)
        else:
            self._factory_failed(
                TypeError(
                    f"the listener factory returned {answer!r}: return a WSListener,"
                    " a WSUpgradeResponse, a WSUpgradeResponseWithListener or None"
                )
            )

    def _accept(
        self,
        head: RequestHead,
        request: WSUpgradeRequest,
        response: WSUpgradeResponse | None,
        listener: WSListener,
    ) -> None:
        headers = head.headers
        key = check_request(head.method, head.version, headers)
        options = self._settings.compression
        agreed = None
        if options is not None:
            offers = headers.getall("Sec-WebSocket-Extensions", None)
            if offers is not None:
                agreed = negotiate(", ".join(offers), options)
        params, extension = (None, None) if agreed is None else agreed
        decision = self._decision
        if decision is not None and (decision.subprotocol is not None or decision.headers):
            response = with_decision(response, decision)
        if response is None:
            response = Accepted(key, extension)
            preamble = response.to_bytes()
        else:
            response = accepting(response, key, extension)
            try:
                preamble = response.to_bytes()
            except (TypeError, ValueError) as exc:
                self._factory_failed(exc)
                return
        self._ended = True
        self._stop_timer()
        open_frames(
            self._transport,
            listener,
            self._settings,
            server=True,
            request=request,
            response=response,
            deflate=params,
            preamble=preamble,
            rest=self._parser.take_rest() + self._rest,
        )

    def _refuse(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        if status < 500:
            self._settings.logger.debug("refused with %d: %s", status, reason)
        self._send(WSUpgradeResponse.create_error_response(status, reason.encode(), headers))

    def _send(self, response: WSUpgradeResponse) -> None:
        """Send *response*, and let the client close."""
        if self._ended:
            return
        response.headers["Connection"] = "close"
        try:
            data = bytes(response.to_bytes())
        except (TypeError, ValueError) as exc:
            self._settings.logger.error("the factory's response cannot be sent", exc_info=exc)
            data = bytes(WSUpgradeResponse.create_error_response(500).to_bytes())
        self._ended = True
        self._stop_timer()
        self._transport.write(data)
        if not self._transport.can_write_eof():
            self._transport.close()
            return
        # A socket closed with unread input resets the connection, and the answer may be lost
        # with it (RFC 9112 9.6): end our side, drop what comes.
        try:
            self._transport.write_eof()
        except OSError:
            self._transport.abort()
            return
        self._timer = self._loop.call_later(LINGER, self._transport.abort)

    def _expired(self) -> None:
        self._timer = None
        if self._ended:
            return
        self._refuse(
            408,
            f"no complete request came within websocket_handshake_timeout={self._wait:g} s",
        )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def accepting(response: WSUpgradeResponse, key: str, extension: str | None) -> WSUpgradeResponse:
    """A copy of the factory's *response* that answers one request: it may answer others yet."""
    copy = WSUpgradeResponse()
    copy.version, copy.status, copy.body = response.version, response.status, response.body
    copy.headers = response.headers.copy()
    copy.headers["Connection"] = "Upgrade"
    copy.headers["Upgrade"] = "websocket"
    copy.headers["Sec-WebSocket-Accept"] = accept_key(key)
    if extension is not None:
        copy.headers["Sec-WebSocket-Extensions"] = extension
    return copy


class Accepted(WSUpgradeResponse):
    """The 101 response that a server makes by itself; its headers are made when asked for."""

    __slots__ = ("_accept", "_extension", "_made")

    def __init__(self, key: str, extension: str | None) -> None:
        self.version = b"HTTP/1.1"
        self.status = HTTPStatus.SWITCHING_PROTOCOLS
        self.body = None
        self._accept = accept_key(key)
        self._extension = extension
        self._made: Any = None

    @property
    def headers(self) -> Any:
        if self._made is None:
            made = WSUpgradeResponse.create_101_response().headers
            made["Sec-WebSocket-Accept"] = self._accept
            if self._extension is not None:
                made["Sec-WebSocket-Extensions"] = self._extension
            self._made = made
        return self._made

    @headers.setter
    def headers(self, value: Any) -> None:
        self._made = value

    def to_bytes(self) -> bytes:
        if self._made is not None:
            return bytes(super().to_bytes())
        extension = self._extension
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {self._accept}\r\n"
            f"{f'Sec-WebSocket-Extensions: {extension}' + chr(13) + chr(10) if extension else ''}"
            "\r\n"
        ).encode("ascii")
