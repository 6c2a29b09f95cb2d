"""Typed keys for the mappings that applications, requests and responses are."""

from __future__ import annotations

import inspect
import warnings
from typing import Any, Generic, TypeVar

__all__ = ("AppKey", "NotAppKeyWarning", "RequestKey", "ResponseKey")

_T = TypeVar("_T")


class NotAppKeyWarning(UserWarning):
    """An application, request or response was given a key that is not one of its typed keys."""


class _TypedKey(Generic[_T]):
    """A key equal to itself only, that tells type checkers the type of its value.

    :param name: a name for messages; it need not be unique, as keys compare by identity.
    :param t: the type of the value, shown by ``repr()``; taken from
        ``AppKey[type](...)`` when absent.
    """

    __slots__ = ("__orig_class__", "_name", "_t")

    __orig_class__: type[object]

    def __init__(self, name: str, t: type[_T] | None = None) -> None:
        self._name = f"{_calling_module()}.{name}"
        self._t = t

    def __lt__(self, other: object) -> bool:
        # Keys of one mapping may be sorted, strings among them.
        if isinstance(other, _TypedKey):
            return self._name < other._name
        return True

    def __gt__(self, other: object) -> bool:
        return isinstance(other, _TypedKey) and self._name > other._name

    def __repr__(self) -> str:
        t: Any = self._t
        if t is None:
            args = getattr(getattr(self, "__orig_class__", None), "__args__", None)
            t = args[0] if args else None
        if t is None:
            shown = "<<Unknown>>"
        elif isinstance(t, type):
            shown = (
                t.__qualname__ if t.__module__ == "builtins" else f"{t.__module__}.{t.__qualname__}"
            )
        else:
            shown = repr(t)
        return f"<{type(self).__name__}({self._name}, type={shown})>"


def _calling_module() -> str:
    """Name the module whose code makes the key, so that messages say where it is from."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            return str(frame.f_globals["__name__"])
        frame = frame.f_back
    return "<unknown>"


class AppKey(_TypedKey[_T]):
    """A typed key of :class:`Application`: ``db = AppKey("db", Pool); app[db]``."""

    __slots__ = ()


class RequestKey(_TypedKey[_T]):
    """A typed key of :class:`Request`."""

    __slots__ = ()


class ResponseKey(_TypedKey[_T]):
    """A typed key of :class:`StreamResponse`."""

    __slots__ = ()


def warn_plain_key(better: str) -> None:
    """Warn the caller of a mapping method that its key carries no type."""
    warnings.warn(
        f"use {better} objects as keys: a plain key can clash and tells type checkers nothing",
        category=NotAppKeyWarning,
        stacklevel=3,
    )
