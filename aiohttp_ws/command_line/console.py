"""Lines in, messages out: what a program has for a pipe, and what is the same at a terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator

#: Lines that are read ahead of the connection, so that a long file does not fill the memory.
LINES_AHEAD = 256

# Those that turn the direction of text, with which a message could hide what it says.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class InputError(Exception):
    """The input cannot be read as lines of text."""


def escaped(text: str, kept: str = "\n") -> str:
    """*text* without characters that steer a terminal; those in *kept* stay."""
    if text.isprintable():
        return text
    return "".join(
        repr(char)[1:-1] if char not in kept and _steers(char) else char for char in text
    )


def _steers(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _TURNING


class Console:
    """Standard input and output as a pipe or a file: messages only, and errors on stderr.

    :attr:`on_deaf` is called when the output is no longer read.
    """

    interactive = False

    def __init__(self) -> None:
        self.on_deaf: Callable[[], None] = lambda: None
        self._lines: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        self._room = threading.Semaphore(LINES_AHEAD)
        self._done = False
        if sys.stdout is not None:
            # What the encoding lacks is not a reason to stop.
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        self._escaping = sys.stdout is not None and sys.stdout.isatty()

    # ------------------------------------------------------------------------------ output

    def message(self, message: str | bytes) -> None:
        """Print a message that came."""
        text = message if isinstance(message, str) else message.hex()
        self._print(escaped(text, "\n\t") if self._escaping else text)

    def note(self, text: str) -> None:
        """Tell a person at a terminal; nothing here."""

    def error(self, text: str) -> None:
        """Tell what is wrong."""
        print_error(text)

    def finish(self) -> None:
        """Leave the terminal as it was."""
        self._done = True

    def _print(self, text: str) -> None:
        self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        if self._done or sys.stdout is None:
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:  # a broken pipe; Windows has other names for it
            self._done = True
            # What is buffered would be written, to nobody, when the interpreter ends.
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())
            self.on_deaf()

    # ------------------------------------------------------------------------------- input

    def start(self) -> None:
        """Begin to read.

        A thread does: not every event loop can wait for a file, a pipe and a terminal. It is a
        daemon, as nothing can end its waiting.
        """
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="stdin", daemon=True).start()

    async def next_line(self) -> str | None:
        """The next line, ``None`` after the last.

        :raises InputError: there is something else.
        """
        line = await self._lines.get()
        self._room.release()
        if isinstance(line, Exception):
            raise InputError(str(line)) from line
        return line

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        last: Exception | None = None
        try:
            try:
                for line in self._input():
                    self._room.acquire()
                    loop.call_soon_threadsafe(self._lines.put_nowait, line)
            except UnicodeDecodeError as exc:
                last = InputError(f"input is not {exc.encoding}: {exc.reason}")
            except OSError as exc:
                last = InputError(f"input cannot be read: {exc.strerror}")
            loop.call_soon_threadsafe(self._lines.put_nowait, last)
        except RuntimeError:
            pass  # The loop has ended before the input.

    def _input(self) -> Iterator[str]:
        if sys.stdin is None:
            return
        # Not sys.stdin, which the interpreter locks to close it while this may wait in it.
        with open(
            sys.stdin.fileno(), encoding=sys.stdin.encoding, newline="\n", closefd=False
        ) as lines:
            for line in lines:
                yield line.removesuffix("\n").removesuffix("\r")


def print_error(text: str) -> None:
    """Print *text* on stderr as one line."""
    print("aiohttp_ws:", escaped(" ".join(text.split()), ""), file=sys.stderr)
