"""The client's end of a connection without input and output (RFC 6455 4.1).

It writes a request, reads the response, checks it, and then goes on as a
:class:`~aiohttp_ws.websockets.protocol.Protocol`. A response that does not open the connection is
an event too, with its body; :attr:`~ClientProtocol.handshake_exc` then says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from multidict import CIMultiDict

from ..errors import BadHttpMessage, HandshakeError, LineTooLong
from ..wire.closing import Event as Step
from ..wire.handshake import build_request_headers, check_response, generate_key
from ..wire.http1 import HTTP_11, EndOfMessage, ResponseHead, ResponseParser
from ..wire.url import authority, basic_authorization
from .datastructures import Headers
from .exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidStatus,
    NegotiationError,
    SecurityError,
    StatusLineTooLong,
)
from .extensions.base import Extension
from .extensions.negotiation import check_response as check_extensions
from .extensions.negotiation import client_factories, offer
from .http11 import LIMITS, Request, Response, check_body_size, limit_error
from .protocol import CLIENT, CONNECTING, Protocol, State
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
    :param origin: the value of ``Origin``; ``None`` sends no such header.
    :param extensions: the extensions to offer: a list of factories, such as
        :class:`~aiohttp_ws.websockets.extensions.permessage_deflate.ClientPerMessageDeflateFactory`
        or one of your own, and of :class:`~aiohttp_ws.DeflateOptions`.
    :param subprotocols: the subprotocols to offer, preferred first.
    :param state: as for :class:`Protocol`.
    :param max_size: as for :class:`Protocol`.
    :param logger: as for :class:`Protocol`.
    :raises TypeError: an element of *extensions* is not a client's factory.
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
        #: The request's ``Sec-WebSocket-Key``.
        self.key = generate_key()
        self.available_extensions = client_factories(extensions)
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
        made = build_request_headers(
            self.key,
            self.available_subprotocols or (),
            offer(self.available_extensions),
            self.origin,
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
        # What was negotiated is for the two methods below, which a subclass may override.
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
        """Return the extensions that the response's ``Sec-WebSocket-Extensions`` accepts.

        :raises InvalidHandshake: one was not offered, or with other parameters.
        """
        lines = headers.get_all("Sec-WebSocket-Extensions")
        if not lines:
            return []
        if not self.available_extensions:
            raise NegotiationError(f"no extensions supported: {', '.join(lines)}")
        return check_extensions(", ".join(lines), self.available_extensions)

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        """Return the subprotocol of the response's ``Sec-WebSocket-Protocol``, or ``None``.

        :raises InvalidHandshake: it was not offered, or there are several.
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
        """Make events of the bytes received so far, the response first; never raises."""
        if self.state is CONNECTING and not self._discarding:
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
        self._step(Step.OPENED)

    def _refuse(self, exc: Exception) -> None:
        """What was received is not a response."""
        if isinstance(exc, StatusLineTooLong):
            self.handshake_exc = exc
        else:
            self.handshake_exc = InvalidMessage("did not receive a valid HTTP response")
            self.handshake_exc.__cause__ = exc
        self.send_eof()
        self.discard()

    def _end_early(self) -> None:
        if self.state is not CONNECTING:
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
