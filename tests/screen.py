"""A program on a pseudo terminal, and the screen that its user sees."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import sys
import termios
from collections.abc import Callable

from tests.programs import ROOT

ROWS, COLUMNS = 10, 40
MARK = "\x05"
SEQUENCE = re.compile(r"\x1b(?:\[(?P<numbers>[?\d;]*)(?P<final>[@-~])|(?P<plain>[^\[]))")
# A terminal becomes one's own, with Ctrl-C and all, when the leader of a session asks for it.
LAUNCH = """\
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
module = sys.argv.pop(1)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


class Screen:
    """As much of a terminal as line editors and this project's programs use."""

    def __init__(self) -> None:
        self.rows = [[" "] * COLUMNS for _ in range(ROWS)]
        self.gone: list[str] = []  # rows that have scrolled away
        self.row = self.column = 0
        self.marked = False
        self._saved = (0, 0)
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """All rows from the first on, without the empty ones at the end."""
        shown = [*self.gone, *("".join(row).rstrip() for row in self.rows)]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def feed(self, text: str) -> None:
        text = self._rest + text
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._put(text[at])
                at += 1
            elif match := SEQUENCE.match(text, at):
                self._obey(match["final"], match["numbers"], match["plain"])
                at = match.end()
            else:
                break
        self._rest = text[at:]

    def _put(self, char: str) -> None:
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self._down()
        elif char == "\b":
            self.column = max(min(self.column, COLUMNS - 1) - 1, 0)
        elif char == MARK:
            self.marked = True
        elif char == "\a":
            pass
        else:
            assert char.isprintable(), f"unknown control character {char!r}"
            if self.column == COLUMNS:
                self.column = 0
                self._down()
            self.rows[self.row][self.column] = char
            self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == ROWS:
            self.row -= 1
            self.gone.append("".join(self.rows.pop(0)).rstrip())
            self.rows.append([" "] * COLUMNS)

    def _obey(self, final: str | None, numbers: str | None, plain: str | None) -> None:
        count = int(numbers) if numbers and numbers.isdigit() else 1
        here = self.rows[self.row]
        if final in ("h", "l", "m") or plain in ("=", ">"):
            pass  # modes and colours
        elif final == "A":
            self.row = max(self.row - count, 0)
        elif final == "B":
            self.row = min(self.row + count, ROWS - 1)
        elif final == "C":
            self.column = min(self.column + count, COLUMNS - 1)
        elif final == "D":
            self.column = max(min(self.column, COLUMNS - 1) - count, 0)
        elif final == "K" and not numbers:
            here[self.column :] = " " * (COLUMNS - self.column)
        elif final == "J" and not numbers:
            here[self.column :] = " " * (COLUMNS - self.column)
            self.rows[self.row + 1 :] = [[" "] * COLUMNS for _ in self.rows[self.row + 1 :]]
        elif final == "P":
            here[self.column :] = [*here[self.column + count :], *" " * count][:COLUMNS]
        elif final == "@":
            here[self.column :] = [*" " * count, *here[self.column :]][: COLUMNS - self.column]
        elif final == "L":
            self.rows[self.row : self.row] = [[" "] * COLUMNS for _ in range(count)]
            del self.rows[ROWS:]
        elif plain == "D":
            self._down()
        elif plain == "7":
            self._saved = (self.row, self.column)
        elif plain == "8":
            self.row, self.column = self._saved
        else:
            raise AssertionError(f"unknown sequence: {final or plain} after {numbers!r}")


class Terminal:
    """A module of ours that runs on a pseudo terminal of 10 rows and 40 columns."""

    def __init__(self, module: str, *arguments: str, **environment: str) -> None:
        self._command = (sys.executable, "-c", LAUNCH, module, *arguments)
        self._environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment}
        self.screen = Screen()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Terminal:
        self._ours, self.theirs = os.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.settings = termios.tcgetattr(self.theirs)
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            start_new_session=True,
            cwd=ROOT,
            env=self._environment,
        )
        asyncio.get_running_loop().add_reader(self._ours, self._read)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)
        os.close(self.theirs)

    def _read(self) -> None:
        self.screen.feed(os.read(self._ours, 65536).decode())
        self._news.set()

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    async def until(self, shown: Callable[[list[str]], bool]) -> list[str]:
        """Wait until the lines on the screen satisfy *shown*, and return them."""
        while not shown(self.screen.lines):
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), 20)
            except asyncio.TimeoutError:
                seen = "\n".join(self.screen.lines)
                raise AssertionError(f"nothing more comes, the screen shows\n{seen}") from None
        return self.screen.lines

    async def shows(self, *last: str) -> list[str]:
        """Wait until these are the last lines of the screen, and return all of them."""
        return await self.until(lambda lines: lines[-len(last) :] == list(last))

    async def end(self) -> tuple[int, list[str]]:
        """Wait for the program to end; return its status and the lines on the screen."""
        status = await self.process.wait()
        # What it wrote is there to be read, up to a mark behind it.
        os.write(self.theirs, MARK.encode())
        await self.until(lambda _: self.screen.marked)
        return status, self.screen.lines
