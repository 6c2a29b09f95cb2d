"""Values that a program passes where HTTP has text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

__all__ = ("text_of",)


def text_of(value: object, what: str) -> str:
    """Return *value* as text: itself, or what ``str()`` makes of a number and the like.

    :param what: names the value in the error.
    :raises TypeError: for bytes and collections, of which ``str()`` makes Python source.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray, memoryview, Mapping, Sequence, Set)):
        raise TypeError(f"{what} is {type(value).__name__}: {value!r:.100}; pass a str")
    return str(value)
