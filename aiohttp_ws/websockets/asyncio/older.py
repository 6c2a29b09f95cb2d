"""The first generation's keywords and handlers, in the terms of the current one."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ("client_arguments", "server_arguments", "with_path")


def deprecated(old: str, new: str) -> None:
    warnings.warn(f"{old} is deprecated; {new}", DeprecationWarning, stacklevel=5)


def take(kwargs: dict[str, Any], taken: dict[str, Any], old: str, new: str) -> None:
    if old in kwargs:
        deprecated(f"{old}=", f"use {new}=")
        taken[new] = kwargs.pop(old)


def both(kwargs: dict[str, Any]) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    take(kwargs, taken, "timeout", "close_timeout")
    take(kwargs, taken, "create_protocol", "create_connection")
    take(kwargs, taken, "klass", "create_connection")
    if "read_limit" in kwargs:
        deprecated(
            "read_limit=", "reading waits for a slow program by max_queue=, and nothing else does"
        )
        del kwargs["read_limit"]
    if "loop" in kwargs:
        deprecated("loop=", "leave it out: the running loop is used")
        del kwargs["loop"]
    return taken


def server_arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Take from *kwargs* what the first generation's serve() was told, under current names."""
    taken = both(kwargs)
    take(kwargs, taken, "ws_handler", "handler")
    if "extra_headers" in kwargs:
        deprecated("extra_headers=", "use process_response=, which may change response.headers")
        taken["extra_headers"] = kwargs.pop("extra_headers")
    return taken


def client_arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Take from *kwargs* what the first generation's connect() was told, under current names."""
    taken = both(kwargs)
    take(kwargs, taken, "extra_headers", "additional_headers")
    return taken


def with_path(handler: Callable[..., Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    """*handler*, called with the path too where it has a second parameter for that."""
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
