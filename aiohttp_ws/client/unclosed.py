"""Reporting a session, connection, response or WebSocket that was not closed."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable

__all__ = ("tell_unclosed",)


def tell_unclosed(
    what: str,
    forgotten: object,
    name: str,
    loop: asyncio.AbstractEventLoop,
    *,
    in_debug_mode: bool = False,
    _warn: Callable[..., None] = warnings.warn,
) -> None:
    """Emit a ResourceWarning, and tell *loop*'s exception handler, which logs by default.

    A ResourceWarning alone is seen by few: Python ignores it unless told otherwise.

    :param name: the key of *forgotten* in the exception handler's context.
    :param in_debug_mode: tell the exception handler in the loop's debug mode only.
    """
    _warn(f"Unclosed {what} {forgotten!r}", ResourceWarning, source=forgotten)
    if not in_debug_mode or loop.get_debug():
        loop.call_exception_handler({"message": f"Unclosed {what}", name: forgotten})
