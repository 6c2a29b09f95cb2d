"""What the APIs differ in, because the interfaces that they stand in for do.

Everything else in this suite holds for all three. Each row has the source of the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp_ws import websockets

__all__ = ("ROWS", "Row")


@dataclass(frozen=True)
class Row:
    """One difference: what holds for each API."""

    source: str
    web: Any
    messages: Any
    frames: Any

    def __getitem__(self, api: str) -> Any:
        return getattr(self, api)


ROWS = {
    "the code of a close frame without one": Row(
        "RFC 6455 7.1.5, and websockets: 1005 (aiohttp says 0, which no peer can send either);"
        " picows: WSCloseCode.NO_INFO",
        web=1005,
        messages=1005,
        frames=0,
    ),
    "the reason is shown": Row(
        "aiohttp: in the message of type CLOSE, for who receives; websockets: close_reason;"
        " picows: close_handshake.recv.reason",
        web=False,
        messages=True,
        frames=True,
    ),
    "what the peer sends after our close frame can be received": Row(
        "aiohttp: close() drops what comes before the peer's close frame; websockets: messages"
        " that come before it can be received; picows: on_ws_frame is called until disconnect()",
        web=False,
        messages=True,
        frames=True,
    ),
    "close() waits no longer than a timeout": Row(
        "aiohttp: timeout=, ClientWSTimeout.ws_close; websockets: close_timeout; picows: it is"
        " for the listener to disconnect()",
        web=True,
        messages=True,
        frames=False,
    ),
    "a client waits for the server to end TCP": Row(
        "RFC 6455 7.1.1, websockets: the server closes TCP; picows: the listener's disconnect()"
        " does so at either end",
        web=True,
        messages=True,
        frames=False,
    ),
    "what a send raises after the end": Row(
        "aiohttp: ClientConnectionResetError, a ConnectionResetError; websockets:"
        " ConnectionClosed; picows: send() does nothing then",
        web=ConnectionResetError,
        messages=websockets.ConnectionClosed,
        frames=None,
    ),
    "what a dead peer is closed with": Row(
        "aiohttp: heartbeat drops it, without a close frame; websockets: 1011 and 'keepalive"
        " ping timeout'; picows: close code GOING_AWAY",
        web=None,
        messages=1011,
        frames=1001,
    ),
    "data answers a keepalive ping": Row(
        "aiohttp: any data puts the heartbeat off; websockets and picows: a pong does",
        web=True,
        messages=False,
        frames=False,
    ),
    "what a handler that fails is logged by": Row(
        "aiohttp: aiohttp.server; websockets: websockets.server; picows: picows.server, under"
        " names of ours",
        web="aiohttp_ws.server",
        messages="aiohttp_ws.websockets.server",
        frames="aiohttp_ws.server",
    ),
    "what a call that is not awaited does": Row(
        "aiohttp, websockets: coroutine functions, so nothing; picows: send() is a function, and"
        " acts",
        web="nothing",
        messages="nothing",
        frames="acts",
    ),
    "the status where no upgrade is asked for": Row(
        "aiohttp: HTTPBadRequest; websockets: 426 with Upgrade: websocket; picows: 400",
        web=400,
        messages=426,
        frames=400,
    ),
    "a refused connection can be asked again": Row(
        "aiohttp: a refusal is an HTTP response as any other; websockets and picows: the"
        " connection ends with it",
        web=True,
        messages=False,
        frames=False,
    ),
    "a refusal has a line in the log": Row(
        "aiohttp: in the access log; websockets: 'connection rejected' at level info; picows:"
        " none, ours at level debug",
        web=False,
        messages=True,
        frames=True,
    ),
}
