"""Regular files, opened to be sent: checked, described, and read without blocking the loop.

What is in memory is opened and read at once, the rest by another thread.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Callable
from typing import Final, TypeAlias

from ..http.codings import SUFFIXES
from .page_cache import holds, open_cached, read_cached, regular_siblings

__all__ = ("OpenFile", "open_file", "open_file_cached")

Opener: TypeAlias = Callable[[str, int], int]

#: A file of up to so many bytes is read when it is opened, and leaves with the head.
SMALL: Final = 32 * 1024
_ENCODINGS: Final = {suffix.encode(): encoding for encoding, suffix in SUFFIXES}
_SUFFIXES: Final = tuple(_ENCODINGS)
# Without blocking: a pipe that took the file's place would wait for a writer forever.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

# Not every file system can tell what is in memory (overlay file systems and tmpfs cannot). What a
# thread has read a moment ago is taken to be there: device, inode and time of change -> until when.
_read: dict[tuple[int, int, int], float] = {}
_MOST_READ: Final = 1024
_READ_FOR: Final = 30.0  # seconds


class OpenFile:
    """An open regular file, or the content of a small one.

    The task that asks for a file may be cancelled while a thread opens it: a file that was
    not closed is closed with the last reference to it.

    :param fd: the descriptor, which is closed where this fails.
    :raises IsADirectoryError: it is a folder.
    :raises PermissionError: it is not a regular file.
    """

    __slots__ = ("_fd", "_key", "_reading", "content", "encoding", "info", "varies")

    #: What ``loop.sendfile()`` wants to know of a file.
    mode: Final = "rb"

    def __init__(self, fd: int, path: str, encoding: str | None, varies: bool) -> None:
        self._fd = fd
        self._reading: asyncio.Future[bytes] | None = None
        #: The content coding of the file, when a precompressed sibling was taken.
        self.encoding = encoding
        #: Whether another request for the same path could get another coding.
        self.varies = varies
        #: All of a small file, once it was read, else ``None``.
        self.content: bytes | None = None
        try:
            # The answer describes what was opened.
            self.info = info = os.fstat(fd)
            _check_regular(info, path)
        except BaseException:
            self._release()
            raise
        self._key = (info.st_dev, info.st_ino, info.st_mtime_ns)

    def read_small(self) -> None:
        """Take all of a small file; blocks."""
        if self.info.st_size <= SMALL:
            self.content = _read_at(self._fd, 0, self.info.st_size)
            _note_read(self._key)
            self._release()

    def read_small_cached(self) -> bool:
        """Take all of a small file without blocking; false where that is not possible."""
        if self.info.st_size <= SMALL:
            content = read_cached(self._fd, 0, self.info.st_size, _was_read(self._key))
            if content is None:
                return False
            self.content = content
            self._release()
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def holds_cached(self, start: int, size: int) -> bool:
        """Whether reading these bytes takes no wait for a disk, as far as can be told."""
        return holds(self._fd, start, size, _was_read(self._key))

    async def read(self, start: int, size: int) -> bytes:
        """Read, in another thread unless the bytes are in memory."""
        data = read_cached(self._fd, start, size, _was_read(self._key))
        if data is not None:
            return data
        loop = asyncio.get_running_loop()
        self._reading = loop.run_in_executor(None, _read_at, self._fd, start, size)
        # A thread cannot be cancelled: it goes on, and close() waits for it.
        data = await asyncio.shield(self._reading)
        if start + size >= self.info.st_size:
            _note_read(self._key)
        return data

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
                return _opened(sibling, encoding, varies, opener)
        except (OSError, ValueError):
            continue  # the file itself may do
    return _opened(path, None, varies, opener)


def _opened(path: str, encoding: str | None, varies: bool, opener: Opener) -> OpenFile:
    # Looked at before it is opened too: opening a device can have effects.
    _check_regular(os.stat(path), path)
    opened = OpenFile(opener(path, _FLAGS), path, encoding, varies)
    opened.read_small()
    return opened


def open_file_cached(
    path: str, accepted: frozenset[str] | None, follow_links: bool
) -> OpenFile | None:
    """Do what :func:`open_file` does where that need not block; ``None`` where it has to be asked.

    :param follow_links: ``None`` for a path with links if this is false.
    """
    fd = open_cached(path, follow_links)
    if fd < 0:
        return None
    varies = False
    encoding: str | None = None
    try:
        if accepted is not None and (siblings := regular_siblings(path, _SUFFIXES)):
            varies = True
            for suffix in siblings:
                if _ENCODINGS[suffix] in accepted:
                    os.close(fd)
                    fd = open_cached(path + os.fsdecode(suffix), follow_links)
                    if fd < 0:
                        return None
                    encoding = _ENCODINGS[suffix]
                    break
        opened = OpenFile(fd, path, encoding, varies)
        return opened if opened.read_small_cached() else None
    except OSError:
        return None


def _was_read(key: tuple[int, int, int]) -> bool:
    until = _read.get(key)
    return until is not None and until > time.monotonic()


def _note_read(key: tuple[int, int, int]) -> None:
    if len(_read) >= _MOST_READ:
        _read.clear()
    _read[key] = time.monotonic() + _READ_FOR


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
