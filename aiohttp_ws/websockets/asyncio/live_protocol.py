"""``connection.protocol``: websockets' state machine, as a view of the connection.

The state is in the compiled engine. A :class:`LiveProtocol` is made when it is asked for and
reads the engine, so a connection holds nothing for it.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from ...wire.deflate import DeflateOptions, accept_response
from ..exceptions import ConnectionClosed
from ..extensions.base import Extension
from ..extensions.permessage_deflate import PerMessageDeflate
from ..frames import Close
from ..protocol import Protocol, Side, State
from ..typing import Origin, Subprotocol

if TYPE_CHECKING:
    from .facts import ConnectionFacts

__all__ = ("LiveProtocol",)


class LiveProtocol:
    """A connection, seen as a :class:`~aiohttp_ws.websockets.protocol.Protocol`.

    It has the attributes of that class, for reading. The methods that move bytes or send frames
    are missing: the connection itself has them.

    :param connection: the connection that it shows.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: ConnectionFacts) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<protocol of {self._connection!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LiveProtocol):
            return NotImplemented
        return other._connection is self._connection

    def __hash__(self) -> int:
        return hash(self._connection)

    def __getattr__(self, name: str) -> Any:
        if hasattr(Protocol, name):
            raise AttributeError(
                f"connection.protocol has no {name}(): the connection's frames are handled in"
                f" compiled code; use the connection's own methods, or a {self.side.name.title()}"
                "Protocol that you feed yourself"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def id(self) -> uuid.UUID:
        """The connection's :attr:`id`."""
        return self._connection.id

    @property
    def logger(self) -> Any:
        """The connection's :attr:`logger`."""
        return self._connection.logger

    @property
    def side(self) -> Side:
        """Which end the connection is."""
        return Side.SERVER if self._connection._is_server else Side.CLIENT

    @property
    def state(self) -> State:
        """The :class:`State` that the connection is in."""
        return self._connection.state

    @property
    def origin(self) -> Origin | None:
        """The value of the request's ``Origin``, or ``None``."""
        headers = self._connection.request_headers
        origin = None if headers is None else headers.get("Origin")
        return None if origin is None else Origin(origin)

    @property
    def subprotocol(self) -> Subprotocol | None:
        """The negotiated subprotocol, or ``None``."""
        return self._connection.subprotocol

    @property
    def extensions(self) -> list[Extension]:
        """The negotiated extensions: :class:`PerMessageDeflate`, or none.

        They show the parameters that the engine compresses with.
        """
        connection = self._connection
        headers = connection.response_headers
        lines = [] if headers is None else headers.get_all("Sec-WebSocket-Extensions")
        if not lines:
            return []
        wanted = connection._settings.deflate or DeflateOptions()
        # What our own response says, any client's options let it say.
        offered = DeflateOptions() if connection._is_server else wanted
        params = accept_response(", ".join(lines), offered)
        if params is None:
            return []
        levels = {"level": wanted.level, "memLevel": wanted.mem_level}
        return [PerMessageDeflate.of_params(params, connection._is_server, levels)]

    @property
    def available_subprotocols(self) -> list[str]:
        """The subprotocols that this end speaks, preferred first."""
        return list(self._connection._settings.subprotocols)

    @property
    def max_message_size(self) -> int | None:
        """The most bytes of an incoming message; ``None`` for no limit."""
        return self._connection._settings.max_size[0] or None

    @property
    def max_fragment_size(self) -> int | None:
        """The most bytes of a fragment of one; ``None`` for no limit."""
        return self._connection._settings.max_size[1] or None

    @property
    def close_rcvd(self) -> Close | None:
        """The close frame that was received, or ``None``."""
        rcvd = self._connection._close_frames[0]
        return None if rcvd is None else Close(*rcvd)

    @property
    def close_sent(self) -> Close | None:
        """The close frame that was sent, or ``None``."""
        sent = self._connection._close_frames[1]
        return None if sent is None else Close(*sent)

    @property
    def close_rcvd_then_sent(self) -> bool | None:
        """Whether the peer's close frame came first; ``None`` unless there are both."""
        rcvd, sent, rcvd_first = self._connection._close_frames
        return None if rcvd is None or sent is None else rcvd_first

    @property
    def close_code(self) -> int | None:
        """The connection's :attr:`close_code`."""
        return self._connection.close_code

    @property
    def close_reason(self) -> str | None:
        """The connection's :attr:`close_reason`."""
        return self._connection.close_reason

    @property
    def close_exc(self) -> ConnectionClosed:
        """The exception for uses of the connection, which is closed.

        :raises RuntimeError: it is not closed.
        """
        return self._connection.close_exc

    def close_expected(self) -> bool:
        """Whether the peer is due to end the TCP connection."""
        return self.state is State.CLOSING

    @property
    def handshake_exc(self) -> None:
        """``None``: a connection that did not open is reported by :func:`connect`, or logged."""
        return

    @property
    def parser_exc(self) -> BaseException | None:
        """Why the connection was lost, or ``None``; a connection that is open is not lost."""
        return self._connection._cause() if self.state is State.CLOSED else None
