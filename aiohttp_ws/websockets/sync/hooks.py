"""Inner methods of websockets' classes, which a subclass there may override."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ("refuse_uncalled",)


def refuse_uncalled(cls: type, names: Iterable[str]) -> None:
    """Refuse a subclass with a method that would not be called.

    :raises TypeError: *cls* defines one of *names*.
    """
    for name in names:
        if name in vars(cls):
            raise TypeError(
                f"{cls.__qualname__}.{name}() would not be called: it is an inner method of"
                " websockets that aiohttp_ws does not have; override a documented one"
            )
