"""Methods of aiohttp's classes that subclasses override, and that nothing here would call."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ("OF_RESPONSES", "refuse_hooks")

#: What aiohttp calls of its responses.
OF_RESPONSES = dict.fromkeys(
    ("_cleanup_writer", "_notify_content", "_release_connection", "_response_eof"),
    "override release(), close() or read()",
)


def refuse_hooks(cls: type, base: type, uncalled: Mapping[str, str]) -> None:
    """Refuse *cls*, a new subclass of *base*, if it overrides what is not called.

    An override that is silently ignored may be the one that keeps a request from going out without
    its proxy.

    :param uncalled: names of methods, and what to do instead.
    :raises TypeError: it has one of them.
    """
    for name, instead in uncalled.items():
        if getattr(cls, name, None) is not getattr(base, name, None):
            raise TypeError(f"{cls.__name__}.{name}() would not be called by aiohttp_ws: {instead}")
