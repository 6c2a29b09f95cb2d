"""Frames on their way from the thread that reads to the one that receives."""

from __future__ import annotations

import codecs
import threading
import time
from collections import deque
from collections.abc import Iterator

from ..exceptions import ConcurrencyError
from ..frames import CONT, TEXT, Frame
from ..typing import Data

__all__ = ("Incoming",)

_DECODER = codecs.getincrementaldecoder("utf-8")


class Closed(Exception):
    """There is no message, and none will come."""


class Incoming:
    """A queue of data frames, whose reader takes messages.

    :param marks: how many frames make the reading thread wait, and how few let it go on;
        ``None`` for no limit.
    """

    def __init__(self, marks: tuple[int, int] | None) -> None:
        self._marks = marks
        self._frames: deque[Frame] = deque()
        self._messages = 0  # whole ones among the frames
        self._changed = threading.Condition()
        self._full = False
        self._closed = False
        self._dropping = False
        self._receiving = False

    # ------------------------------------------------------------------ the thread that reads

    @property
    def is_full(self) -> bool:
        """Whether the reading thread waits."""
        return self._full

    def put(self, frame: Frame, *, wait: bool) -> None:
        """Add a frame; then *wait* while there are too many."""
        with self._changed:
            if self._closed or self._dropping:
                return
            self._frames.append(frame)
            self._messages += frame.fin
            self._changed.notify_all()
            if self._marks is not None and len(self._frames) > self._marks[0]:
                self._full = True
            while wait and self._full and not (self._closed or self._dropping):
                self._changed.wait()

    def drop(self) -> None:
        """Take no more frames: the connection is being closed from this side."""
        with self._changed:
            self._dropping = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more will come; what is there can still be received, as far as it is whole."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    # --------------------------------------------------------------- the thread that receives

    def get(self, timeout: float | None, decode: bool | None) -> Data:
        """Take the next message.

        :raises TimeoutError: there was none within *timeout* seconds.
        :raises Closed: there will be none.
        :raises ConcurrencyError: another thread is waiting for a message.
        :raises UnicodeDecodeError: it is to be text, and is not UTF-8.
        """
        with self._changed:
            self._begin("recv")
            try:
                self._wait(timeout, whole=True)
                frames = [self._take()]
                while not frames[-1].fin:
                    frames.append(self._take())
            finally:
                self._receiving = False
        data = b"".join(frame.data for frame in frames) if len(frames) > 1 else frames[0].data
        text = frames[0].opcode is TEXT if decode is None else decode
        return bytes(data).decode() if text else bytes(data)

    def iterate(self, decode: bool | None) -> Iterator[Data]:
        """Take the next message in pieces, as they come. As :meth:`get`.

        Until the last piece has been taken, nobody else can receive.
        """
        with self._changed:
            self._begin("recv_streaming")
            try:
                self._wait(None, whole=False)
            except BaseException:
                self._receiving = False
                raise
            frame = self._take()
        text = frame.opcode is TEXT if decode is None else decode
        decoder = _DECODER() if text else None
        while True:
            data = bytes(frame.data)
            yield data if decoder is None else decoder.decode(data, frame.fin)
            with self._changed:
                if frame.fin:
                    self._receiving = False
                    return
                self._wait(None, whole=False)
                frame = self._take()
                assert frame.opcode is CONT

    def _begin(self, caller: str) -> None:
        if self._receiving:
            raise ConcurrencyError(
                f"cannot call {caller} while another thread is already running recv or"
                " recv_streaming"
            )
        self._receiving = True

    def _wait(self, timeout: float | None, *, whole: bool) -> None:
        until = None if timeout is None else time.monotonic() + timeout
        while not (self._messages if whole else self._frames):
            # The pieces of a message that is longer than the queue must be let in.
            self._let_in()
            if self._closed:
                raise Closed
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"timed out in {timeout:.1f}s")
            self._changed.wait(left)

    def _take(self) -> Frame:
        frame = self._frames.popleft()
        self._messages -= frame.fin
        if self._full and self._marks is not None and len(self._frames) <= self._marks[1]:
            self._let_in()
        return frame

    def _let_in(self) -> None:
        if self._full:
            self._full = False
            self._changed.notify_all()
