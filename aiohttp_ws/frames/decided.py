"""What ``on_connect`` decides, as responses of the frame height."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..errors import HandshakeError
from ..wire.handshake import check_request
from ..wire.http1 import RequestHead, serialise_response
from ..ws.opening.decisions import ConnectionDeny, OnConnect
from ..ws.opening.on_connect import (
    Decision,
    WrongDecision,
    connection_request,
    decide_connect,
    denial_text,
    reason_phrase,
)
from ..ws.opening.upgrade import VERSION_PAIRS, WSUpgradeResponse, framed

if TYPE_CHECKING:
    from ..ws.opening.frame_options import LoggerLike

__all__ = ("ask", "with_decision")


async def ask(
    on_connect: OnConnect,
    head: RequestHead,
    transport: asyncio.Transport,
    logger: LoggerLike,
) -> Decision | WSUpgradeResponse | None:
    """Ask *on_connect* about a request.

    :return: the decision, the response to refuse with, or ``None``: the request is no valid
        opening handshake, and not for *on_connect* to see.
    """
    headers = head.headers
    try:
        check_request(head.method, head.version, headers)
    except HandshakeError:
        return None
    try:
        asked = connection_request(transport, headers, head.path, head.query_string)
        return await decide_connect(on_connect, asked)
    except ConnectionDeny as deny:
        logger.debug("refused with %d by on_connect: %s", deny.code, deny.reason)
        return Denial(deny)
    except HandshakeError as exc:
        return WSUpgradeResponse.create_error_response(
            exc.status, exc.message.encode(), exc.headers
        )
    except WrongDecision as exc:
        logger.error("%s", exc)
    except Exception as exc:
        logger.error("exception in on_connect", exc_info=exc)
    return WSUpgradeResponse.create_error_response(500, b"500 Internal Server Error")


class Denial(WSUpgradeResponse):
    """The response to a request that was refused, with its reason as the status's phrase."""

    __slots__ = ("_phrase",)

    def __init__(self, deny: ConnectionDeny) -> None:
        super().__init__()
        self.status = deny.code
        self.body = denial_text(deny).encode()
        self._phrase = reason_phrase(deny)

    def to_bytes(self) -> bytes:
        headers = framed(self.status, self.headers, self.body)
        body = bytes(self.body or b"")
        pair = VERSION_PAIRS[self.version]
        return serialise_response(self.status, self._phrase, pair, headers, body)


def with_decision(response: WSUpgradeResponse | None, decision: Decision) -> WSUpgradeResponse:
    """The factory's *response*, or one of our own, with what was decided before."""
    extended = WSUpgradeResponse.create_101_response(None if response is None else response.headers)
    if response is not None:
        extended.version = response.version
        extended.body = response.body
    if decision.subprotocol is not None:
        extended.headers["Sec-WebSocket-Protocol"] = decision.subprotocol
    for name, value in decision.headers:
        extended.headers.add(name, value)
    return extended
