from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from aiohttp_ws.argument_types import Byteish
from aiohttp_ws.ws.listeners.frame import WSTransport
from aiohttp_ws.ws.listeners.message_stream import MessageStream
from aiohttp_ws.ws.typed_messages import OutgoingMessage

__all__ = ("BroadcastReport", "broadcast")

class BroadcastReport(NamedTuple):
    sent: int
    slow: list[Any]
    closed: list[Any]

def broadcast(
    connections: Iterable[MessageStream | WSTransport],
    message: str | Byteish | OutgoingMessage,
    *,
    high_water: int | None = 1048576,
    slow: Literal["skip", "close"] = "skip",
    compress: bool | None = None,
) -> BroadcastReport: ...
