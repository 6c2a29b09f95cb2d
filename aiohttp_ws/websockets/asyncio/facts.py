"""The attributes of a connection: its handshake, its two addresses, how it was closed.

They are computed when asked for, so that an idle connection keeps only what it needs.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Any, cast

from ...errors import ProtocolFault
from ...ws.listeners.recv import PullConnection
from ..datastructures import Headers
from ..exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from ..faults import explained
from ..frames import Close
from ..http11 import Request, Response
from ..protocol import State
from ..typing import Subprotocol
from .live_protocol import LiveProtocol
from .settings import OpeningSettings

__all__ = ("ConnectionFacts",)

# Close codes after which `async for` ends quietly.
ENDS_WELL = frozenset({1000, 1001, 1005})

if TYPE_CHECKING:
    Adapter = logging.LoggerAdapter[logging.Logger]
else:
    Adapter = logging.LoggerAdapter  # Python 3.10 cannot subscribe it


class ConnectionLogger(Adapter):
    """Adds the connection to each log record, as ``record.websocket``."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        kwargs["extra"] = {**kwargs.get("extra", {}), **(self.extra or {})}
        return msg, kwargs


class ConnectionFacts(PullConnection):
    """The attributes of :class:`Connection`, on top of the compiled engine's connection."""

    # The attributes that a program adds make a __dict__.
    __slots__ = (
        "__dict__",
        "_arguments",
        "_id",
        "_keepalive",
        "_logger",
        "_request",
        "_response",
        "_settings",
        "_subprotocol",
        "_tcp",
        "close_timeout",
        "ping_interval",
        "ping_timeout",
        "write_limit",
    )

    _is_server = False

    close_timeout: float | None
    _id: uuid.UUID | None
    _logger: Any
    _request: Request | None
    _response: Response | None
    _settings: OpeningSettings
    _subprotocol: str | None
    _keepalive: asyncio.Task[None] | None
    _tcp: asyncio.Transport | None

    # ------------------------------------------------------------------ what it is

    @property
    def id(self) -> uuid.UUID:
        """A UUID of the connection, for logs; made when first asked for."""
        if self._id is None:
            self._id = uuid.uuid4()
        return self._id

    @property
    def logger(self) -> Any:
        """The logger, an adapter that adds the connection to records as ``websocket``."""
        if self._logger is None:
            self._logger = ConnectionLogger(
                cast("logging.Logger", self._settings.logger), {"websocket": self}
            )
        return self._logger

    @logger.setter
    def logger(self, value: Any) -> None:
        self._logger = value

    @property
    def protocol(self) -> LiveProtocol:
        """The connection as websockets' state machine: a view, made each time it is asked for."""
        return LiveProtocol(self)

    @property
    def request(self) -> Request | None:
        """The request of the opening handshake, or ``None`` before it."""
        return self._request

    @request.setter
    def request(self, value: Request | None) -> None:
        self._request = value

    @property
    def response(self) -> Response | None:
        """The response of the opening handshake, or ``None`` before it."""
        return self._response

    @response.setter
    def response(self, value: Response | None) -> None:
        self._response = value

    @property
    def transport(self) -> asyncio.Transport:  # type: ignore[override]
        """The asyncio transport, for its buffer limits and extra information."""
        assert self._tcp is not None
        return self._tcp

    @property
    def local_address(self) -> Any:
        """The address of this end, as :meth:`socket.socket.getsockname` returns it."""
        return None if self._tcp is None else self._tcp.get_extra_info("sockname")

    @property
    def remote_address(self) -> Any:
        """The address of the peer, as :meth:`socket.socket.getpeername` returns it."""
        return None if self._tcp is None else self._tcp.get_extra_info("peername")

    @property
    def subprotocol(self) -> Subprotocol | None:
        """The negotiated subprotocol, or ``None``."""
        return cast("Subprotocol | None", self._subprotocol)

    @property
    def state(self) -> State:
        """The :class:`State`; :attr:`State.CLOSED` once TCP has ended too."""
        if not self._begun:
            return State.CONNECTING
        return (State.OPEN, State.CLOSING, State.CLOSED)[self._closing]

    @property
    def close_code(self) -> int | None:
        """The peer's close code: 1005 where its close frame had none, 1006 without one.

        ``None`` until the connection is closed (RFC 6455 7.1.5).
        """
        if self.state is not State.CLOSED:
            return None
        rcvd = self._close_frames[0]
        return 1006 if rcvd is None else int(rcvd[0])

    @property
    def close_reason(self) -> str | None:
        """The peer's reason; ``""`` without one, ``None`` until the connection is closed.

        See RFC 6455 7.1.6.
        """
        if self.state is not State.CLOSED:
            return None
        rcvd = self._close_frames[0]
        return "" if rcvd is None else rcvd[1]

    @property
    def close_exc(self) -> ConnectionClosed:
        """The :exc:`ConnectionClosed` that :meth:`recv` and :meth:`send` raise from now on.

        :raises RuntimeError: the connection is not closed.
        """
        if self.state is not State.CLOSED:
            raise RuntimeError(f"the connection is not closed, it is {self.state.name}")
        return self._closed_error()

    def _closed_error(self) -> ConnectionClosed:
        rcvd, sent, rcvd_first = self._close_frames
        kind = ConnectionClosedOK if self._ended_well() else ConnectionClosedError
        error = kind(
            None if rcvd is None else Close(*rcvd),
            None if sent is None else Close(*sent),
            None if rcvd is None or sent is None else rcvd_first,
        )
        error.__cause__ = self._cause()
        return error

    def _cause(self) -> BaseException | None:
        """Why the connection was lost: a fault of the peer, or the end of TCP."""
        cause = self._lost_exc
        if isinstance(cause, ProtocolFault):
            return explained(cause)
        rcvd, sent, _ = self._close_frames
        if cause is None and rcvd is None and (sent is None or sent[0] in ENDS_WELL):
            return EOFError("connection lost before the peer's close frame")
        return cause

    def _ended_well(self) -> bool:
        rcvd, sent, _ = self._close_frames
        return (
            rcvd is not None and sent is not None and rcvd[0] in ENDS_WELL and sent[0] in ENDS_WELL
        )

    # ------------------------------------------------------- the first generation's

    @property
    def open(self) -> bool:
        """Whether messages can be sent: the state is :attr:`State.OPEN`."""
        return self.state is State.OPEN

    @property
    def closed(self) -> bool:
        """Whether the state is :attr:`State.CLOSED`."""
        return self.state is State.CLOSED

    @property
    def state_name(self) -> str:
        """The name of :attr:`state`, such as ``"OPEN"``."""
        return self.state.name

    @property
    def timeout(self) -> float | None:
        """The older name of :attr:`close_timeout`."""
        return self.close_timeout

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self._tcp is not None and self._tcp.get_extra_info("sslcontext") is not None

    @property
    def host(self) -> str | None:
        """The host that the server listens on, or that the client connects to."""
        return self._host_and_port()[0]

    @property
    def port(self) -> int | None:
        """The port that goes with :attr:`host`."""
        return self._host_and_port()[1]

    def _host_and_port(self) -> tuple[str | None, int | None]:
        address = self.local_address if self._is_server else self.remote_address
        if isinstance(address, tuple) and len(address) >= 2:
            return address[0], address[1]
        return None, None

    @property
    def path(self) -> str | None:
        """The path and the query of the request."""
        return None if self.request is None else self.request.path

    @property
    def request_headers(self) -> Headers | None:
        """The headers of the request."""
        return None if self.request is None else self.request.headers

    @property
    def response_headers(self) -> Headers | None:
        """The headers of the response."""
        return None if self.response is None else self.response.headers

    @property
    def raw_request_headers(self) -> list[tuple[str, str]] | None:
        """The headers of the request as pairs, in order."""
        return None if self.request is None else list(self.request.headers.raw_items())

    @property
    def raw_response_headers(self) -> list[tuple[str, str]] | None:
        """The headers of the response as pairs, in order."""
        return None if self.response is None else list(self.response.headers.raw_items())
