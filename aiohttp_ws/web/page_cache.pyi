"""Files as far as they are in memory: opened and read without a wait, so without another thread."""

from collections.abc import Sequence

AVAILABLE: bool
"""Whether the system can tell what is in memory."""

def open_cached(path: str, follow_links: bool) -> int:
    """Open a regular file without waiting; return its descriptor, -1 where a thread has to do it.

    :param follow_links: whether the path may hold symbolic links; -1 for one that does otherwise.
    """

def regular_siblings(path: str, suffixes: tuple[bytes, ...]) -> Sequence[bytes]:
    """Which of *suffixes* lead to a regular file when they are put after *path*.

    For a path that was opened just now. May read the folder, which was in use a moment ago.
    """

def read_cached(fd: int, start: int, size: int, trusted: bool) -> bytes | None:
    """Read *size* bytes of what is in memory; ``None`` where a thread has to do it.

    :param trusted: read also where the file system cannot tell what is in memory.
    :returns: fewer bytes at the end of the file.
    """

def holds(fd: int, start: int, size: int, trusted: bool) -> bool:
    """Whether *size* bytes from *start* are in memory, as far as samples of them tell.

    :param trusted: the answer where the file system cannot tell.
    """
