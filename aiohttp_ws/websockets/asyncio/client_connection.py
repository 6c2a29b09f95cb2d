"""The client's end of a connection, and how it asks for one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from ...errors import BadHttpMessage, HandshakeError, LineTooLong
from ...wire.deflate import DeflateParams, offer_header
from ...wire.handshake import build_request_headers, generate_key, offered_subprotocols
from ...wire.http1 import ResponseHead, ResponseParser
from ...wire.url import WSParsedURL, basic_authorization, host_header
from ...ws.opening.client import ClientOpening, agree
from ..datastructures import Headers, HeadersLike
from ..exceptions import (
    InvalidMessage,
    InvalidStatus,
    StatusLineTooLong,
)
from ..http11 import LIMITS, USER_AGENT, Request, Response, for_wire, limit_error
from ..refusals import explained
from .connection import Connection

__all__ = ("ClientConnection",)

NO_RESPONSE = "did not receive a valid HTTP response"


class ClientConnection(Connection):
    """The client's end of a connection.

    ``async for message in connection`` receives messages until the connection is closed; it
    ends quietly after 1000 and 1001, and raises :exc:`ConnectionClosedError` after other codes.

    :param protocol: the settings of the opening handshake, made by :func:`connect`.

    The others are those of :func:`connect`.
    """

    __slots__ = ("_opening",)

    _opening: MessageOpening | None

    def _host_and_port(self) -> tuple[str | None, int | None]:
        uri = self._settings.uri
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

        :raises InvalidHandshake: the server does not accept.
        """
        if self._opening is None or self._tcp is None:
            raise RuntimeError("handshake() is for connect() to call")
        if isinstance(additional_headers, (WSParsedURL, str)) or hasattr(
            additional_headers, "secure"
        ):
            additional_headers = None
        settings = self._settings
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
        opening = self._opening
        try:
            head = await self._ask(opening, url.resource_name, pairs)
            lines = [value for name, value in pairs if name.lower() == "sec-websocket-protocol"]
            agreed = await agree(
                head.status,
                head.headers,
                key,
                offered=offered_subprotocols(lines),
                deflate=deflate,
                transport=self._tcp,
                on_connect=settings.on_connect,
            )
            self._subprotocol = agreed.subprotocol
            self._open(opening, agreed.deflate)
        except HandshakeError as exc:
            opening.fail()
            raise explained(exc) from None
        except BaseException:
            opening.fail()
            raise

    async def _ask(
        self, opening: MessageOpening, target: str, pairs: list[tuple[str, str]]
    ) -> ResponseHead:
        try:
            head = await opening.ask(target, for_wire(pairs))
        except LineTooLong as exc:
            too_long = limit_error(exc, StatusLineTooLong)
            if isinstance(too_long, StatusLineTooLong):
                raise too_long from exc
            raise InvalidMessage(NO_RESPONSE) from too_long
        except (BadHttpMessage, EOFError) as exc:
            raise InvalidMessage(NO_RESPONSE) from exc
        assert head is not None  # connect() has the time
        refused = head.status != HTTPStatus.SWITCHING_PROTOCOLS
        self._response = Response(
            head.status,
            head.reason,
            Headers.from_raw(head.raw_headers),
            bytes(opening.body) if refused else b"",
        )
        if refused:
            raise InvalidStatus(self._response)
        return head

    def _open(self, opening: MessageOpening, params: DeflateParams | None) -> None:
        def begin(transport: asyncio.Transport, rest: bytes) -> None:
            self._begin(
                transport,
                rest,
                max_size=self._settings.max_size,
                write_limit=self.write_limit,
                deflate=params,
                deflate_options=self._settings.deflate,
            )

        self._opening = None
        opening.hand_over(begin)

    def _abandon(self) -> None:
        """Drop a connection that has not begun."""
        if self._opening is not None:
            self._opening.fail()
        elif self._tcp is not None:
            self._tcp.abort()


class MessageOpening(ClientOpening):
    """Tells a connection what its hooks are to know of its transport before it begins."""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__(connection.loop, ResponseParser(**LIMITS))
        self.connection = connection
        self.has_failed = False
        connection._opening = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.connection.connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self.has_failed:
            self._tell()

    def fail(self) -> None:
        """The opening handshake has failed: the connection ends before it has begun."""
        if self.has_failed:
            return
        self.has_failed = True
        self.abort()
        if self.is_lost:
            self._tell()

    def _tell(self) -> None:
        self.connection._opening = None
        self.connection._lost_before_it_began(self.lost_exc)
        self.connection.connection_lost(cast("Exception | None", self.lost_exc))


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
        pairs.append(("Host", host_header(url)))
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
            settings = connection._settings
            made: Any = connection.handshake
            await made(
                settings.uri,
                origin=settings.origin,
                subprotocols=settings.subprotocols,
                extra_headers=additional_headers,
            )
            return
    await connection.handshake(additional_headers, user_agent_header)
