"""What both sides of the first generation have in common: the current class of connections."""

from ..asyncio.broadcasting import broadcast
from ..asyncio.connection import Connection as WebSocketCommonProtocol

__all__ = ("WebSocketCommonProtocol", "broadcast")
