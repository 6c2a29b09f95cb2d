"""The client's end of a connection without input and output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from multidict import CIMultiDict

from ..errors import BadHttpMessage, HandshakeError, LineTooLong
from ..wire.deflate import accept_response, offer_header
from ..wire.handshake import build_request_headers, check_response, generate_key
from ..wire.http1 import HTTP_11, EndOfMessage, ResponseHead, ResponseParser
from ..wire.url import authority, basic_authorization
from .asyncio.settings import deflate_options
from .datastructures import Headers
from .deflate import PerMessageDeflate
from .exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidStatus,
    NegotiationError,
    SecurityError,
    StatusLineTooLong,
)
from .frames import Extension
from .http11 import LIMITS, Request, Response, check_body_size, limit_error
from .protocol import CLIENT, CONNECTING, OPEN, Protocol, State
from .refusals import explained
from .typing import LoggerLike, Origin, Subprotocol
from .uri import WebSocketURI

__all__ = ("ClientProtocol",)

_NEGOTIATED = ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions")
_SWITCHING = 101


class ClientProtocol(Protocol):
    """A client's end: :meth:`connect`, :meth:`send_request`, then as :class:`Protocol`.

    The response is an event; :attr:`state` tells whether it opened the connection, and
    :attr:`handshake_exc` why not.

    :param uri: where to connect to, from :func:`~aiohttp_ws.websockets.uri.parse_uri`.
    :param origin: the value of ``Origin``, or ``None`` to send none.
    :param extensions: permessage-deflate to offer: a
        :class:`~aiohttp_ws.websockets.extensions.permessage_deflate.ClientPerMessageDeflateFactory`
        or :class:`~aiohttp_ws.DeflateOptions`.
    :param subprotocols: those to offer, preferred first.
    :param state: these three as for :class:`Protocol`.
    """

    def __init__(
        self,
        uri: WebSocketURI,
        *,
        origin: Origin | None = None,
        extensions: Sequence[Any] | None = None,
        subprotocols: Sequence[Subprotocol] | None = None,
        state: State = CONNECTING,
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        logger: LoggerLike | None = None,
    ) -> None:
        super().__init__(CLIENT, state=state, max_size=max_size, logger=logger)
        self.uri = uri
        self.origin = origin
        self.available_subprotocols = subprotocols
        #: The subprotocol agreed on, or ``None``.
        self.subprotocol: Subprotocol | None = None
        #: The request's ``Sec-WebSocket-Key``.
        self.key = generate_key()
        self._deflate = deflate_options(extensions, None, is_server=False)
        self._parser = ResponseParser(**LIMITS)
        self._head: ResponseHead | None = None
        self._body = bytearray()

    def connect(self) -> Request:
        """Make the request; add headers if you like, and hand it to :meth:`send_request`.

        :raises TypeError: ``subprotocols`` is one string.
        :raises ValueError: a subprotocol is not a token, or comes twice.
        """
        uri = self.uri
        host = authority(uri.host, uri.port)
        default = 443 if uri.secure else 80
        headers = Headers()
        headers["Host"] = host.removesuffix(f":{default}") if uri.port == default else host
        if uri.user_info is not None:
            headers["Authorization"] = basic_authorization(*uri.user_info)
        offer = None if self._deflate is None else offer_header(self._deflate)
        made = build_request_headers(
            self.key, self.available_subprotocols or (), offer, self.origin
        )
        headers.update(made)
        return Request(uri.resource_name, headers)

    def send_request(self, request: Request) -> None:
        """Send the request."""
        self.logger.debug("> %s %s %s", request.method, request.path, request.protocol)
        self._writes.append(request.serialize())

    def process_response(self, response: Response) -> None:
        """Check the server's half of the handshake (RFC 6455 4.1).

        :raises InvalidHandshake: it does not open the connection.
        """
        if response.status_code != _SWITCHING:
            raise InvalidStatus(response)
        # What was agreed on is for the two methods below, which a subclass may override.
        basic = CIMultiDict(response.headers.raw_items())
        for name in _NEGOTIATED:
            basic.popall(name, None)
        try:
            check_response(_SWITCHING, basic, self.key)
        except HandshakeError as exc:
            raise explained(exc) from exc
        self.extensions = self.process_extensions(response.headers)
        self.subprotocol = self.process_subprotocol(response.headers)

    def process_extensions(self, headers: Headers) -> list[Extension]:
        """What the response's ``Sec-WebSocket-Extensions`` agrees to.

        :raises InvalidHandshake: to something that was not offered.
        """
        options = self._deflate
        lines = headers.get_all("Sec-WebSocket-Extensions")
        if not lines:
            return []
        if options is None:
            raise NegotiationError(f"no extensions supported: {', '.join(lines)}")
        try:
            params = accept_response(", ".join(lines), options)
        except HandshakeError as exc:
            raise explained(exc) from exc
        return [] if params is None else [PerMessageDeflate(params, False, options)]

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        """What the response's ``Sec-WebSocket-Protocol`` agrees to.

        :raises InvalidHandshake: to one that was not offered, or to several.
        """
        names = cast("list[Subprotocol]", headers.get_all("Sec-WebSocket-Protocol"))
        if not names:
            return None
        if not self.available_subprotocols:
            raise NegotiationError(f"no subprotocols supported: {', '.join(names)}")
        if len(names) > 1:
            raise InvalidHeader("Sec-WebSocket-Protocol", f"multiple values: {', '.join(names)}")
        if names[0] not in self.available_subprotocols:
            raise NegotiationError(f"unsupported subprotocol: {names[0]}")
        return names[0]

    # ------------------------------------------------------------------ the response comes

    def parse(self) -> None:
        """Make events of the bytes that have come, the response before all; never raises."""
        if self._state is CONNECTING and not self._discarding:
            data = bytes(self._unparsed)
            self._unparsed.clear()
            try:
                self._parser.feed(data)
                response = self._parse_response()
            except LineTooLong as exc:
                self._refuse(limit_error(exc, StatusLineTooLong))
                return
            except (BadHttpMessage, SecurityError) as exc:
                self._refuse(exc)
                return
            if response is None:
                return
            self._responded(response)
        super().parse()

    def _parse_response(self) -> Response | None:
        while (event := self._parser.next_event()) is not None:
            if isinstance(event, ResponseHead):
                if event.version != HTTP_11:
                    raise BadHttpMessage("unsupported protocol; expected HTTP/1.1: HTTP/1.0")
                if event.status < 200 and event.status != _SWITCHING:
                    continue  # RFC 9110 15.2: an interim response.
                self._head = event
                check_body_size(event.content_length)
                if not event.has_body:
                    return Response.of_head(event)
            elif isinstance(event, EndOfMessage):
                return self._complete()
            else:
                check_body_size(len(self._body) + len(event))
                self._body += event
        return None

    def _complete(self) -> Response:
        assert self._head is not None
        return Response.of_head(self._head, bytes(self._body))

    def _responded(self, response: Response) -> None:
        self.logger.debug("< HTTP/1.1 %d %s", response.status_code, response.reason_phrase)
        self._events.append(response)
        try:
            self.process_response(response)
        except InvalidHandshake as exc:
            response._exception = exc
            self.handshake_exc = exc
            self.send_eof()
            self.discard()
            return
        self._unparsed += self._parser.take_rest()
        self.state = OPEN

    def _refuse(self, exc: Exception) -> None:
        """What comes is no response."""
        if isinstance(exc, StatusLineTooLong):
            self.handshake_exc = exc
        else:
            self.handshake_exc = InvalidMessage("did not receive a valid HTTP response")
            self.handshake_exc.__cause__ = exc
        self.send_eof()
        self.discard()

    def _end_early(self) -> None:
        if self._state is not CONNECTING:
            super()._end_early()
            return
        try:
            ended = self._parser.feed_eof()
        except BadHttpMessage as exc:
            ending = EOFError("connection closed inside the response")
            ending.__cause__ = exc
            self._refuse(ending)
            return
        if ended is None:
            self._refuse(EOFError("connection closed before the response"))
        else:
            self._responded(self._complete())
