"""A transport as a connection uses it: batched output, back-pressure, one timer."""

import asyncio
from typing import Any

from .output import Output

class Link(Output):
    """Base of :class:`HTTPConnection`."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop."""
    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport, ``None`` when the connection is lost; earlier output leaves first."""
    @property
    def connected(self) -> bool:
        """Whether the client is still there, as far as we know."""
    @property
    def peername(self) -> Any:
        """The client's address, also after it has disconnected."""
    def pause_reading(self) -> None:
        """Read no more from the socket; a body's reader asks for it."""
    def resume_reading(self) -> None:
        """Read from the socket again."""
    async def _drain(self) -> None: ...
