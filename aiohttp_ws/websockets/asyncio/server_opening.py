"""A server's connection until its request is answered, in the message API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...errors import BadHttpMessage, LineTooLong
from ...wire.http1 import RequestHead, RequestParser
from ...ws.opening.server import Refuse, Stage
from ...ws.opening.server import ServerOpening as Opening
from ..exceptions import RequestLineTooLong
from ..http11 import LIMITS, limit_error
from .server_connection import FAILED, ServerConnection

if TYPE_CHECKING:
    from .server import Server

__all__ = ("ServerOpening",)


class ServerOpening(Opening):
    """Lets a task of :class:`Server` decide, which goes on to the handler if it accepts."""

    __slots__ = ("_server", "connection")

    decides_in_time = True
    timeout_name = "open_timeout"

    def __init__(
        self, loop: asyncio.AbstractEventLoop, server: Server, timeout: float | None
    ) -> None:
        super().__init__(loop, timeout, RequestParser(**LIMITS))
        self._server = server
        self.connection: ServerConnection = server._make_connection()
        self.connection._opening = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server._openings.add(self)
        self.connection.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        connection = self.connection
        connection._opening = None
        connection._lost_before_it_began(exc)
        connection._log_end("connection closed")
        connection.connection_lost(exc)

    def decide(self, head: RequestHead) -> None:
        self.connection._head = head
        self.task = self._server._start_handler(self.connection, self)

    def explain(self, exc: Exception) -> Refuse:
        connection = self.connection
        if isinstance(exc, LineTooLong):
            text = str(limit_error(exc, RequestLineTooLong))
        else:
            text = str(exc)
        if isinstance(exc, BadHttpMessage):
            return connection._refuse(connection.respond(exc.code, f"{FAILED}: {text}.\n"))
        connection.logger.error("opening handshake failed", exc_info=exc)
        return connection._refuse(
            connection.respond(500, f"{FAILED}.\nSee server log for more information.\n")
        )

    def refuse(self, status: int, text: str) -> None:
        """Answer with *status*, unless the request was answered before."""
        if self.stage is Stage.READING or self.stage is Stage.DECIDING:
            self.answer(self.connection._refuse(self.connection.respond(status, text)))

    def _settle(self, stage: Stage) -> None:
        super()._settle(stage)
        self._server._openings.discard(self)
