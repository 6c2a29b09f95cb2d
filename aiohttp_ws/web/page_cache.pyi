"""Files as far as they are in memory: opened and read without a wait, so without another thread."""

AVAILABLE: bool
"""Whether the system can tell what is in memory."""

def open_cached(path: str, follow_links: bool) -> int:
    """Open a regular file without waiting; return its descriptor, -1 where a thread has to do it.

    :param follow_links: whether the path may hold symbolic links; -1 for one that does otherwise.
    """

def is_regular(path: str) -> bool:
    """Whether *path* leads to a regular file; for files beside one that was opened just now."""

def read_cached(fd: int, start: int, size: int, trusted: bool) -> bytes | None:
    """Read *size* bytes of what is in memory; ``None`` where a thread has to do it.

    :param trusted: read also where the file system cannot tell what is in memory.
    :returns: fewer bytes at the end of the file.
    """

def holds(fd: int, start: int, size: int, trusted: bool) -> bool:
    """Whether *size* bytes from *start* are in memory, as far as samples of them tell.

    :param trusted: the answer where the file system cannot tell.
    """
