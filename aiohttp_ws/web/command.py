"""``python -m aiohttp_ws.web module:function``: serve what a function makes."""

from __future__ import annotations

import argparse
import logging
import socket
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from .run import run_app

__all__ = ("main",)


def main(argv: Sequence[str]) -> NoReturn:
    """Serve the application that a function makes, until SIGINT or SIGTERM.

    :param argv: the arguments of the command line; ``--help`` lists them. Those that are not
        known are for the function.
    :raises SystemExit: always, at the end.
    """
    parser = argparse.ArgumentParser(
        prog="python -m aiohttp_ws.web",
        description="Serves an application of aiohttp_ws.web.",
        epilog="Further arguments are passed to the function, as one list.",
    )
    parser.add_argument(
        "entry_func",
        metavar="entry-func",
        help="a function that takes a list of arguments and returns the Application, or a "
        "coroutine function that does, as module:function",
    )
    parser.add_argument(
        "-H", "--hostname", help="name or address to listen on (default: localhost)"
    )
    parser.add_argument("-P", "--port", type=int, help="port to listen on (default: 8080)")
    parser.add_argument(
        "-U", "--path", help="UNIX socket to listen on; with -H and -P, on those as well"
    )
    options, rest = parser.parse_known_args(argv)
    module_name, _, function_name = options.entry_func.partition(":")
    if not module_name or not function_name:
        parser.error("'entry-func' not in 'module:function' syntax")
    if module_name.startswith("."):
        parser.error("relative module names not supported")
    try:
        module = import_module(module_name)
    except ImportError as exc:
        parser.error(f"unable to import {module_name}: {exc}")
    try:
        function = getattr(module, function_name)
    except AttributeError:
        parser.error(f"module {module_name!r} has no attribute {function_name!r}")
    if options.path is not None and not hasattr(socket, "AF_UNIX"):
        parser.error("file system paths not supported by your operating environment")
    host, port = options.hostname, options.port
    if options.path is None:
        host, port = host or "localhost", 8080 if port is None else port
    logging.basicConfig(level=logging.DEBUG)
    run_app(function(rest), host=host, port=port, path=options.path)
    parser.exit(message="Stopped\n")
