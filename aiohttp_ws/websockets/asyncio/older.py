"""Keywords and handlers of websockets' first generation, translated for the current one.

Each old keyword works, with a :exc:`DeprecationWarning` that names what replaces it.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ("client_arguments", "server_arguments", "with_path")


class Older:
    """Moves old keywords out of *kwargs*, and collects the warnings about them."""

    def __init__(self, kwargs: dict[str, Any]) -> None:
        self.kwargs = kwargs
        self.taken: dict[str, Any] = {}
        self.said: list[str] = []

    def rename(self, old: str, new: str, instead: str | None = None) -> None:
        if old in self.kwargs:
            self.said.append(f"{old}= is deprecated; {instead or f'use {new}='}")
            self.taken[new] = self.kwargs.pop(old)

    def drop(self, old: str, instead: str) -> None:
        if old in self.kwargs:
            self.said.append(f"{old}= is deprecated; {instead}")
            del self.kwargs[old]

    def common(self) -> None:
        self.rename("timeout", "close_timeout")
        self.rename("create_protocol", "create_connection")
        self.drop("read_limit", "leave it out: max_queue= limits what is buffered")
        self.drop("loop", "leave it out: it is the running loop")


def server_arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Move old keywords of serve() out of *kwargs*; return them under their current names."""
    older = Older(kwargs)
    older.common()
    older.rename("ws_handler", "handler")
    older.rename(
        "extra_headers", "extra_headers", "use process_response=, which may change the headers"
    )
    for text in older.said:
        warnings.warn(text, DeprecationWarning, stacklevel=3)
    return older.taken


def client_arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Move old keywords of connect() out of *kwargs*; return them under their current names."""
    older = Older(kwargs)
    older.common()
    older.rename("extra_headers", "additional_headers")
    for text in older.said:
        warnings.warn(text, DeprecationWarning, stacklevel=3)
    return older.taken


def with_path(handler: Callable[..., Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    """Return *handler*, called with the path too if it has a second parameter for it."""
    if not takes_path(handler):
        return handler

    @functools.wraps(handler)
    def call(connection: Any) -> Awaitable[Any]:
        return handler(connection, connection.path)

    return call


def takes_path(handler: Callable[..., Any]) -> bool:
    try:
        parameters = list(inspect.signature(handler).parameters.values())
    except (TypeError, ValueError):
        return False
    positional = [
        each
        for each in parameters
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    if len(positional) < 2:
        return False
    second = positional[1]
    return second.default is second.empty or second.name == "path"
