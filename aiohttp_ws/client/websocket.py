"""The client's end of a WebSocket.

The opening handshake is a request of the session, with its cookies, redirects, proxies and
timeouts. Then the transport leaves the pool, and belongs to the WebSocket until that is closed, or
forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import warnings
from collections.abc import Callable, Iterable
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict

from .. import hdrs
from ..errors import ClientConnectionError, ClientError, HandshakeError, WSServerHandshakeError
from ..wire.deflate import DeflateOptions, DeflateParams, offer_header
from ..wire.handshake import build_request_headers, generate_key, offered_subprotocols
from ..ws.close_codes import check_close
from ..ws.listeners.message_stream import MessageStream
from ..ws.listeners.receive import MessageConnection
from ..ws.listeners.under import Wire
from ..ws.opening import client as opening
from ..ws.opening.client import MOST_BODY, agree
from ..ws.opening.decisions import OnConnected
from ..ws.opening.messages import check_settings, open_connection
from ..ws.types import WSCloseCode
from .hooks import refuse_hooks
from .timeouts import DEFAULT_WS_CLOSE_TIMEOUT, ClientWSTimeout
from .unclosed import tell_unclosed

if TYPE_CHECKING:
    from ..argument_types import Byteish, LooseHeaders, StrOrURL
    from .response import ClientResponse
    from .session import ClientSession

__all__ = ("ClientWebSocketResponse",)


UNCALLED = dict.fromkeys(
    ("_pong_not_received", "_reset_heartbeat", "_send_heartbeat", "_set_closed", "_set_closing"),
    "pass heartbeat=, or override receive() or close()",
)


class ClientWebSocketResponse(MessageStream):
    """A connection that :meth:`ClientSession.ws_connect` opened.

    Receives and sends as :class:`aiohttp_ws.web.WebSocketResponse` does; ``async for``
    ends when the connection does.

    Close it, or leave it with ``async with``. A connection whose object is forgotten is closed
    without a close frame, and with a :exc:`ResourceWarning`.
    """

    # A __dict__ is made when someone puts an attribute of their own on it.
    __slots__ = ("__dict__", "__weakref__", "_deflate", "_protocol", "_response")

    _connection: MessageConnection

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_hooks(cls, ClientWebSocketResponse, UNCALLED)

    def __init__(
        self,
        response: ClientResponse,
        connection: MessageConnection,
        *,
        protocol: str | None,
        deflate: DeflateParams | None,
        receive_timeout: float | None,
    ) -> None:
        self._response = response
        self._protocol = protocol
        self._deflate = deflate
        self._attach(connection, receive_timeout)

    # aiohttp's names for what is below, which users reach through to the transport.

    @functools.cached_property
    def _conn(self) -> Wire:
        return Wire(self)

    @property
    def _writer(self) -> Wire:
        return self._conn

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows of *name*, *default* after the end of the connection."""
        return default if self._conn.closed else super().get_extra_info(name, default)

    @property
    def protocol(self) -> str | None:
        """The subprotocol that the server chose, or ``None``."""
        return self._protocol

    @property
    def compress(self) -> int:
        """The window bits of our compressor, 0 without permessage-deflate."""
        return self._deflate.client_max_window_bits if self._deflate else 0

    @property
    def client_notakeover(self) -> bool:
        """Whether our compressor forgets its window after each message (RFC 7692 7.1.1.2)."""
        return self._deflate is not None and self._deflate.client_no_context_takeover

    async def close(self, *, code: int = WSCloseCode.OK, message: Byteish | str = b"") -> bool:
        """Close the connection (RFC 6455 7).

        Sends a close frame, waits for the server's, then for the server to close TCP; each
        for at most ``ClientWSTimeout.ws_close`` seconds.

        :param code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
        :param message: the reason, at most 123 bytes of UTF-8.
        :returns: ``False`` when the connection was closed already.
        :raises ValueError: *code* or *message* cannot be sent.
        """
        check_close(code, message)
        return await self._connection.close(code, message, True)

    async def __aenter__(self) -> ClientWebSocketResponse:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    def __del__(self, _tell: Callable[..., None] = tell_unclosed) -> None:
        connection = self._connection
        if (
            connection is None
            or self._ended
            or connection.transport.underlying_transport.is_closing()
        ):
            return
        loop = connection.loop
        if not loop.is_closed():
            # The last reference may go in any thread, and within any call of the event loop's.
            loop.call_soon_threadsafe(_close_forgotten, connection)
        _tell("WebSocket", self, "client_websocket", loop, in_debug_mode=True)

    def __repr__(self) -> str:
        return f"<ClientWebSocketResponse {self._response.url} close_code={self.close_code}>"


def _close_forgotten(connection: MessageConnection) -> None:
    """Close TCP once what was sent has left, for at most ``close_timeout``."""
    if not connection.transport.is_disconnected:
        connection.forget()


async def connect_websocket(
    session: ClientSession,
    url: StrOrURL,
    *,
    method: str = "GET",
    protocols: Iterable[str] = (),
    timeout: ClientWSTimeout | float = DEFAULT_WS_CLOSE_TIMEOUT,
    receive_timeout: float | None = None,
    autoclose: bool = True,
    autoping: bool = True,
    heartbeat: float | None = None,
    origin: str | None = None,
    headers: LooseHeaders | None = None,
    compress: int | DeflateOptions = 0,
    max_msg_size: int = 4 * 1024 * 1024,
    max_queue: int = 256 * 1024,
    decode_text: bool = True,
    on_connect: OnConnected | None = None,
    **request_options: Any,
) -> ClientWebSocketResponse:
    """Open a WebSocket through *session*; the parameters are ``ClientSession.ws_connect``'s."""
    if not isinstance(timeout, ClientWSTimeout):
        _is_deprecated("a float as timeout=", "ws_close")
        timeout = ClientWSTimeout(ws_close=timeout)
    if receive_timeout is None:
        receive_timeout = timeout.ws_receive
    else:
        _is_deprecated("receive_timeout=", "ws_receive")
    check_settings(
        max_msg_size=max_msg_size,
        max_queue=max_queue,
        heartbeat=heartbeat,
        close_timeout=timeout.ws_close,
        receive_timeout=receive_timeout,
    )
    options = deflate_options(compress)
    key = generate_key()
    if isinstance(protocols, str):
        raise TypeError(f"protocols must be a sequence of strings, not {protocols!r}")
    protocols = tuple(protocols)
    handshake = CIMultiDict(headers or ())
    for name, value in build_request_headers(
        key, protocols, None if options is None else offer_header(options), origin
    ):
        if name not in handshake or name not in (
            hdrs.UPGRADE,
            hdrs.CONNECTION,
            hdrs.SEC_WEBSOCKET_VERSION,
        ):
            handshake[name] = value
    response = await session.request(
        method,
        url,
        headers=handshake,
        **request_options,
    )
    lent = response.connection
    body: bytes | None = None
    try:
        if response.status != HTTPStatus.SWITCHING_PROTOCOLS:
            body = await body_of(response)
        subprotocol, deflate = await agree(
            response.status,
            response.headers,
            key,
            offered=offered_subprotocols(
                response.request_info.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, ())
            ),
            deflate=options,
            transport=None if lent is None else lent.transport,
            on_connect=on_connect,
        )
    except HandshakeError as exc:
        response.close()
        raise WSServerHandshakeError(
            response.request_info,
            response.history,
            message=exc.message,
            status=response.status,
            headers=response.headers,
            body=body,
        ) from None
    except BaseException:
        response.close()
        raise
    protocol = None if lent is None else lent.protocol
    if lent is None or protocol is None:
        raise ClientConnectionError("the session was closed during the opening handshake")
    transport, rest = lent.detach()
    connection = open_connection(
        transport,
        asyncio.get_running_loop(),
        server=False,
        rest=rest,
        max_msg_size=max_msg_size,
        max_queue=max_queue,
        autoping=autoping,
        autoclose=autoclose,
        decode_text=decode_text,
        heartbeat=heartbeat,
        close_timeout=timeout.ws_close or 0.0,
        deflate=deflate,
        deflate_options=options,
    )
    session._websockets.add(connection)
    connection.when_lost(lambda exc: session._websockets.discard(connection))
    protocol.detached()
    try:
        return session._ws_response_class(
            response,
            connection,
            protocol=subprotocol,
            deflate=deflate,
            receive_timeout=receive_timeout,
        )
    except BaseException:
        connection.abort()
        raise


def _is_deprecated(what: str, instead: str) -> None:
    warnings.warn(
        f"{what} is deprecated, pass timeout=ClientWSTimeout({instead}=...)",
        DeprecationWarning,
        stacklevel=3,
    )


async def body_of(response: ClientResponse) -> bytes:
    """What comes of a refusal's body in time, at most ``MOST_BODY`` bytes."""
    body = bytearray()

    async def read() -> None:
        while len(body) < MOST_BODY and (piece := await response.content.readany()):
            body.extend(piece)

    with contextlib.suppress(asyncio.TimeoutError, ClientError):
        await asyncio.wait_for(read(), opening.BODY_PATIENCE)
    return bytes(body[:MOST_BODY])


def deflate_options(compress: int | DeflateOptions) -> DeflateOptions | None:
    """What ``compress=`` asks for: nothing, or at most that many window bits."""
    if isinstance(compress, DeflateOptions):
        return compress
    if not compress:
        return None
    if compress is True or compress == 15:
        return DeflateOptions()
    if not 8 <= compress <= 15:
        raise ValueError(f"compress={compress} is neither 0 nor window bits from 8 to 15")
    return DeflateOptions(server_max_window_bits=compress, client_max_window_bits=compress)
