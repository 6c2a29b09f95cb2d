"""The server's end of a WebSocket: a response that lasts as long as the connection.

Preparing it is the opening handshake; from then on it is a :class:`MessageStream`, and the engine
answers control frames while the handler does something else. The handler's end closes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..http.headers import reason_of
from ..wire.deflate import DeflateOptions
from ..ws.close_codes import check_close
from ..ws.listeners.message_stream import MessageStream
from ..ws.listeners.under import Wire
from ..ws.opening.decisions import OnConnect
from ..ws.opening.messages import check_settings, open_connection
from ..ws.types import WSCloseCode
from .stream_response import StreamResponse, refuse_second
from .websocket_opening import Terms, WebSocketReady, open_handshake, ready

if TYPE_CHECKING:
    import re

    from ..argument_types import Byteish
    from ..http.interfaces import AbstractStreamWriter
    from .base_request import BaseRequest

__all__ = ("WebSocketResponse",)

DEFAULT_DEFLATE = DeflateOptions()


class _Opening(NamedTuple):
    """The parameters of the opening handshake; dropped after it."""

    terms: Terms
    receive_timeout: float | None
    connection: dict[str, Any]


class WebSocketResponse(StreamResponse, MessageStream):
    """Answers a request by opening a WebSocket.

    Pings are answered, pongs and close frames seen and the heartbeat kept while the handler
    does something else; it need not read for that.

    :param timeout: seconds the peer has for its part of the closing handshake.
    :param receive_timeout: seconds that ``receive()`` waits by default; ``None`` for no limit.
    :param autoclose: answer the peer's close frame, with its code, when the messages before it have
        been received. With ``False``, call :meth:`close` after having received it; until then
        messages can be sent.
    :param autoping: answer pings, and keep pings and pongs from ``receive()``.
    :param heartbeat: seconds of silence after which a ping is sent; a peer that answers
        nothing within half of that again, and takes nothing of what was sent before, is dropped
        with the close code 1006. ``None``: off.
    :param protocols: the subprotocols spoken here; the first one offered by the client that is
        among them is negotiated.
    :param compress: whether to accept permessage-deflate (RFC 7692), or the
        :class:`DeflateOptions` to accept.
    :param max_msg_size: bytes a message may have, after inflating; 0 for no limit. A longer
        one closes the connection with 1009.
    :param writer_limit: bytes of output at which ``send_*`` waits for the peer to read.
    :param decode_text: give text messages as ``str``; with ``False``, as unvalidated ``bytes``.
    :param max_queue: bytes of messages, read and not received, at which the socket is read no
        further.
    :param origins: pages that may connect: origins, compiled patterns, and ``None`` for
        requests without ``Origin``; others get 403. ``None`` instead of a sequence allows all.
    :param on_connect: a function or coroutine function that is asked, when the request is a
        valid one, with a :class:`~aiohttp_ws.ConnectionRequest`. It returns ``None``, a
        subprotocol, a pair (subprotocol, headers) or a :class:`~aiohttp_ws.ConnectionAccept`,
        or raises :exc:`~aiohttp_ws.ConnectionDeny`.
    """

    # An open connection keeps little here, and has no __dict__ until someone puts an attribute
    # of their own on it: a hundred thousand idle ones are a hundred thousand of these.
    __slots__ = (
        "_compress",
        "_eof_sent",
        "_fields",
        "_head_length",
        "_keep_alive",
        "_opening",
        "_payload_writer",
        "_req",
        "_state",
        "_ws_protocol",
    )

    _status = 101
    _timeout = 10.0  # of the instance only where another one was given
    _reason = reason_of(101)
    _must_be_empty_body = True

    def __init__(
        self,
        *,
        timeout: float = 10.0,
        receive_timeout: float | None = None,
        autoclose: bool = True,
        autoping: bool = True,
        heartbeat: float | None = None,
        protocols: Iterable[str] = (),
        compress: bool | DeflateOptions = True,
        max_msg_size: int = 4 * 1024 * 1024,
        writer_limit: int = 256 * 1024,
        decode_text: bool = True,
        max_queue: int = 256 * 1024,
        origins: Sequence[str | re.Pattern[str] | None] | None = None,
        on_connect: OnConnect | None = None,
    ) -> None:
        check_settings(
            max_msg_size=max_msg_size,
            max_queue=max_queue,
            heartbeat=heartbeat,
            close_timeout=timeout,
            receive_timeout=receive_timeout,
            writer_limit=writer_limit,
        )
        if isinstance(protocols, str):
            raise TypeError(f"protocols must be a sequence of strings, not {protocols!r}")
        if isinstance(compress, DeflateOptions):
            deflate: DeflateOptions | None = compress
        else:
            deflate = DEFAULT_DEFLATE if compress else None
        if timeout != self._timeout:
            self._timeout = timeout
        self._compress: int | bool = compress if isinstance(compress, bool) else True
        self._ws_protocol: str | None = None
        self._opening: _Opening | None = _Opening(
            Terms(origins, tuple(protocols), deflate, on_connect),
            receive_timeout,
            {
                "max_msg_size": max_msg_size,
                "max_queue": max_queue,
                "autoping": autoping,
                "autoclose": autoclose,
                "decode_text": decode_text,
                "heartbeat": heartbeat,
                "writer_limit": writer_limit,
            },
        )
        # These have defaults in the class, which slots hide.
        self._fields = None
        self._state = None
        self._req = None
        self._payload_writer = None
        self._keep_alive = None
        self._head_length = 0
        self._eof_sent = False

    # ------------------------------------------------------- the opening handshake

    def can_prepare(self, request: BaseRequest) -> WebSocketReady:
        """Say whether *request* can become a WebSocket, without answering it."""
        if self._opening is None:
            raise RuntimeError("Already started")
        return ready(request, self._opening.terms)

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Answer *request* with 101 and open the WebSocket.

        :raises HTTPException: *request* is not a valid opening handshake (RFC 6455 4.2), or
            ``on_connect`` refused it; let it go on to answer the client with the reason.
        :raises RuntimeError: *request* was answered already.
        """
        opening = self._opening
        if opening is None:
            return self._payload_writer
        refuse_second(request)
        handshake = await open_handshake(request, opening.terms, self)
        if self._status != 101:
            self._set_status(101, None)
        self._ws_protocol = handshake.subprotocol
        self._compress = handshake.deflate.server_max_window_bits if handshake.deflate else 0
        await self._prepare_head(request)
        self._write_head()
        protocol = request.protocol
        transport, rest = protocol.detach()
        loop = asyncio.get_running_loop()
        connection = open_connection(
            transport,
            loop,
            server=True,
            rest=rest,
            deflate=handshake.deflate,
            deflate_options=opening.terms.deflate,
            close_timeout=self._timeout,
            **opening.connection,
        )
        self._attach(connection, opening.receive_timeout)
        self._keep_alive = False
        protocol.websocket = self
        connection.when_lost(protocol.connection_lost)
        self._opening = None
        return self._payload_writer

    @property
    def prepared(self) -> bool:
        return self._connection is not None

    @property
    def _closing(self) -> bool:
        """Whether the closing handshake has begun, or the connection is lost."""
        return self.close_code is not None

    @property
    def _writer(self) -> Wire | None:
        return None if self._connection is None else Wire(self)

    @property
    def ws_protocol(self) -> str | None:
        """The negotiated subprotocol, or ``None``."""
        return self._ws_protocol

    @property
    def compress(self) -> int | bool:
        """The window bits of our compressor, 0 without permessage-deflate."""
        return self._compress

    # --------------------------------------------------------------------- closing

    async def close(
        self,
        *,
        code: int = WSCloseCode.OK,
        message: Byteish | str = b"",
        drain: bool = True,
    ) -> bool:
        """Close the connection (RFC 6455 7).

        Sends a close frame and waits for the peer's, at most ``timeout`` seconds. Another
        task that receives gets ``WSMsgType.CLOSING``.

        :param code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
        :param message: the reason, at most 123 bytes of UTF-8.
        :param drain: accepted because aiohttp has it; output always leaves before the close frame.
        :returns: ``False`` when the connection was closed already.
        :raises ValueError: *code* or *message* cannot be sent.
        """
        if self._connection is None:
            raise RuntimeError("Call .prepare() first")
        check_close(code, message)
        return await self._connection.close(code, message, drain)

    async def write(self, data: Byteish) -> None:
        """A WebSocket has no body: use ``send_*``."""
        raise RuntimeError("Cannot call .write() for websocket")

    async def write_eof(self, data: bytes = b"") -> None:
        """Close the connection at the handler's end, as :meth:`close` with code 1000.

        :raises RuntimeError: before :meth:`prepare`.
        """
        if not self._eof_sent:
            await self.close()
            self._eof_sent = True
