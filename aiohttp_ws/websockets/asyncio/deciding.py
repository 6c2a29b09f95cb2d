"""What ``on_connect`` of ``serve()`` decides, as responses of this height."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import HandshakeError
from ...ws.opening.decisions import ConnectionDeny, OnConnect
from ...ws.opening.on_connect import (
    WrongDecision,
    connection_request,
    decide_connect,
    denial_text,
    reason_phrase,
)

if TYPE_CHECKING:
    from ..http11 import Response
    from .server_connection import ServerConnection

__all__ = ("consult",)

PROTOCOL = "Sec-WebSocket-Protocol"
FAILED = "Failed to open a WebSocket connection"


async def consult(
    connection: ServerConnection, on_connect: OnConnect, accepted: list[tuple[str, str]]
) -> Response | list[tuple[str, str]]:
    """Ask *on_connect* about the request of *connection*, which was found valid.

    :param accepted: the headers that the answer is to have.
    :return: those that it has then, or the response that refuses.
    """
    request = connection.request
    assert request is not None
    path, _, query = request.path.partition("?")
    headers = request.headers.lines
    try:
        asked = connection_request(connection._tcp, headers, path, query)
        decision = await decide_connect(on_connect, asked)
    except ConnectionDeny as deny:
        response = connection.respond(deny.code, denial_text(deny))
        response.reason_phrase = reason_phrase(deny)
        return response
    except HandshakeError as exc:
        return connection.respond(exc.status, f"{FAILED}: {exc.message}.\n")
    except WrongDecision as exc:
        connection.logger.error("%s", exc)
    except Exception as exc:
        connection.logger.error("on_connect failed", exc_info=exc)
    else:
        if decision.subprotocol is not None:
            connection._subprotocol = decision.subprotocol
            accepted = [pair for pair in accepted if pair[0] != PROTOCOL]
            accepted.append((PROTOCOL, decision.subprotocol))
        return [*accepted, *decision.headers]
    return connection.respond(500, f"{FAILED}.\nSee server log for more information.\n")
