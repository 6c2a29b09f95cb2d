"""A folder whose files are opened without following a link out of it.

What was checked by name may be something else when it is opened. So each step down is taken from
the descriptor of the step before, and refuses links; a link that may be followed is resolved
first, and the steps are those of the path that it leads to.
"""

from __future__ import annotations

import errno
import os
from typing import Final

__all__ = ("Folder",)

_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
# A folder to step through need not be readable.
_STEP: Final = (
    getattr(os, "O_PATH", os.O_RDONLY)
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | _NO_LINK
)
_BY_DESCRIPTOR: Final = bool(_NO_LINK) and os.open in os.supports_dir_fd
# What systems say of a link that was not to be followed.
_IS_LINK: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})


class Folder:
    """What can be opened below *root*.

    :param root: an absolute path without links.
    :param follow_symlinks: follow links out of it too.
    """

    __slots__ = ("_follow_symlinks", "root")

    def __init__(self, root: str, follow_symlinks: bool) -> None:
        self.root = root
        self._follow_symlinks = follow_symlinks

    def holds(self, path: str) -> bool:
        """Whether *path*, which has no links, is the folder or below it."""
        return path == self.root or path.startswith(self.root.rstrip(os.sep) + os.sep)

    def open(self, path: str, flags: int) -> int:
        """Open *path* as :func:`os.open` does and return the descriptor; blocks.

        :raises FileNotFoundError: a link leads out of the folder.
        :raises OSError: as :func:`os.open`.
        """
        if self._follow_symlinks:
            return os.open(path, flags)
        if not _BY_DESCRIPTOR:
            return self._open_by_name(path, flags)
        try:
            return self._step_down(path, flags)
        except OSError as exc:
            if exc.errno not in _IS_LINK:
                raise
        path = self._resolved(path)
        return self._step_down(path, flags)

    def _resolved(self, path: str) -> str:
        resolved = os.path.realpath(path)
        if not self.holds(resolved):
            raise FileNotFoundError(errno.ENOENT, "a link leads out of the folder", path)
        return resolved

    def _step_down(self, path: str, flags: int) -> int:
        *folders, name = path[len(self.root) :].strip(os.sep).split(os.sep)
        if not folders:
            return os.open(path, flags | _NO_LINK)
        step = os.open(self.root, _STEP)
        try:
            for folder in folders:
                below = os.open(folder, _STEP, dir_fd=step)
                os.close(step)
                step = below
            return os.open(name, flags | _NO_LINK, dir_fd=step)
        finally:
            os.close(step)

    def _open_by_name(self, path: str, flags: int) -> int:
        # Where there is no better way: what the path leads to afterwards is what was opened.
        fd = os.open(self._resolved(path), flags)
        try:
            if os.path.samestat(os.fstat(fd), os.stat(self._resolved(path))):
                return fd
            raise FileNotFoundError(errno.ENOENT, "the file was replaced", path)
        except BaseException:
            os.close(fd)
            raise
