"""What a package offers is the ``__all__`` of its modules: each public name is written once.

Type checkers see ``from .module import *``; the functions here do the same at run time.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

__all__ = ("face", "imported_names", "installed_as_aiohttp", "lazily")


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
    needing: Mapping[str, str] | None = None,
    own: Iterable[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a module that imports what is asked for.

    ``__all__`` is among what can be asked for; it imports everything.

    :param module_name: the ``__name__`` of the module.
    :param parts: the modules whose ``__all__`` it offers, relative to its package. They are
        imported in this order until one has the name, so the one that costs most comes last.
    :param alone: names that it takes from modules which offer more: the name and the module.
    :param needing: names that need another package, absent where that is not installed: the name
        and the package.
    :param own: names that it defines.
    """
    offering = sys.modules[module_name]
    package = offering.__package__
    homes = dict(alone or {})
    modules = tuple(parts)

    def lacking(name: str) -> str | None:
        package = (needing or {}).get(name)
        return package if package and importlib.util.find_spec(package) is None else None

    def part(name: str) -> ModuleType:
        return importlib.import_module(f".{name}", package)

    def everything() -> tuple[str, ...]:
        alone = {name for name in homes if not lacking(name)}
        return tuple(sorted({*own, *alone, *(n for of in modules for n in part(of).__all__)}))

    def find(name: str) -> Any:
        if name == "__all__":
            return everything()
        if package := lacking(name):
            raise AttributeError(f"{name} needs the package {package}: pip install {package}")
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


#: Where a face looks for a name, in this order.
_OFFER_TO_FACES = ("aiohttp_ws", "aiohttp_ws.web", "aiohttp_ws.errors")


def face(
    module_name: str,
    defined: str = "",
    *,
    imported: str = "",
    alone: Mapping[str, str] | None = None,
    whole: str | None = None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a module that stands for another library's.

    It defines nothing: what it offers is defined in this package, and looked up when it is first
    asked for. A name that this package does not have is absent, also from its ``__all__``.

    :param module_name: the ``__name__`` of the module.
    :param defined: what the other library's module defines, separated by blanks.
    :param imported: what programs can import from there although another module defines it.
    :param alone: names that have to be looked up in a certain module, relative to this package;
        after a colon its name there, if it is another.
    :param whole: a module of this package of which everything is offered.
    """
    standing = sys.modules[module_name]
    homes = dict(alone or {})
    defines = frozenset(defined.split())
    listed = defines.union(imported.split())

    def counterpart() -> ModuleType | None:
        return importlib.import_module(f"aiohttp_ws.{whole}") if whole else None

    def everything() -> tuple[str, ...]:
        of = counterpart()
        offered = {*listed, *homes, *(getattr(of, "__all__", None) or dir(of) if of else ())}
        return tuple(sorted(n for n in offered if n[0] != "_" and hasattr(standing, n)))

    def find(name: str) -> Any:
        if name == "__all__":
            return everything()
        if name == "_defines":
            return defines
        if name in homes:
            module, _, other_name = homes[name].partition(":")
            return getattr(importlib.import_module(f"aiohttp_ws.{module}"), other_name or name)
        # The names of the language's own protocols are each module's own.
        if not name.startswith("__") and hasattr(of := counterpart(), name):
            return getattr(of, name)
        for place in _OFFER_TO_FACES if name in listed else ():
            if hasattr(offering := importlib.import_module(place), name):
                return getattr(offering, name)
        raise AttributeError(
            f"module {module_name!r}, which stands for another library's, has no attribute "
            f"{name!r}: aiohttp_ws does not have it"
        )

    def find_once(name: str) -> Any:
        found = find(name)
        if isinstance(found, type) and installed_as_aiohttp():
            _rename_classes_beside(found)
        setattr(standing, name, found)
        return found

    return find_once, lambda: sorted({*vars(standing), *everything()})


def installed_as_aiohttp() -> bool:
    """Whether ``import aiohttp`` has given this package."""
    aiohttp = sys.modules.get("aiohttp")
    return aiohttp is not None and aiohttp is sys.modules.get("aiohttp_ws.faces")


@functools.cache
def _modules_of_aiohttp() -> dict[str, str]:
    """The module of aiohttp that defines each name."""
    faces = sys.modules["aiohttp_ws.faces"]
    return {
        name: f"aiohttp.{each.name}"
        for each in pkgutil.iter_modules(faces.__path__)
        if not each.ispkg  # what aiohttp keeps private
        for name in importlib.import_module(f"{faces.__name__}.{each.name}")._defines
    }


_RECOGNISED = ("Application", "ClientSession")


def _rename_classes_beside(found: type) -> None:
    """Have the classes of a module, of which *found* is one, say where aiohttp defines them.

    Tracers and reports name an exception by its module, and some choose by it what they do.
    Other classes keep theirs, in whose names their annotations are written, but for those by
    which programs recognise the library.
    """
    # Exceptions are met without having been looked up.
    for module in (sys.modules.get(found.__module__), sys.modules.get("aiohttp_ws.errors")):
        if module is None or not module.__name__.startswith("aiohttp_ws."):
            continue
        for name, module_of_aiohttp in _modules_of_aiohttp().items():
            cls = vars(module).get(name)
            if not (isinstance(cls, type) and cls.__module__.startswith("aiohttp_ws.")):
                continue
            if issubclass(cls, BaseException) or name in _RECOGNISED:
                cls.__module__ = module_of_aiohttp
                importlib.import_module(module_of_aiohttp)  # for who looks it up by its name
