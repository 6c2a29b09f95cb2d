"""The client's end of a connection, and how it asks for one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from ...errors import BadHttpMessage, HandshakeError
from ...net.loop import resources_of
from ...wire.deflate import DeflateParams, offer_header
from ...wire.handshake import build_request_headers, check_response, generate_key
from ...wire.http1 import (
    END,
    HTTP_11,
    ResponseHead,
    ResponseParser,
    serialise_request_head,
)
from ...wire.url import WSParsedURL, authority, basic_authorization
from ...ws.opening.on_connect import connection_response, show_response
from ..datastructures import Headers, HeadersLike
from ..exceptions import (
    InvalidMessage,
    InvalidStatus,
)
from ..http11 import USER_AGENT, Request, Response
from ..refusals import explained
from .connection import Connection

__all__ = ("ClientConnection",)

# Bytes of a refusal's body that are kept to show why.
MOST_BODY = 1048576
NO_ANSWER = "did not receive a valid HTTP response"


class ClientConnection(Connection):
    """The client's end of a connection.

    ``async for message in connection`` receives messages until the connection is closed; it
    ends quietly after 1000 and 1001, and raises :exc:`ConnectionClosedError` after other codes.

    :param protocol: the settings of the opening handshake, made by :func:`connect`.

    The others are those of :func:`connect`.
    """

    __slots__ = ("_opening",)

    _opening: ClientOpening | None

    def _host_and_port(self) -> tuple[str | None, int | None]:
        uri = self.protocol.uri
        return (None, None) if uri is None else (uri.host, uri.port)

    async def handshake(
        self,
        additional_headers: HeadersLike | Any = None,
        user_agent_header: str | None = USER_AGENT,
        *,
        origin: str | None = None,
        subprotocols: Sequence[str] | None = None,
        extra_headers: HeadersLike | None = None,
    ) -> None:
        """Ask for a connection and take the answer; called once, by :func:`connect`.

        A subclass that overrides it calls it in turn. The first generation passed the URI
        first, which is known anyway, and the last three.

        :raises InvalidHandshake: the answer is no agreement.
        """
        if self._opening is None or self._tcp is None:
            raise RuntimeError("handshake() is for connect() to call")
        if isinstance(additional_headers, (WSParsedURL, str)) or hasattr(
            additional_headers, "secure"
        ):
            additional_headers = None
        settings = self.protocol
        wanted = settings.subprotocols if subprotocols is None else list(subprotocols)
        key = generate_key()
        deflate = settings.deflate
        made = build_request_headers(
            key,
            wanted,
            None if deflate is None else offer_header(deflate),
            settings.origin if origin is None else origin,
        )
        url: WSParsedURL = settings.uri
        pairs = request_headers(
            url, made, user_agent_header, [*items_of(additional_headers), *items_of(extra_headers)]
        )
        self._request = Request(url.resource_name, Headers(pairs))
        self._tcp.write(serialise_request_head("GET", url.resource_name, HTTP_11, pairs))
        opening = self._opening
        head = await opening.answer()
        if head.status != HTTPStatus.SWITCHING_PROTOCOLS:
            body = opening.body
            self._response = Response(
                head.status, head.reason, Headers.from_raw(head.raw_headers), bytes(body)
            )
            raise InvalidStatus(self._response)
        self._response = Response(head.status, head.reason, Headers.from_raw(head.raw_headers), b"")
        try:
            self._subprotocol, params = check_response(
                head.status, head.headers, key, wanted, deflate
            )
        except HandshakeError as exc:
            raise explained(exc) from None
        if settings.on_connect is not None:
            await show_response(
                settings.on_connect,
                connection_response(self._tcp, head.headers, self._subprotocol),
            )
        self._open(opening, params)

    def _open(self, opening: ClientOpening, params: DeflateParams | None) -> None:
        assert self._tcp is not None
        self._opening = None
        opening.ended = True
        self._begin(
            self._tcp,
            opening.parser.take_rest(),
            max_size=self.protocol.max_size,
            write_limit=self.write_limit,
            deflate=params,
            deflate_options=self.protocol.deflate,
        )


class ClientOpening(asyncio.BufferedProtocol):
    """Reads the answer to the opening handshake of one connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        connection._opening = self
        self.parser = ResponseParser()
        self.parser.expect("GET")
        self.body = bytearray()
        self.ended = False
        self._buffer = resources_of(connection.loop).receive_buffer
        self._head: ResponseHead | None = None
        self._answer: asyncio.Future[ResponseHead] = connection.loop.create_future()

    async def answer(self) -> ResponseHead:
        """The server's answer, its body read if it is a refusal."""
        return await self._answer

    def abort(self) -> None:
        """Drop the connection, if there is one."""
        if self.connection._tcp is not None:
            self.connection._tcp.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connection.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        connection = self.connection
        connection._opening = None
        if connection._tcp is not None:
            # Python 3.10 takes a TLS transport for forgotten that its peer closed and we did not.
            connection._tcp.close()
        if not self._answer.done():
            if self._head is not None:
                # RFC 9112 6.3: such a body ends with the connection.
                self._answer.set_result(self._head)
            elif exc is not None:
                self._fail(exc)
            else:
                error = InvalidMessage(NO_ANSWER)
                error.__cause__ = EOFError("connection closed while reading HTTP status line")
                self._fail(error)
        connection._lost_before_it_began(exc)
        connection.connection_lost(exc)

    def eof_received(self) -> bool:
        return False

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self.ended or self._answer.done():
            return
        parser = self.parser
        parser.feed_from(self._buffer, nbytes)
        try:
            while (event := parser.next_event()) is not None:
                if event is END:
                    self._answer.set_result(cast("ResponseHead", self._head))
                elif type(event) is bytes:
                    self.body += event
                    if len(self.body) > MOST_BODY:
                        self._answer.set_result(cast("ResponseHead", self._head))
                else:
                    self._on_head(cast("ResponseHead", event))
                if self._answer.done():
                    if parser.pending:
                        parser.keep_rest()
                    return
        except BadHttpMessage as exc:
            error = InvalidMessage(NO_ANSWER)
            error.__cause__ = exc
            self._fail(error)

    def _on_head(self, head: ResponseHead) -> None:
        if head.status == HTTPStatus.SWITCHING_PROTOCOLS:
            # Frames may follow, which are for the connection to read.
            if self.connection._tcp is not None:
                self.connection._tcp.pause_reading()
            self._answer.set_result(head)
        elif head.status >= 200:
            self._head = head
            if not head.has_body:
                self._answer.set_result(head)

    def _fail(self, error: BaseException) -> None:
        self._answer.set_exception(error)
        # Nobody may be waiting any more.
        self._answer.exception()


def items_of(headers: Any) -> Iterable[tuple[str, str]]:
    if headers is None:
        return ()
    if isinstance(headers, Headers):
        return list(headers.raw_items())
    if isinstance(headers, Mapping):
        return list(headers.items())
    if hasattr(headers, "raw_items"):
        return list(headers.raw_items())
    return list(headers)


def request_headers(
    url: WSParsedURL,
    made: list[tuple[str, str]],
    user_agent_header: str | None,
    added: list[tuple[str, str]],
) -> list[tuple[str, str]]:
    """All headers of the request (RFC 6455 4.1); *added* come last and can replace ``Host``."""
    names = {name.lower() for name, _ in added}
    pairs: list[tuple[str, str]] = []
    if "host" not in names:
        default = 443 if url.is_secure else 80
        host = authority(url.host, url.port)
        if url.port == default:
            host = host.removesuffix(f":{default}")
        pairs.append(("Host", host))
    pairs += made
    if url.user_info is not None and "authorization" not in names:
        pairs.append(("Authorization", basic_authorization(*url.user_info)))
    if user_agent_header is not None and "user-agent" not in names:
        pairs.append(("User-Agent", user_agent_header))
    return pairs + added


async def call_handshake(
    connection: ClientConnection,
    additional_headers: HeadersLike | None,
    user_agent_header: str | None,
) -> None:
    """Call the connection's handshake(), which may be a subclass's of either generation."""
    if type(connection).handshake is not ClientConnection.handshake:
        known = inspect.signature(connection.handshake).parameters
        if "wsuri" in known and "additional_headers" not in known:
            settings = connection.protocol
            made: Any = connection.handshake
            await made(
                settings.uri,
                origin=settings.origin,
                subprotocols=settings.subprotocols,
                extra_headers=additional_headers,
            )
            return
    await connection.handshake(additional_headers, user_agent_header)
