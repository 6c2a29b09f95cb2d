"""What ``python -m aiohttp_ws`` does: talk to a WebSocket server, or run a program."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ("main",)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    :param argv: its arguments, by default those of the process.
    :return: the exit status.
    """
    arguments = sys.argv[1:] if argv is None else argv
    # A program that is run takes nothing of the client; each is imported where it is wanted.
    from .under_names import COMMANDS, run_as

    if arguments and arguments[0] in COMMANDS:
        return run_as(arguments[0], arguments[1:])
    from .program import main as talk

    return talk(arguments)
