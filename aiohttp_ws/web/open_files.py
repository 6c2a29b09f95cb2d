"""Regular files, opened to be sent: checked, described, and read without blocking the loop."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from typing import Final, TypeAlias

from ..http.codings import SUFFIXES

__all__ = ("OpenFile", "open_file")

Opener: TypeAlias = Callable[[str, int], int]

#: A file of up to so many bytes is read when it is opened, and leaves with the head.
SMALL: Final = 32 * 1024
# Without blocking: a pipe that took the file's place would wait for a writer forever.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class OpenFile:
    """An open regular file, or the content of a small one.

    The task that asks for a file may be cancelled while a thread opens it: a file that was
    not closed is closed with the last reference to it.
    """

    __slots__ = ("_fd", "_reading", "content", "encoding", "info", "varies")

    #: What ``loop.sendfile()`` wants to know of a file.
    mode: Final = "rb"

    def __init__(
        self, path: str, encoding: str | None, varies: bool, opener: Opener = os.open
    ) -> None:
        self._fd = -1
        self._reading: asyncio.Future[bytes] | None = None
        #: The content coding of the file, when a precompressed sibling was taken.
        self.encoding = encoding
        #: Whether another request for the same path could get another coding.
        self.varies = varies
        #: All of a small file, else ``None``.
        self.content: bytes | None = None
        # Looked at before it is opened, as opening a device can have effects, and after, as
        # the answer describes what was opened.
        _check_regular(os.stat(path), path)
        self._fd = opener(path, _FLAGS)
        try:
            self.info = os.fstat(self._fd)
            _check_regular(self.info, path)
            if self.info.st_size <= SMALL:
                self.content = _read_at(self._fd, 0, self.info.st_size)
        except BaseException:
            self._release()
            raise
        if self.content is not None:
            self._release()

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    async def read(self, start: int, size: int) -> bytes:
        """Read in another thread."""
        loop = asyncio.get_running_loop()
        self._reading = loop.run_in_executor(None, _read_at, self._fd, start, size)
        # A thread cannot be cancelled: it goes on, and close() waits for it.
        return await asyncio.shield(self._reading)

    def close(self) -> None:
        """Close the file, after the read that may still go on in a thread."""
        if self._reading is not None and not self._reading.done():
            self._reading.add_done_callback(lambda _: self._release())
        else:
            self._release()

    def _release(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self._release()


def open_file(path: str, accepted: frozenset[str] | None, opener: Opener = os.open) -> OpenFile:
    """Open *path*, or a compressed sibling that is *accepted*; blocks.

    :param accepted: content codings; ``None`` not to look for siblings.
    :param opener: opens each of them, as :func:`os.open` does.
    :raises IsADirectoryError: it is a folder.
    :raises PermissionError: it is not a regular file, or may not be read.
    """
    varies = False
    for encoding, suffix in SUFFIXES if accepted is not None else ():
        sibling = path + suffix
        try:
            if not stat.S_ISREG(os.stat(sibling).st_mode):
                continue
            varies = True
            if accepted is not None and encoding in accepted:
                return OpenFile(sibling, encoding, varies, opener)
        except (OSError, ValueError):
            continue  # the file itself may do
    return OpenFile(path, None, varies, opener)


def _check_regular(info: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(info.st_mode):
        raise IsADirectoryError(f"{path} is a folder")
    if not stat.S_ISREG(info.st_mode):
        raise PermissionError(f"{path} is not a regular file")


def _read_at(fd: int, start: int, size: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(fd, size, start)
    os.lseek(fd, start, os.SEEK_SET)
    return os.read(fd, size)
