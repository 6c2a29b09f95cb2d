"""Connect at the frame height: an opening handshake, then callbacks on frames."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar, cast
from urllib.parse import urljoin

from multidict import CIMultiDict

from ..argument_types import LooseHeaders
from ..errors import (
    BadHttpMessage,
    HandshakeError,
    HandshakeFault,
    WSHandshakeError,
    WSInvalidHeaderError,
    WSInvalidMessageError,
    WSInvalidStatusError,
    WSInvalidUpgradeError,
    WSInvalidURL,
    WSProxyError,
)
from ..net.dial import SocketFactory, open_transport
from ..net.dial_error import DialError, DialFault
from ..net.loop import resources_of
from ..wire.deflate import DeflateParams, offer_header
from ..wire.handshake import build_request_headers, check_response, generate_key
from ..wire.http1 import END, ResponseHead, ResponseParser, serialise_request_head
from ..wire.url import WSParsedURL, authority, basic_authorization, parse_url
from ..ws.engine.transport import WSListener, WSTransport
from ..ws.opening.decisions import OnConnected
from ..ws.opening.frame_options import Compression, LoggerLike, deflate_of, logger_of
from ..ws.opening.frame_settings import FrameSettings
from ..ws.opening.frames import open_frames
from ..ws.opening.on_connect import connection_response, show_response
from ..ws.opening.upgrade import WSUpgradeRequest, WSUpgradeResponse
from ..ws.types import WSAutoPingStrategy

__all__ = ("ws_connect",)

REDIRECTS = (301, 302, 303, 307, 308)
# Bytes of a refusal's body that are kept to show why.
MOST_BODY = 65536
# Bytes that are read while on_connect makes up its mind; more waits in the socket.
MOST_REST = 65536
# Headers that say who the user is: not for another host to see (as RFC 9110 15.4 advises).
CREDENTIALS = ("Authorization", "Cookie", "Proxy-Authorization")

# What a fault of the response is raised as, where that is not WSInvalidHeaderError.
CLASSES = {HandshakeFault.NO_UPGRADE: WSInvalidUpgradeError}

Listener = TypeVar("Listener", bound=WSListener)
ClientListenerFactory: TypeAlias = (
    Callable[[], WSListener] | Callable[[WSUpgradeRequest, WSUpgradeResponse], WSListener]
)


async def ws_connect(
    ws_listener_factory: (
        Callable[[], Listener] | Callable[[WSUpgradeRequest, WSUpgradeResponse], Listener]
    ),
    url: str,
    *,
    ssl_context: ssl.SSLContext | None = None,
    disconnect_on_exception: bool = True,
    websocket_handshake_timeout: float | None = 5,
    logger_name: str | LoggerLike | None = None,
    enable_auto_ping: bool = False,
    auto_ping_idle_timeout: float = 10,
    auto_ping_reply_timeout: float = 10,
    auto_ping_strategy: WSAutoPingStrategy = WSAutoPingStrategy.PING_WHEN_IDLE,
    enable_auto_pong: bool = True,
    max_frame_size: int = 10 * 1024 * 1024,
    extra_headers: LooseHeaders | None = None,
    max_redirects: int = 5,
    proxy: str | None = None,
    proxy_ssl_context: ssl.SSLContext | None = None,
    read_buffer_init_size: int = 16 * 1024,
    socket_factory: SocketFactory | None = None,
    use_aiofastnet: bool | None = None,
    compression: Compression = None,
    on_connect: OnConnected | None = None,
    **kwargs: Any,
) -> tuple[WSTransport, Listener]:
    """Open a WebSocket connection and give it a listener.

    :param ws_listener_factory: makes the listener when the server has agreed; called with the
        :class:`WSUpgradeRequest` and :class:`WSUpgradeResponse` if it can take two arguments,
        else with nothing.
    :param url: ``ws://`` or ``wss://``; a user and a password in it are sent as
        ``Authorization: Basic``.
    :param ssl_context: for ``wss``; by default one that verifies the server's certificate.
    :param disconnect_on_exception: end the connection when ``on_ws_frame`` raises, and let
        ``wait_disconnected()`` raise the exception; with ``False`` it is logged only.
    :param websocket_handshake_timeout: seconds that the server has for its answer, once
        connected; ``None`` for ever.
    :param logger_name: a logger, or the end of its name: ``"feed"`` stands for
        ``aiohttp_ws.feed``. By default ``aiohttp_ws.client``.
    :param enable_auto_ping: ping, and drop a server that does not answer.
    :param auto_ping_idle_timeout: seconds without input until a ping; with
        ``PING_PERIODICALLY``, seconds from one to the next.
    :param auto_ping_reply_timeout: seconds that the server has for its pong.
    :param auto_ping_strategy: a :class:`WSAutoPingStrategy`.
    :param enable_auto_pong: answer pings here; they do not reach the listener then.
    :param max_frame_size: bytes that a frame's payload may have, inflated; 0 for no limit. A
        longer one closes the connection with 1009.
    :param extra_headers: more headers for the request. ``Host`` replaces the URL's; those that
        make the handshake cannot be replaced.
    :param max_redirects: redirects to follow; 0 for none. Never from ``wss`` to ``ws``, and
        credentials do not go to another host.
    :param proxy: URL of a proxy: ``http``, ``https``, ``socks4``, ``socks4a``, ``socks5``,
        ``socks5h``, with a user and a password if it wants them.
    :param proxy_ssl_context: for an ``https`` proxy.
    :param read_buffer_init_size: accepted for compatibility. Connections read into one buffer
        of the event loop's, and own one only while a frame is incomplete.
    :param socket_factory: makes the socket: a function or coroutine function of the
        :class:`WSParsedURL` of the server, or of the proxy where there is one. It may return
        ``None`` for the default, and an unconnected socket.
    :param use_aiofastnet: transports of the ``aiofastnet`` package: ``True`` needs it,
        ``False`` does without, ``None`` takes them for TLS where it is installed.
    :param compression: ``"deflate"``, or a :class:`DeflateOptions`, offers permessage-deflate.
        Frames arrive inflated where the server agrees.
    :param on_connect: a function or coroutine function that is given a
        :class:`ConnectionResponse` when the server has agreed, before there is a listener.
        What it raises ends the connection, and is raised here.
    :param kwargs: for ``loop.create_connection()``: ``sock``, ``local_addr``,
        ``happy_eyeballs_delay`` and so on; ``path`` connects to a unix socket.
    :return: the transport and the listener.
    :raises WSInvalidURL: *url* or *proxy* is no URL to connect to.
    :raises WSHandshakeError: the server, or the proxy, refused; its subclasses tell how.
    :raises TimeoutError: the server did not answer in time (``asyncio.TimeoutError`` before
        Python 3.11).
    :raises OSError: there is no connection.
    """
    if websocket_handshake_timeout is not None and websocket_handshake_timeout <= 0:
        raise ValueError(
            f"websocket_handshake_timeout={websocket_handshake_timeout} must be more than 0"
            " seconds, or None"
        )
    if max_redirects < 0:
        raise ValueError(f"max_redirects={max_redirects} is negative; 0 follows none")
    settings = FrameSettings(
        disconnect_on_exception=disconnect_on_exception,
        logger=logger_of(logger_name, "client"),
        enable_auto_ping=enable_auto_ping,
        auto_ping_idle_timeout=auto_ping_idle_timeout,
        auto_ping_reply_timeout=auto_ping_reply_timeout,
        auto_ping_strategy=auto_ping_strategy,
        enable_auto_pong=enable_auto_pong,
        max_frame_size=max_frame_size,
        compression=deflate_of(compression),
    )
    loop = asyncio.get_running_loop()
    parsed = parse_url(url)
    headers = CIMultiDict(extra_headers or ())
    seen = 0
    while True:
        attempt = ClientOpening(
            loop, ws_listener_factory, parsed, headers, settings, on_connect is not None
        )
        try:
            await open_transport(
                attempt.as_protocol,
                parsed,
                ssl_context=ssl_context,
                proxy=proxy,
                proxy_ssl_context=proxy_ssl_context,
                socket_factory=socket_factory,
                use_aiofastnet=use_aiofastnet,
                loop=loop,
                **kwargs,
            )
        except DialError as exc:
            raise not_dialled(exc) from exc.__cause__
        try:
            opened = await attempt.answer(websocket_handshake_timeout, on_connect)
        except WSInvalidStatusError as exc:
            location = redirect_of(exc)
            if location is None or max_redirects == 0:
                raise
            if seen == max_redirects:
                raise WSInvalidStatusError(
                    f"redirected more than max_redirects={max_redirects} times, last to"
                    f" {location!r}",
                    exc.raw_header,
                    exc.raw_body,
                    exc.response,
                ) from None
            seen += 1
            parsed = follow(parsed, location, headers, kwargs)
            continue
        return cast("tuple[WSTransport, Listener]", opened)


def redirect_of(exc: WSInvalidStatusError) -> str | None:
    """Where a refusal sends the client, if that is what it does."""
    if exc.response is None or exc.response.status not in REDIRECTS:
        return None
    return exc.response.headers.get("Location")


def follow(
    url: WSParsedURL, location: str, headers: CIMultiDict[str], kwargs: Mapping[str, Any]
) -> WSParsedURL:
    """The URL that a redirect leads to; drops from *headers* what is not for its host."""
    if kwargs.get("sock") is not None:
        raise WSInvalidURL(location, "a connection made on sock= cannot follow a redirect")
    # urljoin() knows no ws: the rules are those of http.
    target = urljoin(
        f"http{'s' if url.is_secure else ''}://{url.netloc}{url.resource_name}", location
    )
    if target.startswith(("http://", "https://")):
        target = f"ws{target[4:]}"
    new = parse_url(target)
    if url.is_secure and not new.is_secure:
        raise WSInvalidURL(target, f"a redirect from {url.url!r} would give up TLS")
    if (new.scheme, new.host, new.port) != (url.scheme, url.host, url.port):
        for name in (*CREDENTIALS, "Host"):
            headers.popall(name, None)
    return new


class ClientOpening(asyncio.BufferedProtocol):
    """A connection until the server has answered."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: ClientListenerFactory,
        url: WSParsedURL,
        extra_headers: CIMultiDict[str],
        settings: FrameSettings,
        holds: bool = False,
    ) -> None:
        self._loop = loop
        self._factory = factory
        self._holds = holds  # on_connect sees the agreement before it becomes a connection
        self._agreed: tuple[ResponseHead, str | None, DeflateParams | None] | None = None
        self._rest = b""  # what comes while on_connect makes up its mind
        self._settings = settings
        self._url = url
        self._key = generate_key()
        self._parser = ResponseParser()
        self._parser.expect("GET")
        self._buffer = resources_of(loop).receive_buffer
        self._outcome: asyncio.Future[tuple[WSTransport, WSListener] | None]
        self._outcome = loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._head: ResponseHead | None = None
        self._body = bytearray()
        self._request = make_request(url, self._key, extra_headers, settings)

    def as_protocol(self) -> ClientOpening:
        return self

    async def answer(
        self, timeout: float | None, on_connect: OnConnected | None
    ) -> tuple[WSTransport, WSListener]:
        """Wait for the server's answer, and what becomes of it."""
        try:
            # Not wait_for(): a cancellation that races the answer must not lose the connection.
            done, _ = await asyncio.wait([self._outcome], timeout=timeout)
        except BaseException:
            self._drop()
            raise
        if not done:
            self._drop()
            raise asyncio.TimeoutError(
                f"no answer to the opening handshake within"
                f" websocket_handshake_timeout={timeout:g} s"
            )
        opened = self._outcome.result()
        if opened is None:
            assert on_connect is not None
            opened = await self._open_held(on_connect)
        return opened

    async def _open_held(self, on_connect: OnConnected) -> tuple[WSTransport, WSListener]:
        assert self._agreed is not None
        head, subprotocol, deflate = self._agreed
        try:
            await show_response(
                on_connect, connection_response(self._transport, head.headers, subprotocol)
            )
        except BaseException:
            self._drop()
            raise
        self._agreed = None
        if self._transport is None:
            raise ConnectionResetError("the server closed the connection while on_connect ran")
        if len(self._rest) > MOST_REST:
            self._transport.resume_reading()
        return self._open(head, deflate)

    def _drop(self) -> None:
        if self._outcome.done() and not self._outcome.cancelled():
            if self._outcome.exception() is None and (opened := self._outcome.result()):
                opened[0].disconnect(False)
        else:
            self._outcome.cancel()
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        request = self._request
        self._transport.write(
            serialise_request_head("GET", request.path.decode(), (1, 1), request.headers)
        )

    def connection_lost(self, exc: BaseException | None) -> None:
        self._transport = None
        if self._outcome.done():
            return
        if self._head is not None:
            # RFC 9112 6.3: such a body ends with the connection.
            self._refused()
        elif exc is not None:
            self._fail(exc)
        else:
            self._fail(
                WSInvalidMessageError("the server closed the connection before it had answered")
            )

    def eof_received(self) -> bool:
        return False

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._outcome.done():
            if self._agreed is not None:
                self._rest += self._buffer[:nbytes]
                if len(self._rest) > MOST_REST and self._transport is not None:
                    self._transport.pause_reading()
            return
        parser = self._parser
        parser.feed_from(self._buffer, nbytes)
        try:
            while (event := parser.next_event()) is not None:
                if event is END:
                    self._refused()
                elif type(event) is bytes:
                    self._body += event
                    if len(self._body) > MOST_BODY:
                        self._refused()
                else:
                    if parser.pending:
                        parser.keep_rest()
                    self._on_head(cast("ResponseHead", event))
                if self._outcome.done():
                    return
        except BadHttpMessage as exc:
            self._fail(WSInvalidMessageError(f"the answer is no valid HTTP/1.1: {exc}"))

    # -------------------------------------------------------------------- the answer

    def _on_head(self, head: ResponseHead) -> None:
        if head.status != HTTPStatus.SWITCHING_PROTOCOLS:
            if head.status >= 200:
                self._head = head
                if not head.has_body:
                    self._refused()
            return
        options = self._settings.compression
        headers = head.headers
        offered = tuple(
            name.strip()
            for line in self._request.headers.getall("Sec-WebSocket-Protocol", ())
            for name in line.split(",")
        )
        try:
            subprotocol, deflate = check_response(head.status, headers, self._key, offered, options)
        except HandshakeError as exc:
            self._fail(explained(exc, head))
            return
        if self._holds:
            self._agreed = head, subprotocol, deflate
            self._outcome.set_result(None)
            return
        try:
            self._outcome.set_result(self._open(head, deflate))
        except Exception as exc:
            self._outcome.set_exception(exc)

    def _open(
        self, head: ResponseHead, deflate: DeflateParams | None
    ) -> tuple[WSTransport, WSListener]:
        response = WSUpgradeResponse._of(head)
        transport, self._transport = self._transport, None
        assert transport is not None
        try:
            if wants_handshake(self._factory):
                listener = self._factory(self._request, response)  # type: ignore[call-arg]
            else:
                listener = self._factory()  # type: ignore[call-arg]
            if not isinstance(listener, WSListener):
                raise TypeError(f"the listener factory returned {listener!r}, not a WSListener")
            opened = open_frames(
                transport,
                listener,
                self._settings,
                server=False,
                request=self._request,
                response=response,
                deflate=deflate,
                rest=self._parser.take_rest() + self._rest,
            )
        except Exception:
            transport.abort()
            raise
        return opened, listener

    def _refused(self) -> None:
        """The whole answer is here, and it is no agreement."""
        head = self._head
        assert head is not None
        body = bytes(self._body)
        response = WSUpgradeResponse._of(head, body)
        phrase = response.status.phrase if isinstance(response.status, HTTPStatus) else ""
        self._fail(
            WSInvalidStatusError(
                f"the server answered {int(head.status)} {phrase}".rstrip()
                + " instead of 101 Switching Protocols",
                raw_head(head),
                body,
                response,
            )
        )

    def _fail(self, error: BaseException) -> None:
        self._outcome.set_exception(error)
        if self._transport is not None:
            self._transport.abort()


def make_request(
    url: WSParsedURL, key: str, extra_headers: CIMultiDict[str], settings: FrameSettings
) -> WSUpgradeRequest:
    """The request for an upgrade (RFC 6455 4.1)."""
    request = WSUpgradeRequest()
    request.path = url.resource_name.encode("ascii")
    headers = request.headers
    host = extra_headers.get("Host")
    if host is None:
        default = 443 if url.is_secure else 80
        host = authority(url.host, url.port)
        if url.port == default:
            host = host.removesuffix(f":{default}")
    headers["Host"] = host
    extension = None if settings.compression is None else offer_header(settings.compression)
    ours = build_request_headers(key, (), extension)
    for name, value in ours:
        headers[name] = value
    made = {name.lower() for name, _ in ours} | {"host"}
    if url.user_info is not None and "Authorization" not in extra_headers:
        headers["Authorization"] = basic_authorization(*url.user_info)
    for name, value in extra_headers.items():
        if name.lower() not in made:
            headers.add(name, value)
    return request


def wants_handshake(factory: ClientListenerFactory) -> bool:
    """Whether *factory* is to be called with the request and the response: if it takes both."""
    if inspect.isclass(factory) and not any(
        inspect.isfunction(method) for method in (factory.__init__, factory.__new__)
    ):
        return False  # a compiled class takes anything by what it tells, if it tells
    try:
        inspect.signature(factory).bind(None, None)
    except (TypeError, ValueError):
        return False
    return True


def explained(exc: HandshakeError, head: ResponseHead) -> WSHandshakeError:
    """What check_response() found, as the frame height raises it."""
    kind = CLASSES.get(exc.kind, WSInvalidHeaderError)
    return kind(
        exc.message, exc.header or "", exc.value, raw_head(head), b"", WSUpgradeResponse._of(head)
    )


def not_dialled(exc: DialError) -> WSHandshakeError:
    """What the dialler reports, as the frame API raises it."""
    kind = WSInvalidMessageError if exc.fault is DialFault.SPOKE_FIRST else WSProxyError
    response = None if exc.head is None else WSUpgradeResponse._of(exc.head, exc.raw_body)
    return kind(exc.message, exc.raw_header, exc.raw_body, response)


def raw_head(head: ResponseHead) -> bytes:
    """The head as it came, but for white space around values."""
    major, minor = head.version
    lines = [f"HTTP/{major}.{minor} {head.status} {head.reason}".encode("utf-8", "surrogateescape")]
    lines += [name + b": " + value for name, value in head.raw_headers]
    return b"\r\n".join(lines)
