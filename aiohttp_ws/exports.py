"""What a package offers is the ``__all__`` of its modules: each public name is written once.

Type checkers see ``from .module import *``; the functions here do the same at run time.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

__all__ = ("imported_names", "lazily")


def imported_names(module_name: str) -> tuple[str, ...]:
    """The ``__all__`` of a module that has just imported the names it offers, and no others."""
    return tuple(
        sorted(
            name
            for name, value in vars(sys.modules[module_name]).items()
            if not name.startswith("_") and not isinstance(value, ModuleType)
        )
    )


def lazily(
    module_name: str,
    parts: Iterable[str] = (),
    *,
    alone: Mapping[str, str] | None = None,
    own: Iterable[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a module that imports what is asked for.

    ``__all__`` is among what can be asked for; it imports everything.

    :param module_name: the ``__name__`` of the module.
    :param parts: the modules whose ``__all__`` it offers, relative to its package. They are
        imported in this order until one has the name, so the one that costs most comes last.
    :param alone: names that it takes from modules which offer more: the name and the module.
    :param own: names that it defines.
    """
    offering = sys.modules[module_name]
    package = offering.__package__
    homes = dict(alone or {})
    modules = tuple(parts)

    def part(name: str) -> ModuleType:
        return importlib.import_module(f".{name}", package)

    def everything() -> tuple[str, ...]:
        return tuple(sorted({*own, *homes, *(n for of in modules for n in part(of).__all__)}))

    def find(name: str) -> Any:
        if name == "__all__":
            return everything()
        if name in homes:
            return getattr(part(homes[name]), name)
        # ``from aiohttp_ws import web`` asks here before it imports the submodule.
        path = vars(offering).get("__path__")
        if path and PathFinder.find_spec(f"{module_name}.{name}", path):
            return part(name)
        # Names of the language's own protocols (__wrapped__) are in no part.
        for of in () if name.startswith("__") else modules:
            if name in part(of).__all__:
                return getattr(part(of), name)
        raise AttributeError(f"module {module_name!r} has no attribute {name!r}")

    def find_once(name: str) -> Any:
        found = find(name)
        setattr(offering, name, found)
        return found

    return find_once, lambda: sorted({*vars(offering), *everything()})
