"""How a connection of the frame API begins, after its opening handshake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ...wire.deflate import DeflateParams
from ...wire.frames import FrameReader
from ..listeners.frame import WSListener, WSProtocol, WSTransport
from ..listeners.frame_settings import FrameSettings

__all__ = ("open_frames",)


def open_frames(
    transport: asyncio.Transport,
    listener: WSListener,
    settings: FrameSettings,
    *,
    server: bool,
    request: Any = None,
    response: Any = None,
    deflate: DeflateParams | None = None,
    preamble: bytes = b"",
    rest: bytes = b"",
    when_lost: Callable[[BaseException | None], object] | None = None,
) -> WSTransport:
    """Begin a connection of the frame API, after its opening handshake.

    ``on_ws_connected`` has been called when this returns, and ``on_ws_frame`` for what *rest*
    holds.

    :param transport: the asyncio transport; it belongs to the connection from here on.
    :param server: this end is the server.
    :param request: what ``WSTransport.request`` shows, and *response* likewise.
    :param deflate: the negotiated :class:`DeflateParams`, or ``None``.
    :param preamble: bytes to be sent before any frame.
    :param rest: bytes that came after the opening handshake.
    :param when_lost: called with ``connection_lost``'s argument, after ``on_ws_disconnected``.
    """
    reader = FrameReader(
        server,
        max_frame_size=settings.max_frame_size,
        # By default text is validated when a listener asks for it.
        check_utf8=settings.check_utf8,
        allow_rsv1=deflate is not None,
        # Extensions may be the listener's own, negotiated by its factory.
        allow_reserved=deflate is None,
    )
    connection = WSProtocol(listener, reader)
    connection._begin(
        transport,
        settings,
        request=request,
        response=response,
        deflate=deflate,
        preamble=preamble,
        rest=rest,
        when_lost=when_lost,
    )
    return connection
