"""What the options of connections of the frame API stand for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from ...wire.deflate import DeflateOptions

__all__ = ("Compression", "LoggerLike", "deflate_of", "logger_of")

if TYPE_CHECKING:
    LoggerLike = logging.Logger | logging.LoggerAdapter[Any]
else:  # takes no parameter before Python 3.11
    LoggerLike = logging.Logger | logging.LoggerAdapter
Compression = Literal["deflate"] | DeflateOptions | None

DEFAULT_DEFLATE = DeflateOptions()


def logger_of(name: str | LoggerLike | None, default: str) -> LoggerLike:
    """The logger called ``aiohttp_ws.NAME``, or *name* itself when it is a logger."""
    if name is None:
        name = default
    if isinstance(name, str):
        return logging.getLogger(f"aiohttp_ws.{name}")
    return name


def deflate_of(compression: Compression) -> DeflateOptions | None:
    """What ``compression=`` asks for.

    :raises ValueError: it is another value.
    """
    if compression is None or isinstance(compression, DeflateOptions):
        return compression
    if compression == "deflate":
        return DEFAULT_DEFLATE
    raise ValueError(
        f"compression={compression!r}: pass 'deflate', a DeflateOptions, or None for none"
    )
