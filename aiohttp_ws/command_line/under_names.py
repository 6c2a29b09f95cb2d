"""``as-aiohttp`` and ``as-websockets``: run a program that imports those as they are."""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import runpy
import sys
from collections.abc import Sequence

from ..installation import install_as_aiohttp, install_as_websockets

__all__ = ("COMMANDS", "run_as")

COMMANDS = {"as-aiohttp": install_as_aiohttp, "as-websockets": install_as_websockets}
USAGE = 2


def run_as(command: str, arguments: Sequence[str]) -> int:
    """Install this package under a name, and run a program as ``python`` would.

    :param command: one of :data:`COMMANDS`.
    :param arguments: ``PROGRAM [ARGS]``, where PROGRAM may be all that ``python`` runs, such as a
        folder with a ``__main__.py``, or ``-m MODULE [ARGS]``.
    :return: the exit status, where the program does not leave by itself.
    """
    name, *rest = arguments or [""]
    if name == "-m" and rest:
        return _run_module(command, *rest)
    if not name or name.startswith("-"):
        return _complain(command, "PROGRAM [ARGS] or -m MODULE [ARGS] has to follow")
    if not os.path.exists(name):
        return _complain(command, f"there is no file {name!r}")
    COMMANDS[command]()
    sys.argv[:] = arguments
    holds_modules = pkgutil.get_importer(name) is not None  # a folder or a zip archive
    if not getattr(sys.flags, "safe_path", False):
        # ``python -m`` has put the current folder there.
        del sys.path[0]
        if not holds_modules:
            sys.path.insert(0, os.path.dirname(os.path.realpath(name)))
    # runpy puts what holds modules on the path as it is named; ``python`` in full.
    runpy.run_path(os.path.abspath(name) if holds_modules else name, run_name="__main__")
    return 0


def _run_module(command: str, module: str, *arguments: str) -> int:
    COMMANDS[command]()
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # of a package above it
        found = None
    if found is None:
        return _complain(command, f"there is no module {module!r}")
    sys.argv[:] = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _complain(command: str, text: str) -> int:
    print(f"python -m aiohttp_ws {command}: {text}", file=sys.stderr)
    return USAGE
