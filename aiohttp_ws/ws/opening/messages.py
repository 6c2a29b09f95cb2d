"""How a connection of the web API begins, after its opening handshake."""

from __future__ import annotations

import asyncio

from ...wire.deflate import DeflateOptions, DeflateParams
from ..listeners.receive import MessageConnection

__all__ = ("check_settings", "open_connection")


def check_settings(
    *,
    max_msg_size: int,
    max_queue: int,
    heartbeat: float | None,
    close_timeout: float | None,
    receive_timeout: float | None,
    writer_limit: int | None = None,
) -> None:
    """Refuse settings that cannot be meant, before there is a connection to lose.

    :raises TypeError: when one is not a number.
    :raises ValueError: when one is negative.
    """
    sizes = {"max_msg_size": max_msg_size, "max_queue": max_queue, "writer_limit": writer_limit}
    times = {
        "heartbeat": heartbeat,
        "timeout": close_timeout,
        "receive_timeout": receive_timeout,
    }
    for name, size in sizes.items():
        if size is None and name == "writer_limit":
            continue
        if not isinstance(size, int):
            raise TypeError(f"{name}={size!r} must be an int, a number of bytes")
        if size < 0:
            none = "; 0 stands for no limit" if name == "max_msg_size" else ""
            raise ValueError(f"{name}={size} is negative{none}")
    for name, seconds in times.items():
        if seconds is None:
            continue
        if not isinstance(seconds, (int, float)):
            raise TypeError(f"{name}={seconds!r} must be a number of seconds, or None")
        if seconds < 0:
            raise ValueError(f"{name}={seconds} is negative; pass seconds, or None")


def open_connection(
    transport: asyncio.Transport,
    loop: asyncio.AbstractEventLoop,
    *,
    server: bool,
    rest: bytes = b"",
    max_msg_size: int = 4 * 1024 * 1024,
    max_queue: int = 256 * 1024,
    autoping: bool = True,
    autoclose: bool = True,
    decode_text: bool = True,
    heartbeat: float | None = None,
    close_timeout: float = 10.0,
    writer_limit: int | None = None,
    deflate: DeflateParams | None = None,
    deflate_options: DeflateOptions | None = None,
) -> MessageConnection:
    """Begin a connection of the web API, after its opening handshake.

    The numbers have passed :func:`check_settings`.

    :param transport: the asyncio transport; it belongs to the connection from here on.
    :param server: this end is the server.
    :param rest: bytes that came after the opening handshake.
    :param max_msg_size: bytes a message may have, inflated; 0 for no limit.
    :param max_queue: bytes of unreceived messages at which the socket is no longer read.
    :param heartbeat: seconds of silence after which a ping is sent; the peer has half as
        long to answer. ``None`` for no heartbeat.
    :param close_timeout: seconds the peer has for its part of the closing handshake; 0 for no
        limit.
    :param writer_limit: bytes of unsent output at which ``send_*`` waits; ``None`` leaves the
        transport's own.
    :param deflate: the negotiated :class:`DeflateParams`, or ``None``.
    :param deflate_options: the :class:`DeflateOptions` of this end.
    :return: the :class:`MessageConnection`.
    """
    connection = MessageConnection(
        loop,
        server=server,
        max_msg_size=max_msg_size,
        max_queue=max_queue,
        autoping=autoping,
        autoclose=autoclose,
        decode_text=decode_text,
        heartbeat=heartbeat,
        close_timeout=close_timeout,
        deflate=deflate,
    )
    connection.start(transport, rest, writer_limit, deflate_options or DeflateOptions())
    return connection
