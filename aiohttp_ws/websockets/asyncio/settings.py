"""What serve() and connect() are told, checked once and shared by their connections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from ...wire.deflate import DeflateOptions
from ..extensions.permessage_deflate import PerMessageDeflateFactory

__all__ = ("OpeningSettings",)

MaxSize: TypeAlias = "int | tuple[int | None, int | None] | None"
Origins: TypeAlias = "Sequence[str | re.Pattern[str] | None] | None"


class OpeningSettings:
    """The settings of opening handshakes; what a connection calls its ``protocol``.

    :ivar origins: acceptable values of ``Origin``, for servers.
    :ivar subprotocols: those that this end speaks, preferred first.
    :ivar select_subprotocol: the server's callback, or ``None``.
    :ivar deflate: :class:`DeflateOptions`, or ``None`` for no compression.
    :ivar max_size: bytes as ``(message, fragment)``, 0 for no limit.
    :ivar logger: the logger of the connections.
    :ivar origin: the value of ``Origin``, for clients.
    :ivar uri: the :class:`WebSocketURI`, for clients.
    :ivar on_connect: what is asked about the handshake, or ``None``.
    """

    __slots__ = (
        "deflate",
        "extra_headers",
        "logger",
        "max_size",
        "on_connect",
        "origin",
        "origins",
        "select_subprotocol",
        "subprotocols",
        "uri",
    )

    def __init__(
        self,
        *,
        logger: Any,
        extensions: Sequence[Any] | None = None,
        compression: str | DeflateOptions | None = "deflate",
        subprotocols: Sequence[str] | None = None,
        max_size: MaxSize = 2**20,
        origins: Origins = None,
        select_subprotocol: Callable[..., Any] | None = None,
        origin: str | None = None,
        uri: Any = None,
        extra_headers: Any = None,
        on_connect: Callable[..., Any] | None = None,
    ) -> None:
        self.logger = logger
        self.deflate = deflate_options(extensions, compression)
        self.subprotocols = subprotocol_list(subprotocols)
        self.max_size = size_limits(max_size)
        self.origins = origins
        self.select_subprotocol = select_subprotocol
        self.origin = origin
        self.uri = uri
        self.extra_headers = extra_headers
        self.on_connect = on_connect


def deflate_options(
    extensions: Iterable[Any] | None, compression: str | DeflateOptions | None
) -> DeflateOptions | None:
    """What ``extensions`` and ``compression`` ask of permessage-deflate.

    :raises ValueError: another *compression* than ``"deflate"``.
    :raises TypeError: an extension that is not permessage-deflate: the engine has no other.
    """
    for extension in extensions or ():
        if isinstance(extension, PerMessageDeflateFactory):
            return extension.options()
        if isinstance(extension, DeflateOptions):
            return extension
        raise TypeError(
            f"extension {extension!r} is not supported: pass a permessage-deflate factory of"
            " aiohttp_ws.websockets.extensions.permessage_deflate, or DeflateOptions"
        )
    if compression is None or isinstance(compression, DeflateOptions):
        return compression
    if compression != "deflate":
        raise ValueError(
            f"unsupported compression: {compression!r}; pass 'deflate', DeflateOptions or None"
        )
    return DeflateOptions()


def subprotocol_list(subprotocols: Sequence[str] | None) -> list[str]:
    if isinstance(subprotocols, str):
        raise TypeError(f"subprotocols must be a list, not a str: [{subprotocols!r}]")
    return list(subprotocols or ())


def size_limits(max_size: MaxSize) -> tuple[int, int]:
    """``max_size`` as the engine takes it."""
    message, fragment = max_size if isinstance(max_size, tuple) else (max_size, None)
    for size in (message, fragment):
        if size is not None and size < 0:
            raise ValueError(f"max_size={max_size!r} is negative; None stands for no limit")
    # No message fits into 0 bytes but the empty one: as good as a limit of 1.
    message = 0 if message is None else max(message, 1)
    fragment = 0 if fragment is None else max(fragment, 1)
    return message, fragment


def queue_marks(
    max_queue: int | tuple[int | None, int | None] | None,
) -> tuple[int, int] | None:
    """``max_queue`` as ``(high, low)``."""
    high, low = max_queue if isinstance(max_queue, tuple) else (max_queue, None)
    if high is None:
        return None
    if low is None:
        low = high // 4
    if not 0 <= low <= high:
        raise ValueError(f"max_queue={max_queue!r} must have 0 <= low <= high")
    return high, low


def write_marks(write_limit: int | tuple[int, int | None]) -> tuple[int, int | None]:
    """``write_limit`` as ``(high, low)``."""
    if isinstance(write_limit, tuple):
        high, low = write_limit
        return high, low
    return write_limit, None
