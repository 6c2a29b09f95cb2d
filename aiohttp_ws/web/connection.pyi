"""The server's side of one HTTP connection."""

import asyncio

from ..http.writer import StreamWriter
from .sending import ResponseSender
from .websocket import WebSocketResponse
from .websocket_listener import WebSocketListenerResponse

class HTTPConnection(ResponseSender):
    """See :class:`RequestHandler`."""

    websocket: WebSocketResponse | WebSocketListenerResponse | None
    """The WebSocket this connection became; shutdown closes it."""

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task that runs the handlers; ``None`` when a listener has outlived it."""
    @property
    def busy(self) -> bool:
        """Whether a handler runs."""
    @property
    def keepalive_timeout(self) -> float:
        """Seconds that the connection waits for another request."""
    @property
    def max_field_size(self) -> int:
        """Bytes that a header may have, also one of a part of a multipart body."""
    @property
    def max_headers(self) -> int:
        """Headers that a message, or a part, may have."""
    @property
    def allows_keep_alive(self) -> bool:
        """Whether another request may follow, as far as this side goes."""
    def make_writer(self) -> StreamWriter:
        """Return what the response to the current request is written to."""
    def send_continue(self) -> None:
        """Send ``100 Continue`` if the client waits for it (RFC 9110 10.1.1)."""
    def close(self) -> None:
        """Take no more requests; the one being handled is answered first."""
    def force_close(self) -> None:
        """Close the connection at once; what was written still leaves."""
    def detach(self) -> tuple[asyncio.Transport, bytes]:
        """Hand the connection over to another protocol, after its response to an upgrade.

        :returns: the transport and the bytes that came after the request. The caller sets
            the transport's new protocol, which calls :meth:`connection_lost`.
        :raises ConnectionResetError: when the connection is lost or closing.
        """
    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """Close the connection: its WebSocket with 1001, its request once answered.

        :param timeout: seconds until a handler that still runs is cancelled.
        """
    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is lost."""

class RequestHandler(HTTPConnection, asyncio.BufferedProtocol):
    """One connection of a :class:`Server`: reads requests, runs the handler, answers.

    Handlers meet it as :attr:`BaseRequest.protocol`.
    """
