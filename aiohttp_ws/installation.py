"""This package under the name of a library whose interface it has."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

__all__ = ("install_as_aiohttp", "install_as_websockets")

#: What is logged to which logger of the other library: ours, and theirs.
_LOGGERS = {
    "aiohttp": [
        (part, f"aiohttp.{part}")
        for part in ("access", "client", "internal", "server", "web", "websocket")
    ],
    "websockets": [(f"websockets.{side}", f"websockets.{side}") for side in ("client", "server")],
}


def install_as_aiohttp() -> None:
    """Have every ``import aiohttp`` of this process, and of its submodules, give this package.

    Call it before the first import of aiohttp, or of a package that imports it. Later calls do
    nothing. aiohttp need not be installed; where it is, it is left alone, and other processes
    import it as before. ``aiohttp.__version__`` is the release whose interface this package has,
    and so is ``importlib.metadata.version("aiohttp")``, by which packages decide whether they
    can run.

    :raises RuntimeError: aiohttp has been imported already: programs would be given classes of
        both, which do not work together.
    """
    _install("aiohttp", "aiohttp_ws.faces")


def install_as_websockets() -> None:
    """Have every ``import websockets`` of this process, and of its submodules, give
    :mod:`aiohttp_ws.websockets`.

    In all else as :func:`install_as_aiohttp`.

    :raises RuntimeError: websockets has been imported already.
    """
    _install("websockets", "aiohttp_ws.websockets")


def _install(peer: str, home: str) -> None:
    for finder in sys.meta_path:
        if isinstance(finder, _Finder) and finder.peer == peer:
            return
    for name in sorted(sys.modules):
        if name == peer or name.startswith(f"{peer}."):
            file = getattr(sys.modules[name], "__file__", None)
            raise RuntimeError(
                f"{name} has been imported already{f', from {file}' if file else ''}; call "
                f"aiohttp_ws.install_as_{peer}() before the first import of {peer} and of any "
                "package that imports it"
            )
    sys.meta_path.insert(0, _Finder(peer, home))
    for ours, theirs in _LOGGERS[peer]:
        logger = logging.getLogger(f"aiohttp_ws.{ours}")
        # Levels and handlers that a program gives to the other's logger count for ours too.
        logger.parent = logging.getLogger(theirs)
        logger.name = theirs


class _Finder(MetaPathFinder):
    """Finds the modules of *home* under the name of *peer*."""

    def __init__(self, peer: str, home: str) -> None:
        self.peer = peer
        self.home = home

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root, dot, rest = fullname.partition(".")
        if root != self.peer:
            return None
        try:
            there = importlib.util.find_spec(f"{self.home}{dot}{rest}")
        except ModuleNotFoundError:
            there = None
        if there is None:
            # ``None`` would let the next finder look for it in the real library.
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: aiohttp_ws stands for {self.peer} in this "
                f"process (aiohttp_ws.install_as_{self.peer}()) and has no such module; import "
                f"what you need from {self.peer} itself, or run without the installation",
                name=fullname,
            )
        spec = ModuleSpec(
            fullname,
            _Loader(there),
            origin=there.origin,
            is_package=there.submodule_search_locations is not None,
        )
        spec.has_location = there.has_location
        return spec

    def find_distributions(
        self, context: DistributionFinder.Context = DistributionFinder.Context()
    ) -> Iterator[Distribution]:
        if context.name is None or context.name.lower() == self.peer:
            yield _Distribution(self.peer, self.home)


class _Loader(Loader):
    """Gives the module that is there, under a second name."""

    def __init__(self, there: ModuleSpec) -> None:
        self.there = there

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return importlib.import_module(self.there.name)

    def exec_module(self, module: ModuleType) -> None:
        # The import system has given it the specification of its second name.
        module.__spec__ = self.there

    def get_code(self, fullname: str) -> CodeType | None:
        """What ``python -m`` runs."""
        loader: Any = self.there.loader
        code: CodeType | None = loader.get_code(self.there.name)
        return code


class _Distribution(Distribution):
    """What :mod:`importlib.metadata` says of the library that is stood for."""

    def __init__(self, peer: str, home: str) -> None:
        self._peer = peer
        self._home = home

    def read_text(self, filename: str) -> str | None:
        if filename == "METADATA":
            release = importlib.import_module(self._home).__version__
            return f"Metadata-Version: 2.1\nName: {self._peer}\nVersion: {release}\n"
        return f"{self._peer}\n" if filename == "top_level.txt" else None

    def locate_file(self, path: Any) -> Path:
        return Path(__file__).parent.joinpath(path)
