"""The client's side of one connection: bytes in, responses out, one at a time."""

import asyncio
from typing import Final

from ..http.streams import StreamReader
from ..net.link import Link
from ..wire.http1 import ResponseHead
from .exchange import Exchange

class ClientLink(Link):
    """See :class:`ClientProtocol`."""

    _backlog: Final[list[bytes]]
    _timer: Final[asyncio.TimerHandle | None]
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    @property
    def should_close(self) -> bool:
        """Whether the connection cannot serve another request."""
    def is_connected(self) -> bool:
        """Whether the transport can be written to."""
    def close(self) -> None:
        """Close the connection; what waits for it fails."""
    def abort(self) -> None:
        """Close the connection at once, without TLS's close_notify."""
    async def wait_closed(self) -> None:
        """Wait until the transport is closed."""
    def begin(self, exchange: Exchange) -> asyncio.Future[tuple[ResponseHead, StreamReader]]:
        """Expect the response of *exchange*; the future gives its head and its body.

        The body may have ended, and the connection be released, before the future's waiter
        runs.
        """
    def write_request(self, data: bytes) -> None:
        """Write *data*, straight to the socket where that is safe."""
    def watch_upload(self, task: asyncio.Task[None]) -> None:
        """Keep the connection until *task*, which writes the request's body, is done."""
    def abandon_upload(self) -> None:
        """Send no more of the request's body; the connection serves no other request."""
    @property
    def is_upgraded(self) -> bool:
        """Whether there is a transport to :meth:`detach`, which may be closing, or lost."""
    def detach(self) -> tuple[asyncio.Transport, bytes]:
        """Hand over the transport and the bytes that followed the upgrade's head.

        The new owner calls :meth:`detached` when the transport has its protocol.
        """
    def detached(self) -> None:
        """Tell the transport's new protocol of its loss, if it came first."""
    def get_buffer(self, sizehint: int) -> memoryview:
        """Return what the transport reads into."""
    def buffer_updated(self, nbytes: int) -> None:
        """Parse what the transport read."""
    def pause_writing(self) -> None:
        """The transport's buffer is above its high-water mark."""
    def resume_writing(self) -> None:
        """The transport's buffer is below its low-water mark."""
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the event loop: end what is going on."""

class ClientProtocol(ClientLink, asyncio.BufferedProtocol):
    """Reads the responses of one connection and keeps its timers.

    What is read is parsed where it lies, in the receive buffer of the event loop.
    """
