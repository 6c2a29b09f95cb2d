"""Small parts of the protocol under the names that websockets has them."""

from __future__ import annotations

import socket

from ..wire.frames import mask as apply_mask
from ..wire.handshake import accept_key, generate_key

__all__ = ("accept_key", "apply_mask", "generate_key", "get_socket_name")


def get_socket_name(sock: socket.socket) -> str:
    """Return where a socket is bound, for messages: ``127.0.0.1:80``, ``[::1]:80`` or a path."""
    name = sock.getsockname()
    if sock.family == socket.AF_INET:
        return f"{name[0]}:{name[1]}"
    if sock.family == socket.AF_INET6:
        return f"[{name[0]}]:{name[1]}"
    return str(name)
