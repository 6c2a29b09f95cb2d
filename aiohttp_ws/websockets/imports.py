"""Names that a module imports when they are first asked for, as websockets offers it to others."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

__all__ = ("lazy_import",)


def import_name(name: str, source: str, namespace: dict[str, Any]) -> Any:
    """Return *name* of the module *source*, which may be relative to that of *namespace*."""
    return getattr(importlib.import_module(source, namespace["__name__"]), name)


def lazy_import(
    namespace: dict[str, Any],
    aliases: dict[str, str] | None = None,
    deprecated_aliases: dict[str, str] | None = None,
) -> None:
    """Give a package a ``__getattr__`` that imports what is asked for.

    :param namespace: the ``globals()`` of the package.
    :param aliases: names, and the module of each, which may be relative.
    :param deprecated_aliases: the same, with a :exc:`DeprecationWarning`.
    :raises ValueError: a name is in both, or already in the package.
    """
    current = dict(aliases or {})
    deprecated = dict(deprecated_aliases or {})
    taken = (current.keys() & deprecated.keys()) | (
        (current.keys() | deprecated.keys()) & namespace.keys()
    )
    if taken:
        raise ValueError(f"these names exist already: {', '.join(sorted(taken))}")
    package = namespace["__name__"]

    def find(name: str) -> Any:
        if name in current:
            namespace[name] = found = import_name(name, current[name], namespace)
            return found
        if name in deprecated:
            warnings.warn(f"{package}.{name} is deprecated", DeprecationWarning, stacklevel=2)
            return import_name(name, deprecated[name], namespace)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    namespace["__getattr__"] = find
    namespace["__dir__"] = lambda: sorted({*namespace, *current, *deprecated})
