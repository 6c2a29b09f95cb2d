"""Bytes for the generators of ``parse()``: what is there is read, what is not is waited for."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any


class Stream:
    """Bytes that come in pieces.

    A generator that waits for more yields; :func:`result` gives it the next piece.
    """

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.data = b""
        self.ended = False

    def more(self) -> None:
        if self.pieces:
            self.data += self.pieces.pop(0)
        else:
            self.ended = True

    def _take(self, size: int) -> bytes:
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def read_exact(self, size: int) -> Generator[None, None, bytes]:
        while len(self.data) < size:
            if self.ended:
                raise EOFError(f"{len(self.data)} bytes of {size}")
            yield
        return self._take(size)

    def read_line(self, most: int, too_long: type[Exception]) -> Generator[None, None, bytes]:
        while b"\n" not in self.data:
            if len(self.data) > most:
                raise too_long(f"more than {most} bytes")
            if self.ended:
                raise EOFError("no line")
            yield
        size = self.data.index(b"\n") + 1
        if size > most:
            raise too_long(f"{size} bytes are more than {most}")
        return self._take(size)

    def read_to_eof(self, most: int, too_long: type[Exception]) -> Generator[None, None, bytes]:
        while not self.ended:
            if len(self.data) > most:
                raise too_long(f"more than {most} bytes")
            yield
        return self._take(len(self.data))


def result(generator: Generator[None, None, Any], stream: Stream) -> Any:
    """What *generator* returns once it has had all that it waited for."""
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            return stop.value
        stream.more()
