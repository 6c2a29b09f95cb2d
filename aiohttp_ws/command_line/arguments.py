"""The options of the command line, and what they mean for ``connect``."""

from __future__ import annotations

import argparse
import math
import ssl
from collections.abc import Sequence
from typing import Any, NoReturn

from ..version import __version__
from ..wire.extensions import is_token

DESCRIPTION = """\
Talk to a WebSocket server: each line of input is sent as a text message, each message that comes
is printed on a line of its own, a binary one in hexadecimal.

On a terminal there is a prompt with line editing and a history; /help lists the commands, and
Ctrl-D or Ctrl-C closes the connection. Through a pipe there is nothing but messages on the output;
after the end of the input the connection is closed when nothing has come for a while (--wait).

In place of a URI, "as-aiohttp PROGRAM [ARGS]" and "as-aiohttp -m MODULE [ARGS]" run a program that
is written for aiohttp, unchanged, with this package in aiohttp's place; "as-websockets" does the
same for websockets.
"""
EPILOG = """\
exit status:
  0    closed with 1000, 1001 or without a code
  1    closed with another code, or lost
  2    something is wrong with the command line or with the input
  3    no connection: the server cannot be reached, or refuses
  130  interrupted before there was a connection

examples:
  python -m aiohttp_ws wss://example.com/chat
  echo hello | python -m aiohttp_ws ws://127.0.0.1:8080/
  python -m aiohttp_ws as-aiohttp -m aiohttp.web -P 8080 package.module:factory
  python -m aiohttp_ws --wait inf ws://127.0.0.1:8080/news </dev/null | grep storm
"""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line: the usage would bury it, ``--help`` shows that."""
        self.exit(2, f"{self.prog}: {message}; --help lists the options\n")


def header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (colon and is_token(name)):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 'Name: value'")
    return name, value.strip()


def subprotocol(text: str) -> str:
    if not is_token(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a token (RFC 9110 5.6.2)")
    return text


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to inf")
    return value


def size(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of bytes; 0 means no limit")
    return int(text)


def make_parser() -> Parser:
    parser = Parser(
        prog="python -m aiohttp_ws",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("uri", metavar="URI", help="where to connect to: ws://host:port/path or wss://...")
    add("--version", action="version", version=f"aiohttp_ws {__version__}")

    talking = parser.add_argument_group("talking")
    add = talking.add_argument
    add("--binary", action="store_true", help="lines are hexadecimal, sent as binary messages")
    add(
        "--wait",
        type=seconds,
        metavar="SECONDS",
        help="after the end of the input, close when nothing has come for so long; 'inf' leaves "
        "closing to the server (default: 1 through a pipe, 0 on a terminal)",
    )
    add(
        "--max-size",
        type=size,
        default=2**20,
        metavar="BYTES",
        help="longest message to accept, 0 for any (default: 1048576)",
    )
    add(
        "--history",
        metavar="FILE",
        help="keep the last 1000 lines typed on a terminal in FILE (default: not at all)",
    )

    opening = parser.add_argument_group("opening handshake")
    add = opening.add_argument
    add(
        "-H",
        "--header",
        dest="headers",
        type=header,
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="send a header; may be repeated",
    )
    add("--origin", help="send this Origin")
    add(
        "--subprotocol",
        dest="subprotocols",
        type=subprotocol,
        action="append",
        metavar="NAME",
        help="offer a subprotocol; may be repeated, the preferred one first",
    )
    add(
        "--compression",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="offer permessage-deflate, or do not (default: offer it)",
    )

    tls = parser.add_argument_group("TLS, for wss://").add_mutually_exclusive_group()
    tls.add_argument(
        "-k", "--insecure", action="store_true", help="do not verify the server's certificate"
    )
    tls.add_argument(
        "--cafile", metavar="FILE", help="trust the authorities in this PEM file, and no others"
    )
    return parser


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = make_parser()
    arguments = parser.parse_args(argv)
    try:
        arguments.ssl = tls_context(arguments)
    except OSError as exc:
        parser.error(f"--cafile {arguments.cafile}: {exc.strerror or exc}")
    return arguments


def tls_context(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    """``None`` where the defaults will do."""
    if not (arguments.insecure or arguments.cafile):
        return None
    context = ssl.create_default_context(cafile=arguments.cafile)
    if arguments.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def connect_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords of ``connect``."""
    keywords: dict[str, Any] = {
        "additional_headers": arguments.headers,
        "origin": arguments.origin,
        "subprotocols": arguments.subprotocols,
        "compression": "deflate" if arguments.compression else None,
        "max_size": arguments.max_size or None,
    }
    if arguments.ssl is not None and arguments.uri.lower().startswith("wss:"):
        keywords["ssl"] = arguments.ssl
    return keywords
