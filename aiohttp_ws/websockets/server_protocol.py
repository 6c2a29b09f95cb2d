"""The server's end of a connection without input and output (RFC 6455 4.2).

It reads a request and leaves the decision to the program: :meth:`~ServerProtocol.accept` checks
the request and makes the response, which may refuse it; :meth:`~ServerProtocol.reject` makes one
that does. After a 101 it goes on as a :class:`~aiohttp_ws.websockets.protocol.Protocol`.
"""

from __future__ import annotations

import http
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from ..errors import BadHttpMessage, HandshakeError, LineTooLong
from ..http.dates import current_http_date
from ..wire.closing import Event as Step
from ..wire.handshake import accept_key, check_origin, check_request, offered_subprotocols
from ..wire.http1 import HTTP_11, RequestHead, RequestParser
from .datastructures import Headers
from .exceptions import (
    InvalidHandshake,
    InvalidMessage,
    InvalidMethod,
    InvalidOrigin,
    InvalidProtocol,
    InvalidUpgrade,
    NegotiationError,
    RequestLineTooLong,
    SecurityError,
)
from .extensions.base import Extension
from .extensions.negotiation import accept_offers, server_factories
from .http11 import LIMITS, Request, Response, limit_error
from .protocol import CONNECTING, SERVER, Protocol, State
from .refusals import explained
from .typing import LoggerLike, Origin, StatusLike, Subprotocol

__all__ = ("ServerProtocol",)

_FAILED = "Failed to open a WebSocket connection"
_HINT = "\nThis is a WebSocket server: open it with a WebSocket client, not as a page.\n"

SelectSubprotocol = Callable[["ServerProtocol", Sequence[Subprotocol]], "Subprotocol | None"]


class ServerProtocol(Protocol):
    """A server's end: for the request, an event, :meth:`accept` or :meth:`reject`, then
    :meth:`send_response`, then as :class:`Protocol`.

    :param origins: values of ``Origin`` to accept: strings, compiled patterns that match the
        whole value, ``None`` for requests without it. ``None`` instead accepts all.
    :param extensions: the extensions to accept: a list of factories, such as
        :class:`~aiohttp_ws.websockets.extensions.permessage_deflate.ServerPerMessageDeflateFactory`
        or one of your own, and of :class:`~aiohttp_ws.DeflateOptions`.
    :param subprotocols: the subprotocols to accept, preferred first; a client must offer one.
    :param select_subprotocol: chooses instead: a function of this object and the subprotocols
        that the client offers.
    :param state: as for :class:`Protocol`.
    :param max_size: as for :class:`Protocol`.
    :param logger: as for :class:`Protocol`.
    :raises TypeError: an element of *extensions* is not a server's factory.
    """

    def __init__(
        self,
        *,
        origins: Sequence[Origin | re.Pattern[str] | None] | None = None,
        extensions: Sequence[Any] | None = None,
        subprotocols: Sequence[Subprotocol] | None = None,
        select_subprotocol: SelectSubprotocol | None = None,
        state: State = CONNECTING,
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        logger: LoggerLike | None = None,
    ) -> None:
        super().__init__(SERVER, state=state, max_size=max_size, logger=logger)
        self.origins = origins
        self.available_subprotocols = subprotocols
        self.available_extensions = server_factories(extensions)
        self._select = select_subprotocol
        self._parser = RequestParser(**LIMITS)
        self._requested = False

    # -------------------------------------------------------------------- the request comes

    def parse(self) -> None:
        """Make events of the bytes received so far, the request first; never raises."""
        if self.state is not CONNECTING or self._discarding:
            super().parse()
            return
        if self._requested:
            return  # Frames before the answer wait for it: it tells how to read them.
        data = bytes(self._unparsed)
        self._unparsed.clear()
        try:
            self._parser.feed(data)
            head = self._parser.next_event()
            if head is None:
                return
            assert isinstance(head, RequestHead)
            if head.has_body or head.chunked:
                raise BadHttpMessage("a request with a body opens no WebSocket")
        except LineTooLong as exc:
            self._exceeded(limit_error(exc, RequestLineTooLong))
            return
        except BadHttpMessage as exc:
            self._no_request(exc)
            return
        self._requested = True
        if self._parser.paused:
            self._unparsed += self._parser.take_rest()
        self.logger.debug("< %s %s", head.method, head.target)
        self._events.append(Request.of_head(head))

    def _exceeded(self, exc: SecurityError) -> None:
        self.handshake_exc = exc
        # RFC 9110 15.5.15 and RFC 6585 5.
        status = 414 if isinstance(exc, RequestLineTooLong) else 431
        self.send_response(self.reject(status, f"{_FAILED}: {exc}.\n"))

    def _no_request(self, exc: Exception) -> None:
        self.handshake_exc = InvalidMessage("did not receive a valid HTTP request")
        self.handshake_exc.__cause__ = exc
        self.send_eof()
        self.discard()

    def _end_early(self) -> None:
        if self.state is not CONNECTING:
            super()._end_early()
        elif not self._requested:
            self._no_request(EOFError("connection closed before the request's end"))

    # ------------------------------------------------------------------------ the answer

    def accept(self, request: Request) -> Response:
        """Answer a request: with 101, or with why not; :attr:`handshake_exc` says it too.

        Add headers if you like, and hand it to :meth:`send_response`.
        """
        try:
            accept, extensions, subprotocol = self.process_request(request)
        except InvalidHandshake as exc:
            request._exception = exc
            self.handshake_exc = exc
            self.logger.debug("! invalid handshake", exc_info=True)
            return self._refusal(exc)
        except Exception as exc:
            request._exception = exc
            self.handshake_exc = exc
            self.logger.error("opening handshake failed", exc_info=True)
            return self.reject(500, f"{_FAILED}.\nThe log of the server tells why.\n")
        headers = Headers()
        headers["Date"] = current_http_date()
        headers["Upgrade"] = "websocket"
        headers["Connection"] = "Upgrade"
        headers["Sec-WebSocket-Accept"] = accept
        if extensions is not None:
            headers["Sec-WebSocket-Extensions"] = extensions
        if subprotocol is not None:
            headers["Sec-WebSocket-Protocol"] = subprotocol
        return Response(101, "Switching Protocols", headers)

    def _refusal(self, exc: InvalidHandshake) -> Response:
        status = 400
        added: dict[str, str] = {}
        hint = ""
        if isinstance(exc, InvalidMethod):
            status, added = 405, {"Allow": "GET"}
        elif isinstance(exc, InvalidProtocol):
            status = 505
        elif isinstance(exc, InvalidOrigin):
            status = 403
        elif isinstance(exc, InvalidUpgrade):
            # RFC 9110 15.5.22: what the request should have asked for.
            status, added, hint = 426, {"Upgrade": "websocket"}, _HINT
        elif isinstance(exc.__cause__, HandshakeError):
            status, added = exc.__cause__.status, exc.__cause__.headers
        response = self.reject(status, f"{_FAILED}: {exc}.\n{hint}")
        response.headers.update(added)
        return response

    def process_request(self, request: Request) -> tuple[str, str | None, str | None]:
        """Check the client's half of the handshake (RFC 6455 4.2.1), and negotiate.

        :returns: the values of ``Sec-WebSocket-Accept``, ``Sec-WebSocket-Extensions`` and
            ``Sec-WebSocket-Protocol``.
        :raises InvalidHandshake: it does not open a connection.
        """
        if request.method != "GET":
            raise InvalidMethod(request.method)
        if request.protocol != "HTTP/1.1":
            raise InvalidProtocol(request.protocol)
        headers = request.headers
        try:
            key = check_request(request.method, HTTP_11, headers.lines)
        except HandshakeError as exc:
            raise explained(exc) from exc
        self.origin = self.process_origin(headers)
        extensions, self.extensions = self.process_extensions(headers)
        self.subprotocol = self.process_subprotocol(headers)
        return accept_key(key), extensions, self.subprotocol

    def process_origin(self, headers: Headers) -> Origin | None:
        """The request's ``Origin``, if it is acceptable.

        :raises InvalidOrigin: it is not.
        """
        origin = headers.get("Origin")
        try:
            check_origin(origin, self.origins)
        except HandshakeError as exc:
            raise explained(exc) from exc
        return cast("Origin | None", origin)

    def process_extensions(self, headers: Headers) -> tuple[str | None, list[Extension]]:
        """Return the value of the response's ``Sec-WebSocket-Extensions``, and the extensions.

        :raises InvalidHandshake: the request's header is malformed.
        """
        lines = headers.get_all("Sec-WebSocket-Extensions")
        if not lines or not self.available_extensions:
            return None, []
        return accept_offers(", ".join(lines), self.available_extensions)

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        """Return the subprotocol to use, or ``None``.

        :raises NegotiationError: the request offers none of ours.
        """
        lines = headers.get_all("Sec-WebSocket-Protocol")
        offered = [Subprotocol(name) for name in offered_subprotocols(lines)]
        chosen = self.select_subprotocol(offered)
        if chosen is not None and chosen not in offered:
            raise ValueError(
                f"select_subprotocol chose {chosen!r}, which the client did not offer: {offered!r}"
            )
        return chosen

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """Choose among what the client offers; the server's order counts.

        :returns: ``None`` when the server has none.
        :raises NegotiationError: the server has some, and the client offers none of them.
        """
        if self._select is not None:
            return self._select(self, subprotocols)
        if not self.available_subprotocols:
            return None
        for name in self.available_subprotocols:
            if name in subprotocols:
                return name
        if not subprotocols:
            raise NegotiationError("missing subprotocol")
        known = ", ".join(self.available_subprotocols)
        raise NegotiationError(f"invalid subprotocol; expected one of {known}")

    def reject(self, status: StatusLike, text: str) -> Response:
        """Make a response that refuses, with *text* as its body; hand it to
        :meth:`send_response`."""
        status = http.HTTPStatus(status)
        body = text.encode()
        headers = Headers()
        headers["Date"] = current_http_date()
        headers["Connection"] = "close"
        headers["Content-Length"] = str(len(body))
        headers["Content-Type"] = "text/plain; charset=utf-8"
        return Response(status.value, status.phrase, headers, body)

    def send_response(self, response: Response) -> None:
        """Send the answer; 101 opens the connection, and frames that came early become events."""
        self.logger.debug("> HTTP/1.1 %d %s", response.status_code, response.reason_phrase)
        self._writes.append(response.serialize())
        if response.status_code == 101:
            self._step(Step.OPENED)
            self.parse()
        else:
            self.send_eof()
            self.discard()
