"""What TCP itself knows of a peer: whether its machine still answers, and takes what we send."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import NamedTuple

__all__ = ("TCPState", "tcp_state")

# Linux's struct tcp_info as far as it is needed: eight bytes, 24 words of 32 bits, three of 64.
_TCP_INFO = struct.Struct("=8B24I3Q")
_UNACKED = 8 + 4
_LAST_ACK_RECEIVED = 8 + 12
_BYTES_ACKED = 8 + 24 + 2
# The states in which the peer has ended its side: CLOSE_WAIT, LAST_ACK, CLOSE.
_ENDED = frozenset({7, 8, 9})
# A live peer may delay an acknowledgement by some tens of milliseconds (RFC 1122 4.2.3.2).
_LEAST = 0.3


class TCPState(NamedTuple):
    """A connection as the kernel sees it."""

    #: The peer has ended its side: what it sent before that is all that comes.
    ended: bool
    #: Something of ours is not acknowledged.
    owes: bool
    #: Seconds since the peer's last acknowledgement.
    quiet: float
    #: Bytes that the peer has acknowledged.
    acknowledged: int

    def is_silent(self, seconds: float) -> bool:
        """Say whether the peer's TCP owes an acknowledgement and gave none for *seconds*.

        A pong cannot be seen while back-pressure keeps the socket unread, but its ping is
        acknowledged by the peer's kernel all the same, and so are probes of a closed window.
        """
        return self.owes and self.quiet >= max(seconds, _LEAST)


def tcp_state(transport: asyncio.BaseTransport) -> TCPState | None:
    """Return the state of the TCP connection under *transport*; ``None`` where nobody tells."""
    sock = transport.get_extra_info("socket")
    if sock is None or not hasattr(socket, "TCP_INFO"):
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:
        return None
    if len(info) < _TCP_INFO.size:
        return None
    fields = _TCP_INFO.unpack(info)
    return TCPState(
        fields[0] in _ENDED,
        bool(fields[_UNACKED]),
        fields[_LAST_ACK_RECEIVED] / 1000,
        fields[_BYTES_ACKED],
    )
