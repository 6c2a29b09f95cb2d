"""Whether a peer's machine still answers, asked of TCP itself."""

from __future__ import annotations

import asyncio
import socket
import struct

__all__ = ("tcp_is_silent",)

# Linux's struct tcp_info, as far as it is needed: eight bytes of flags, then 32-bit words.
_TCP_INFO = struct.Struct("=8B13I")
_UNACKED = 8 + 4
_LAST_ACK_RECEIVED = 8 + 12
# A live peer may delay an acknowledgement by some tens of milliseconds (RFC 1122 4.2.3.2).
_LEAST = 0.3


def tcp_is_silent(transport: asyncio.BaseTransport, seconds: float) -> bool:
    """Say whether the peer's TCP owes an acknowledgement and gave none for *seconds*.

    A pong cannot be seen while back-pressure keeps the socket unread, but its ping is
    acknowledged by the peer's kernel all the same, and so are probes of a closed window.
    ``False`` where the system does not tell.
    """
    sock = transport.get_extra_info("socket")
    if sock is None or not hasattr(socket, "TCP_INFO"):
        return False
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:
        return False
    if len(info) < _TCP_INFO.size:
        return False
    fields = _TCP_INFO.unpack(info)
    return bool(fields[_UNACKED]) and fields[_LAST_ACK_RECEIVED] >= max(seconds, _LEAST) * 1000
