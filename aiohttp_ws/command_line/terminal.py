"""A terminal with a prompt, above which messages appear."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

from .console import Console, escaped

try:
    import readline
except ImportError:  # Windows: its console has line editing of its own.
    readline = None  # type: ignore[assignment]
try:
    import termios
except ImportError:
    termios = None  # type: ignore[assignment]

PROMPT = "> "
HISTORY_LINES = 1000

INDEX = "\x1bD"  # down a row, in the same column; at the bottom the screen scrolls
UP, DOWN = "\x1b[A", "\x1b[B"
SAVE, RESTORE = "\x1b7", "\x1b8"
INSERT_ROW = "\x1b[L"
WRAP_OFF, WRAP_ON = "\x1b[?7l", "\x1b[?7h"
ERASE_BELOW = "\r\x1b[J"
PASTE_OFF = "\x1b[?2004l"


def is_terminal() -> bool:
    """Whether a person types and sees what is printed, on a terminal that can move its cursor."""
    if sys.stdin is None or sys.stdout is None or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdin.isatty() and sys.stdout.isatty()


class Terminal(Console):
    """Standard input and output as a terminal.

    :param history: a file that keeps the lines that were typed, or ``None``.
    """

    interactive = True

    def __init__(self, history: str | None = None) -> None:
        super().__init__()
        self._typing = False
        self._history = history
        self._settings: list[Any] | None = None
        if termios is not None:
            self._settings = termios.tcgetattr(sys.stdin.fileno())
        if sys.platform == "win32":
            os.system("")  # Has the console obey escape sequences.
        if readline is not None and history is not None:
            self._read_history(history)

    # ------------------------------------------------------------------------------ output

    def message(self, message: str | bytes) -> None:
        text = escaped(message.expandtabs()) if isinstance(message, str) else message.hex()
        kind = "" if isinstance(message, str) else "(binary) "
        # A line that begins in another way is none of the peer's.
        self._print("< " + kind + text.replace("\n", "\n  "))

    def note(self, text: str) -> None:
        self._print(escaped(text))

    error = note

    def finish(self) -> None:
        """Put the terminal back: a thread that still waits for a line has changed it."""
        if self._done:
            return
        if self._typing:
            up = UP * self._rows_typed(columns())
            self._write(up + ERASE_BELOW + (PASTE_OFF if readline is not None else ""))
        super().finish()
        if self._settings is not None:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, self._settings)
        if readline is not None and self._history is not None:
            try:
                readline.set_history_length(HISTORY_LINES)
                readline.write_history_file(self._history)
            except OSError as exc:
                super().error(f"--history {self._history}: {exc.strerror}")

    def _print(self, text: str) -> None:
        """Print above the line that is being typed.

        One row at a time is inserted, so that any number fits and the terminal scrolls as usual;
        the cursor returns to where the line editor believes it to be.
        """
        if not self._typing:
            super()._print(text)
            return
        wide = columns()
        up = UP * self._rows_typed(wide)
        self._write(
            "".join(
                f"{INDEX}{UP}{SAVE}{up}\r{INSERT_ROW}{WRAP_OFF}{row}{WRAP_ON}{RESTORE}{DOWN}"
                for line in text.split("\n")
                for row in rows(line, wide)
            )
        )

    def _rows_typed(self, wide: int) -> int:
        """How many rows are above the end of the line that is being typed."""
        typed = "" if readline is None else readline.get_line_buffer()
        return (len(PROMPT) + sum(map(width, typed))) // wide

    # ------------------------------------------------------------------------------- input

    def _input(self) -> Iterator[str]:
        self._typing = True
        while not self._done:
            try:
                yield input(PROMPT)
            except EOFError:
                return

    def _read_history(self, history: str) -> None:
        try:
            readline.read_history_file(history)
        except FileNotFoundError:
            pass  # It is written at the end.
        except OSError as exc:
            super().error(f"--history {history}: {exc.strerror}")
            self._history = None


def columns() -> int:
    return os.get_terminal_size(sys.stdout.fileno()).columns or 80


def width(char: str) -> int:
    """The columns that *char* takes."""
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def rows(line: str, wide: int) -> Iterator[str]:
    """*line*, cut where a row of the terminal ends."""
    if line.isascii():
        for start in range(0, max(len(line), 1), wide):
            yield line[start : start + wide]
        return
    row, taken = "", 0
    for char in line:
        if taken + width(char) > wide:
            yield row
            row, taken = "", 0
        row += char
        taken += width(char)
    yield row
