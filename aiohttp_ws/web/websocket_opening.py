"""The opening handshake of a response that opens a WebSocket, with frames or with messages."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .. import hdrs
from ..errors import HandshakeError
from ..wire.handshake import ServerHandshake, accept_request, offered_subprotocols
from ..ws.opening.on_connect import Denied, consult
from .exceptions import (
    HTTPBadRequest,
    HTTPError,
    HTTPException,
    HTTPForbidden,
    HTTPMethodNotAllowed,
    HTTPUpgradeRequired,
)

if TYPE_CHECKING:
    import re

    from ..argument_types import LooseHeaders
    from ..wire.deflate import DeflateOptions
    from ..ws.opening.decisions import OnConnect
    from .base_request import BaseRequest
    from .stream_response import StreamResponse

__all__ = ("WebSocketReady",)

logger = logging.getLogger("aiohttp_ws.server")
websocket_logger = logging.getLogger("aiohttp_ws.websocket")


class WebSocketReady(NamedTuple):
    """Whether a request can become a WebSocket, and with which subprotocol."""

    ok: bool
    protocol: str | None

    def __bool__(self) -> bool:
        return self.ok


class Terms(NamedTuple):
    """What a response makes of the opening handshake; its parameters of these names."""

    origins: Sequence[str | re.Pattern[str] | None] | None
    protocols: tuple[str, ...]
    deflate: DeflateOptions | None
    on_connect: OnConnect | None


def ready(request: BaseRequest, terms: Terms) -> WebSocketReady:
    """Say whether *request* can become a WebSocket."""
    try:
        return WebSocketReady(True, _accept(request, terms).subprotocol)
    except HandshakeError:
        return WebSocketReady(False, None)


async def open_handshake(
    request: BaseRequest, terms: Terms, response: StreamResponse
) -> ServerHandshake:
    """Check *request*, let ``on_connect`` decide, and give *response* the headers of a 101.

    :raises HTTPException: *request* is refused.
    """
    try:
        handshake = _accept(request, terms)
        if terms.on_connect is not None:
            await _consult(terms.on_connect, request, handshake, response)
    except HandshakeError as exc:
        raise _refusal(exc, request.method) from None
    headers = response.headers
    for name, value in handshake.headers:
        headers[name] = value
    for name, value in handshake.extra:
        headers.add(name, value)
    if terms.protocols and handshake.subprotocol is None:
        _log_no_overlap(request, terms.protocols)
    return handshake


def _accept(request: BaseRequest, terms: Terms) -> ServerHandshake:
    return accept_request(
        request.method,
        request.version,
        request.headers,
        origins=terms.origins,
        subprotocols=terms.protocols,
        deflate=terms.deflate,
    )


def _refusal(error: HandshakeError, method: str) -> HTTPException:
    """The answer to an opening handshake that is refused."""
    text = f"WebSocket opening handshake refused: {error.message}"
    if error.status == 403:
        return HTTPForbidden(text=text)
    if error.status == 405:
        return HTTPMethodNotAllowed(method, [hdrs.METH_GET], text=text)
    if error.status == 426:
        return HTTPUpgradeRequired(text=text, headers=error.headers)
    return HTTPBadRequest(text=text, headers=error.headers)


async def _consult(
    on_connect: OnConnect,
    request: BaseRequest,
    handshake: ServerHandshake,
    response: StreamResponse,
) -> None:
    head = request._message
    denied = await consult(
        on_connect,
        handshake,
        request.transport,
        request.headers,
        head.path,
        head.query_string,
        logger,
        raises=True,
    )
    if denied is not None:
        # With the headers of the handler's: they may say how to come in.
        raise _Denial(denied, response.headers)


class _Denial(HTTPError):
    """The answer to a request that ``on_connect`` refuses."""

    def __init__(self, denied: Denied, headers: LooseHeaders) -> None:
        self.status_code = denied.status
        super().__init__(headers=headers, reason=denied.phrase, text=denied.text)


def _log_no_overlap(request: BaseRequest, protocols: tuple[str, ...]) -> None:
    offered = offered_subprotocols(request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, ()))
    if offered:
        websocket_logger.warning(
            "no subprotocol in common: the client at %s offers %r, the server speaks %r",
            request.remote,
            offered,
            list(protocols),
        )
