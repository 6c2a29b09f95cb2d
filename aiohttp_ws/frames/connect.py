"""Connect by the frame API: an opening handshake, then callbacks on frames."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar

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
from ..wire.deflate import offer_header
from ..wire.handshake import build_request_headers, generate_key, offered_subprotocols
from ..wire.http1 import ResponseHead
from ..wire.url import WSParsedURL, basic_authorization, host_header, parse_url, redirected
from ..ws.listeners.frame import WSListener, WSTransport
from ..ws.listeners.frame_settings import FrameSettings
from ..ws.listeners.upgrade import WSUpgradeRequest, WSUpgradeResponse
from ..ws.opening.client import CREDENTIALS, ClientOpening, agree
from ..ws.opening.decisions import OnConnected
from ..ws.opening.frame_options import Compression, LoggerLike, deflate_of, logger_of
from ..ws.opening.frames import open_frames
from ..ws.types import WSAutoPingStrategy

__all__ = ("ws_connect",)

REDIRECTS = (301, 302, 303, 307, 308)

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
    check_utf8: bool = False,
    on_connect: OnConnected | None = None,
    **kwargs: Any,
) -> tuple[WSTransport, Listener]:
    """Open a WebSocket connection and give it a listener.

    :param ws_listener_factory: makes the listener once the server has accepted; called with the
        :class:`WSUpgradeRequest` and :class:`WSUpgradeResponse` if it can take two arguments,
        else with nothing.
    :param url: ``ws://`` or ``wss://``; a user and a password in it are sent as
        ``Authorization: Basic``.
    :param ssl_context: for ``wss``; by default one that verifies the server's certificate.
    :param disconnect_on_exception: end the connection when ``on_ws_frame`` raises, and let
        ``wait_disconnected()`` raise the exception; with ``False`` it is logged only.
    :param websocket_handshake_timeout: seconds that the server has for its answer, once
        connected; ``None`` for no limit.
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
    :param check_utf8: validate text as it comes: what is not UTF-8 closes the connection with 1007
        at its first bad byte, before the frame is whole. By default it is for the listener, whose
        ``get_payload_as_utf8_text()`` raises.
    :param on_connect: a function or coroutine function that is given a
        :class:`ConnectionResponse` when the server has accepted, before there is a listener.
        What it raises ends the connection, and is raised here.
    :param kwargs: ``sock``, a connected socket; ``path``, a Unix socket's; or those of
        ``loop.create_connection()``: ``local_addr``, ``family``, ``happy_eyeballs_delay`` (0.25
        seconds by default, RFC 8305) and so on.
    :return: the transport and the listener.
    :raises WSInvalidURL: *url* or *proxy* is not a URL to connect to.
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
        check_utf8=check_utf8,
    )
    loop = asyncio.get_running_loop()
    parsed = parse_url(url)
    headers = CIMultiDict(extra_headers or ())
    seen = 0
    while True:
        opening = ClientOpening(loop)
        key = generate_key()
        request = make_request(parsed, key, headers, settings)
        try:
            await open_transport(
                opening.as_protocol,
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
        head = await answer_of(opening, request, websocket_handshake_timeout)
        if head.status == HTTPStatus.SWITCHING_PROTOCOLS:
            return await opened(
                opening, request, key, head, ws_listener_factory, settings, on_connect
            )
        opening.abort()
        refusal = refused(head, bytes(opening.body))
        location = redirect_of(refusal)
        if location is None or max_redirects == 0:
            raise refusal
        if seen == max_redirects:
            raise WSInvalidStatusError(
                f"redirected more than max_redirects={max_redirects} times, last to {location!r}",
                refusal.raw_header,
                refusal.raw_body,
                refusal.response,
            )
        seen += 1
        parsed = follow(parsed, location, headers, kwargs)


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
    new = redirected(url, location)
    if url.is_secure and not new.is_secure:
        raise WSInvalidURL(new.url, f"a redirect from {url.url!r} would give up TLS")
    if (new.scheme, new.host, new.port) != (url.scheme, url.host, url.port):
        for name in (*CREDENTIALS, "Host"):
            headers.popall(name, None)
    return new


async def answer_of(
    opening: ClientOpening, request: WSUpgradeRequest, timeout: float | None
) -> ResponseHead:
    """Send *request*; return the head of the answer."""
    try:
        head = await opening.ask(request.path.decode(), request.headers, timeout)
    except EOFError as exc:
        raise WSInvalidMessageError(str(exc)) from None
    except BadHttpMessage as exc:
        raise WSInvalidMessageError(f"the answer is not valid HTTP/1.1: {exc}") from exc
    if head is None:
        raise asyncio.TimeoutError(
            f"no answer to the opening handshake within websocket_handshake_timeout={timeout:g} s"
        )
    return head


async def opened(
    opening: ClientOpening,
    request: WSUpgradeRequest,
    key: str,
    head: ResponseHead,
    factory: ClientListenerFactory,
    settings: FrameSettings,
    on_connect: OnConnected | None,
) -> tuple[WSTransport, Any]:
    """The connection that the server has accepted, and its listener."""
    try:
        offered = request.headers.getall("Sec-WebSocket-Protocol", ())
        agreed = await agree(
            head.status,
            head.headers,
            key,
            offered=offered_subprotocols(offered),
            deflate=settings.compression,
            transport=opening.transport,
            on_connect=on_connect,
        )
        response = WSUpgradeResponse._of(head)
        if wants_handshake(factory):
            listener = factory(request, response)  # type: ignore[call-arg]
        else:
            listener = factory()  # type: ignore[call-arg]
        if not isinstance(listener, WSListener):
            raise TypeError(f"the listener factory returned {listener!r}, not a WSListener")

        def begin(transport: asyncio.Transport, rest: bytes) -> WSTransport:
            return open_frames(
                transport,
                listener,
                settings,
                server=False,
                request=request,
                response=response,
                deflate=agreed.deflate,
                rest=rest,
            )

        return opening.hand_over(begin), listener
    except HandshakeError as exc:
        opening.abort()
        raise explained(exc, head) from None
    except BaseException:
        opening.abort()
        raise


def refused(head: ResponseHead, body: bytes) -> WSInvalidStatusError:
    """What another status than 101 raises."""
    response = WSUpgradeResponse._of(head, body)
    phrase = response.status.phrase if isinstance(response.status, HTTPStatus) else ""
    answered = f"{int(head.status)} {phrase}".rstrip()
    return WSInvalidStatusError(
        f"the server answered {answered} instead of 101 Switching Protocols",
        raw_head(head),
        body,
        response,
    )


def make_request(
    url: WSParsedURL, key: str, extra_headers: CIMultiDict[str], settings: FrameSettings
) -> WSUpgradeRequest:
    """The request for an upgrade (RFC 6455 4.1)."""
    request = WSUpgradeRequest()
    request.path = url.resource_name.encode("ascii")
    headers = request.headers
    headers["Host"] = extra_headers.get("Host") or host_header(url)
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
    """What check_response() found, as the frame API raises it."""
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
