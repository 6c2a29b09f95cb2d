"""Clients of the first generation: keywords of old are translated, classes are the current ones."""

from ..asyncio.client import connect, unix_connect
from ..client import WebSocketClientProtocol

__all__ = ("WebSocketClientProtocol", "connect", "unix_connect")

Connect = connect
