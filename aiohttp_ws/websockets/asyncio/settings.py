"""What the caller of serve() or connect() wants, checked once and shared by its connections.

A value that cannot work is refused here, before anything listens or is dialled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from ...wire.deflate import DeflateOptions
from ...wire.extensions import is_token
from ..extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

__all__ = ("OpeningSettings",)

MaxSize: TypeAlias = "int | tuple[int | None, int | None] | None"
Origins: TypeAlias = "Sequence[str | re.Pattern[str] | None] | None"


class OpeningSettings:
    """The settings of opening handshakes; a connection is made with them as ``protocol``.

    :param is_server: whether they are those of :func:`serve`.
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
        is_server: bool = False,
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
        self.deflate = deflate_options(extensions, compression, is_server)
        self.subprotocols = subprotocol_list(subprotocols)
        self.max_size = size_limits(max_size)
        self.origins = origins
        self.select_subprotocol = select_subprotocol
        self.origin = origin
        self.uri = uri
        self.extra_headers = extra_headers
        self.on_connect = on_connect


def deflate_options(
    extensions: Iterable[Any] | None,
    compression: str | DeflateOptions | None,
    is_server: bool,
) -> DeflateOptions | None:
    """Return what ``extensions`` and ``compression`` ask of permessage-deflate.

    :raises ValueError: *compression* is a text other than ``"deflate"``, or there are several
        *extensions*.
    :raises TypeError: an extension that the engine does not have.
    """
    wanted = [engine_options(extension, is_server) for extension in extensions or ()]
    if len(wanted) > 1:
        raise ValueError(
            f"extensions= has permessage-deflate {len(wanted)} times; pass one factory, whose"
            " windows are upper limits"
        )
    if wanted:
        return wanted[0]
    if compression is None or isinstance(compression, DeflateOptions):
        return compression
    if compression != "deflate":
        raise ValueError(
            f"unsupported compression: {compression!r}; pass 'deflate', DeflateOptions or None"
        )
    return DeflateOptions()


def engine_options(extension: Any, is_server: bool) -> DeflateOptions:
    """Return what an element of ``extensions=`` asks of the engine.

    :raises TypeError: it is not permessage-deflate, or that of the other side.
    """
    if isinstance(extension, DeflateOptions):
        return extension
    factory: type[ServerPerMessageDeflateFactory] | type[ClientPerMessageDeflateFactory]
    factory = ServerPerMessageDeflateFactory if is_server else ClientPerMessageDeflateFactory
    if isinstance(extension, factory):
        return extension.options()
    kind = extension if isinstance(extension, type) else type(extension)
    raise TypeError(
        f"extension {kind.__module__}.{kind.__qualname__} is not supported: serve() and connect()"
        f" run permessage-deflate only; pass a {factory.__name__} of"
        " aiohttp_ws.websockets.extensions.permessage_deflate or DeflateOptions, or run other"
        " extensions with ServerProtocol and ClientProtocol"
    )


def subprotocol_list(subprotocols: Sequence[str] | None) -> list[str]:
    """Return a list of *subprotocols*.

    :raises TypeError: it is one string, or an element is not a string.
    :raises ValueError: an element is not a token (RFC 6455 4.1).
    """
    if isinstance(subprotocols, (str, bytes)):
        raise TypeError(f"subprotocols must be a list, not a str: [{subprotocols!r}]")
    names = list(subprotocols or ())
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"subprotocol {name!r} is not a str")
        if not is_token(name):
            raise ValueError(
                f"invalid subprotocol: {name!r}; it must be a token: letters, digits and"
                " !#$%&'*+-.^_`|~ (RFC 9110 5.6.2)"
            )
    return names


def size_limits(max_size: MaxSize) -> tuple[int, int]:
    """Return ``max_size`` as the engine takes it.

    :raises ValueError: a limit is negative.
    """
    message, fragment = max_size if isinstance(max_size, tuple) else (max_size, None)
    for size in (message, fragment):
        if size is not None and size < 0:
            raise ValueError(f"max_size={max_size!r} is negative; None stands for no limit")
    # 0 would stand for no limit in the engine; 1 lets one byte pass that 0 would refuse.
    message = 0 if message is None else max(message, 1)
    fragment = 0 if fragment is None else max(fragment, 1)
    return message, fragment


def queue_marks(
    max_queue: int | tuple[int | None, int | None] | None,
) -> tuple[int, int] | None:
    """Return ``max_queue`` as ``(high, low)``, ``None`` for no limit.

    :raises ValueError: *low* exceeds *high*, or one is negative.
    """
    high, low = max_queue if isinstance(max_queue, tuple) else (max_queue, None)
    if high is None:
        return None
    if low is None:
        low = high // 4
    if not 0 <= low <= high:
        raise ValueError(f"max_queue={max_queue!r} must have 0 <= low <= high")
    return high, low


def write_marks(write_limit: int | tuple[int, int | None]) -> tuple[int, int | None]:
    """Return ``write_limit`` as ``(high, low)``; *low* is ``None`` for a quarter of *high*.

    :raises ValueError: *low* exceeds *high*, or one is negative.
    """
    high, low = write_limit if isinstance(write_limit, tuple) else (write_limit, None)
    if not 0 <= (0 if low is None else low) <= high:
        raise ValueError(f"write_limit={write_limit!r} must have 0 <= low <= high")
    return high, low
