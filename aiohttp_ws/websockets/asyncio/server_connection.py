"""The server's end of a connection, and how it answers an opening handshake."""

from __future__ import annotations

import asyncio
import http
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ...errors import HandshakeError, HandshakeFault
from ...http.dates import current_http_date
from ...wire.deflate import DeflateParams
from ...wire.handshake import ServerHandshake, accept_request, offered_subprotocols
from ...wire.http1 import HTTP_11, RequestHead, serialise_response
from ...ws.opening.on_connect import consult
from ...ws.opening.server import Accept, Refuse
from ..datastructures import Headers
from ..exceptions import NegotiationError
from ..http11 import SERVER, Request, Response, for_wire
from .connection import Connection
from .settings import OpeningSettings, Origins

if TYPE_CHECKING:
    from .server import Server
    from .server_opening import ServerOpening

__all__ = ("ServerConnection",)

FAILED = "Failed to open a WebSocket connection"
HINT = (
    "\nYou cannot access a WebSocket server directly with a browser. You need a WebSocket client.\n"
)
SWITCHING = 101

Answer = Response | None
ProcessRequest = Callable[["ServerConnection", Request], Answer | Awaitable[Answer]]
ProcessResponse = Callable[["ServerConnection", Request, Response], Answer | Awaitable[Answer]]


#: Methods that connections of websockets' first generation had, and called.
NOT_CALLED = frozenset(
    {
        "process_extensions",
        "process_origin",
        "process_request",
        "process_subprotocol",
        "read_http_request",
        "write_http_response",
    }
)


class ServerConnection(Connection):
    """The server's end of a connection.

    ``async for message in connection`` receives messages until the connection is closed; it
    ends quietly after 1000 and 1001, and raises :exc:`ConnectionClosedError` after other codes.

    :param protocol: the settings of the opening handshake, made by :func:`serve`.
    :param server: the :class:`Server` that it belongs to.

    The others are those of :func:`serve`.
    """

    __slots__ = ("_added", "_deflate_params", "_head", "_opening", "_status", "server")

    _is_server = True

    #: The user that :func:`basic_auth` has let in.
    username: str
    #: What :func:`route` has chosen by the path: the handler, and what the path says to it.
    handler: Callable[..., Awaitable[Any]]
    handler_kwargs: Mapping[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse what would not be called.

        :raises TypeError: the class overrides a method of websockets' first generation.
        """
        super().__init_subclass__(**kwargs)
        for name in sorted(NOT_CALLED & vars(cls).keys()):
            raise TypeError(
                f"{cls.__module__}.{cls.__qualname__} overrides {name}(), a method of websockets'"
                " first generation that aiohttp_ws would not call. Pass process_request= and the"
                " like to serve(). uvicorn, whose ws='websockets' feeds such a class by hand, is"
                " to be run with ws='websockets-sansio' (--ws websockets-sansio)"
            )

    def __init__(
        self,
        protocol: OpeningSettings,
        server: Server,
        *,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        write_limit: int | tuple[int, int | None] = 2**15,
    ) -> None:
        super().__init__(
            protocol,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_queue=max_queue,
            write_limit=write_limit,
        )
        self.server = server
        self._head: RequestHead | None = None
        self._opening: ServerOpening | None = None
        self._deflate_params: DeflateParams | None = None
        # The headers of a 101, from which the response is made when it is asked for.
        self._status: list[tuple[str, str]] | None = None
        self._added: list[tuple[str, str]] | None = None

    @property
    def request(self) -> Request | None:
        """The request of the opening handshake, or ``None`` before it has come."""
        if self._request is None and self._head is not None:
            head = self._head
            self._request = Request(
                head.target,
                Headers.from_raw(head.raw_headers),
                head.method,
                f"HTTP/{head.version[0]}.{head.version[1]}",
            )
            self._head = None
        return self._request

    @request.setter
    def request(self, value: Request | None) -> None:
        self._request = value

    @property
    def response(self) -> Response | None:
        """The response of the opening handshake, or ``None`` before it was made."""
        if self._response is None and self._status is not None:
            self._response = Response(SWITCHING, "Switching Protocols", Headers(self._status))
            self._status = None
        return self._response

    @response.setter
    def response(self, value: Response | None) -> None:
        self._response = value

    @property
    def origin(self) -> str | None:
        """The value of the request's ``Origin``, or ``None``."""
        headers = self.request_headers
        return None if headers is None else headers.get("Origin")

    @property
    def ws_server(self) -> Server:
        """The older name of :attr:`server`."""
        return self.server

    def respond(self, status: http.HTTPStatus | int, text: str) -> Response:
        """Make a response that ``process_request`` and ``process_response`` can return.

        :param status: the status.
        :param text: the body, sent as UTF-8. Headers can be changed before it is returned.
        """
        status = http.HTTPStatus(status)
        body = text.encode()
        headers = Headers(
            [
                ("Date", current_http_date()),
                ("Connection", "close"),
                ("Content-Length", str(len(body))),
                ("Content-Type", "text/plain; charset=utf-8"),
            ]
        )
        return Response(status.value, status.phrase, headers, body)

    # ------------------------------------------------------------------ the handshake

    async def handshake(
        self,
        process_request: ProcessRequest | None = None,
        process_response: ProcessResponse | None = None,
        server_header: str | None = SERVER,
        *,
        origins: Origins = None,
        subprotocols: Sequence[str] | None = None,
        extra_headers: Any = None,
    ) -> str:
        """Answer the request of the opening handshake; called once, before the handler.

        A subclass that overrides it calls it in turn. It returns when the answer was sent,
        whatever that was; :attr:`state` then is :attr:`State.OPEN`, or it is not.

        :param origins: more restrictive than what :func:`serve` was told, if it is given; and
            *subprotocols* and *extra_headers* likewise, which the first generation passes.
        :return: the path of the request.
        """
        request_head = self._head
        if self._opening is None or (request_head is None and self._request is None):
            raise RuntimeError("handshake() is for the server to call when a request has come")
        settings = self._settings
        if process_request is None and process_response is None:
            answer = await self._hook(self._overridden_status())
        else:
            answer = await self._hook(self._decide(process_request))
        extra = extra_headers if extra_headers is not None else settings.extra_headers
        if answer is None:
            accepted = await self._accept(
                settings.origins if origins is None else origins,
                settings.subprotocols if subprotocols is None else list(subprotocols),
                extra,
            )
            if isinstance(accepted, Response):
                answer = accepted
            elif process_response is None:
                if server_header is not None:
                    accepted.append(("Server", server_header))
                self._status = accepted
                lines = for_wire(accepted)
                self._open(serialise_response(SWITCHING, "Switching Protocols", HTTP_11, lines))
                return self._path()
            else:
                answer = Response(SWITCHING, "Switching Protocols", Headers(accepted))
        if process_response is not None:
            request = self.request
            assert request is not None
            replaced = await self._hook(
                _awaited(process_response, self, request, answer), "process_response"
            )
            answer = answer if replaced is None else replaced
        if server_header is not None and "Server" not in answer.headers:
            answer.headers["Server"] = server_header
        if answer.status_code == SWITCHING:
            self._response = answer
            self._open(encoded(answer))
        else:
            self._send_refusal(answer)
        return self._path()

    def _path(self) -> str:
        return self._head.target if self._head is not None else cast("Request", self.request).path

    async def _hook(
        self, decision: Awaitable[Answer] | None, name: str = "process_request"
    ) -> Answer:
        """What a hook of the user's decides; an exception in it answers 500."""
        if decision is None:
            return None
        try:
            return await decision
        except NegotiationError as exc:
            return self.respond(400, f"{FAILED}: {exc}.\n")
        except Exception as exc:
            self.logger.error("%s failed", name, exc_info=exc)
            return self.respond(500, f"{FAILED}.\nSee server log for more information.\n")

    def _overridden_status(self) -> Awaitable[Answer] | None:
        if type(self).get_response_status is ServerConnection.get_response_status:
            return None
        return self._decide(None)

    async def _decide(self, process_request: ProcessRequest | None) -> Answer:
        request = self.request
        assert request is not None
        if process_request is not None:
            answer = await _awaited(process_request, self, request)
            if answer is not None:
                return answer
        if type(self).get_response_status is ServerConnection.get_response_status:
            return None
        added: list[tuple[str, str]] = []
        status = self.get_response_status(lambda name, value: added.append((name, value)))
        if inspect.isawaitable(status):
            status = await status
        if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
            self._added = added
            return None
        answer = self.respond(status, "")
        for name, value in added:
            answer.headers[name] = value
        return answer

    def get_response_status(self, set_header: Callable[[str, str], None]) -> Any:
        """Decide the status of the answer; for subclasses, as a method or a coroutine method.

        :attr:`origin`, :attr:`path`, :attr:`request_headers` and :attr:`raw_request_headers`
        are there. Current programs pass ``process_request`` to :func:`serve` instead.

        :param set_header: a function of a name and a value that adds a header to the answer.
        :return: ``HTTPStatus.SWITCHING_PROTOCOLS`` to go on, else the status of a refusal.
        """
        return http.HTTPStatus.SWITCHING_PROTOCOLS

    def select_subprotocol(
        self, client_protos: Sequence[str], server_protos: Sequence[str]
    ) -> str | None:
        """Choose a subprotocol: the first of *server_protos* that the client offers.

        For subclasses to override; current programs pass ``select_subprotocol`` to
        :func:`serve` instead.
        """
        return next((name for name in server_protos if name in client_protos), None)

    async def _accept(
        self, origins: Origins, subprotocols: list[str], extra: Any
    ) -> Response | list[tuple[str, str]]:
        """The headers of a 101, or the response that refuses."""
        if not self.server.is_serving():
            return self.respond(503, "Server is shutting down.\n")
        head = self._head
        if head is not None:
            method, version, headers = head.method, head.version, cast("Any", head.headers)
        else:
            request = cast("Request", self.request)
            method, headers = request.method, cast("Any", request.headers.lines)
            version = (1, 0) if request.protocol == "HTTP/1.0" else (1, 1)
        settings = self._settings
        try:
            handshake = accept_request(
                method, version, headers, origins=origins, deflate=settings.deflate
            )
            self._choose(handshake, headers.getall("Sec-WebSocket-Protocol", ()), subprotocols)
            if settings.on_connect is not None:
                path, _, query = self._path().partition("?")
                denied = await consult(
                    settings.on_connect, handshake, self._tcp, headers, path, query, self.logger
                )
                if denied is not None:
                    response = self.respond(denied.status, denied.text)
                    response.reason_phrase = denied.phrase
                    return response
        except NegotiationError as exc:
            return self.respond(400, f"{FAILED}: {exc}.\n")
        except HandshakeError as exc:
            return self._refusal(exc)
        self._subprotocol = handshake.subprotocol
        self._deflate_params = handshake.deflate
        answer = [("Date", current_http_date()), *handshake.headers]
        if self._added:
            answer += self._added
        if extra is not None:
            answer += self._extra(extra)
        answer += handshake.extra
        return answer

    def _choose(
        self, handshake: ServerHandshake, lines: Sequence[str], supported: list[str]
    ) -> None:
        """Choose a subprotocol for *handshake*.

        :raises NegotiationError: none is offered that the server speaks.
        """
        callback = self._settings.select_subprotocol
        overridden = type(self).select_subprotocol is not ServerConnection.select_subprotocol
        if callback is None and not overridden and not supported:
            return
        offered = offered_subprotocols(lines)
        if callback is not None:
            chosen = callback(self, offered)
        else:
            chosen = self.select_subprotocol(offered, supported)
            if chosen is None and not overridden:
                self.logger.info(
                    "no subprotocol in common: the client offers %r, the server speaks %r",
                    offered,
                    supported,
                )
                raise NegotiationError(
                    f"invalid subprotocol; expected one of {', '.join(supported)}"
                    if offered
                    else "missing subprotocol"
                )
        if chosen is None:
            return
        if chosen not in offered:
            self.logger.error(
                "subprotocol %r was selected, and the client offered %r", chosen, offered
            )
            raise HandshakeError(
                HandshakeFault.NOT_OFFERED, "Sec-WebSocket-Protocol", chosen, status=500
            )
        handshake.choose(chosen)

    def _extra(self, extra: Any) -> list[tuple[str, str]]:
        if callable(extra):
            extra = extra(self.path, self.request_headers)
        items = extra.items() if isinstance(extra, (Mapping, Headers)) else extra or ()
        return [(name, value) for name, value in items]

    def _refusal(self, exc: HandshakeError) -> Response:
        status, headers, hint = exc.status, exc.headers, ""
        if exc.kind is HandshakeFault.NO_UPGRADE:
            # RFC 9110 15.5.22: what the request should have asked for.
            status, headers, hint = 426, {"Upgrade": "websocket"}, HINT
        elif exc.kind is HandshakeFault.HTTP_VERSION:
            status = 505  # RFC 9110 15.6.6
        response = self.respond(status, f"{FAILED}: {exc.message}.\n{hint}")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    def _open(self, answer: bytes) -> None:
        opening, self._opening = self._opening, None
        if opening is None or self._tcp is None or self._begun:
            return

        def begin(transport: asyncio.Transport, rest: bytes) -> None:
            transport.write(answer)
            self._begin(
                transport,
                rest,
                max_size=self._settings.max_size,
                write_limit=self.write_limit,
                deflate=self._deflate_params,
                deflate_options=self._settings.deflate,
            )
            self._settings.logger.info("connection open", extra={"websocket": self})

        opening.answer(Accept(begin))

    def _send_refusal(self, response: Response) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.answer(self._refuse(response))

    def _refuse(self, response: Response) -> Refuse:
        """Make *response* the answer, and log it."""
        self._opening = None
        self._response = response
        if (server := self.server._server_header) is not None:
            response.headers.setdefault("Server", server)
        what = "answered" if self._refuses_nothing() else "rejected"
        self._log_end(f"connection {what} ({response.status_code} {response.reason_phrase})")
        try:
            return Refuse(encoded(response))
        except (TypeError, ValueError) as exc:
            self.logger.error("the response cannot be sent", exc_info=exc)
            return Refuse(encoded(self.respond(500, f"{FAILED}.\n")))

    def _refuses_nothing(self) -> bool:
        """Whether the answer is that of a health check, or a redirect."""
        response = self._response
        return response is not None and response.status_code < http.HTTPStatus.BAD_REQUEST

    def _log_end(self, text: str) -> None:
        """Log what became of a request that opened no WebSocket."""
        level = logging.DEBUG if self._refuses_nothing() else logging.INFO
        self._settings.logger.log(level, "%s", text, extra={"websocket": self})


async def _awaited(function: Callable[..., Any], *arguments: Any) -> Answer:
    answer = function(*arguments)
    if inspect.isawaitable(answer):
        answer = await answer
    return cast("Answer", answer)


def encoded(response: Response) -> bytes:
    """*response* as it travels; nothing in its headers can end a line."""
    return serialise_response(
        int(response.status_code),
        response.reason_phrase,
        HTTP_11,
        for_wire(response.headers.raw_items()),
        bytes(response.body) if response.body else None,
    )


async def call_handshake(
    connection: ServerConnection,
    process_request: ProcessRequest | None,
    process_response: ProcessResponse | None,
    server_header: str | None,
) -> Any:
    """Call the connection's handshake(), which may be a subclass's of either generation."""
    if type(connection).handshake is not ServerConnection.handshake:
        known = inspect.signature(connection.handshake).parameters
        if "origins" in known and "process_request" not in known:
            settings = connection._settings
            made: Any = connection.handshake
            return await made(
                origins=settings.origins,
                subprotocols=settings.subprotocols,
                extra_headers=settings.extra_headers,
            )
    return await connection.handshake(process_request, process_response, server_header)
