"""What a connection had received when it was lost.

A transport that reports its end may still hold bytes of the peer's: TLS records that nobody
decrypted while reading was paused, or what the socket has received and nobody has read. The end
of the connection is no reason to drop them: the peer sent them before it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

__all__ = ("unread",)

# Bytes: what is read of a socket after its end. A peer that had more to say than its window and
# our back-pressure let through is not waited for.
MOST = 4 * 1024 * 1024
PIECE = 65536


def unread(transport: asyncio.BaseTransport) -> bytes:
    """Return what *transport*, which is lost, has received and not handed on.

    Call it within ``connection_lost``, where the socket is still open.
    """
    tls = transport.get_extra_info("ssl_object")
    if tls is not None:
        return rest_of_tls(tls)
    sock = transport.get_extra_info("socket")
    return b"" if sock is None else rest_of_socket(sock)


def rest_of_tls(tls: ssl.SSLObject) -> bytes:
    pieces = []
    size = 0
    try:
        while size < MOST and (piece := tls.read(PIECE)):
            pieces.append(piece)
            size += len(piece)
    except (ssl.SSLError, ValueError, AttributeError):
        pass  # no more of it, or close_notify
    return b"".join(pieces)


def rest_of_socket(sock: socket.socket) -> bytes:
    pieces = []
    size = 0
    try:
        with socket.socket(fileno=sock.fileno()) as reader:
            try:
                reader.setblocking(False)
                while size < MOST and (piece := reader.recv(PIECE)):
                    pieces.append(piece)
                    size += len(piece)
            finally:
                reader.detach()
    except (OSError, ValueError):
        pass  # no more of it, or closed already
    return b"".join(pieces)
