"""Files as far as they are in memory: opened and read without a wait, so without another thread.

A visit to another thread costs more than the rest of a small file's way. So the event loop's thread
tries first what cannot block: ``openat2`` with ``RESOLVE_CACHED``, which opens only what needs no
disk to be found (Linux 5.12), and ``preadv2`` with ``RWF_NOWAIT``, which reads only what is in the
page cache (4.14). Where a system has neither, and whatever else the matter is, the answer is that a
thread has to do it: that also finds out what is wrong.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.errno cimport EOPNOTSUPP, errno
from libc.stdint cimport int64_t

cdef extern from "Python.h":
    bytes PyUnicode_EncodeFSDefault(str text)

cdef extern from "aiohttp_ws/web/page_cache.h" nogil:
    enum:
        AWS_PAGE_CACHE
    int aws_open_cached(const char *path, int follow_links)
    Py_ssize_t aws_read_cached(int fd, void *to, size_t size, int64_t start)
    Py_ssize_t aws_read(int fd, void *to, size_t size, int64_t start)
    int aws_is_regular(const char *path)

# Bytes between two looks into a range: the kernel reads ahead in pieces of this order.
cdef enum:
    STRIDE = 128 * 1024

AVAILABLE = bool(AWS_PAGE_CACHE)


def open_cached(str path not None, bint follow_links):
    """Open a regular file without waiting; return its descriptor, -1 where a thread has to do it.

    :param follow_links: whether the path may hold symbolic links; -1 for one that does otherwise.
    """
    cdef bytes name = PyUnicode_EncodeFSDefault(path)
    if b"\0" in name:
        return -1
    return aws_open_cached(PyBytes_AS_STRING(name), follow_links)


def regular_siblings(str path not None, tuple suffixes not None):
    """Which of *suffixes* lead to a regular file when they are put after *path*.

    For a path that was opened just now. May read the folder, which was in use a moment ago.
    """
    cdef bytes name = PyUnicode_EncodeFSDefault(path)
    cdef bytes sibling
    cdef list found = None
    for suffix in suffixes:
        sibling = name + <bytes>suffix
        if aws_is_regular(PyBytes_AS_STRING(sibling)):
            if found is None:
                found = []
            found.append(suffix)
    return found or ()


def read_cached(int fd, int64_t start, Py_ssize_t size, bint trusted):
    """Read *size* bytes of what is in memory; ``None`` where a thread has to do it.

    :param trusted: read also where the file system cannot tell what is in memory.
    :returns: fewer bytes at the end of the file.
    """
    cdef bytes data = PyBytes_FromStringAndSize(NULL, size)
    cdef char *to = PyBytes_AS_STRING(data)
    cdef Py_ssize_t used = 0
    cdef Py_ssize_t n
    while used < size:
        n = aws_read_cached(fd, to + used, size - used, start + used)
        if n < 0 and errno == EOPNOTSUPP and trusted:
            n = aws_read(fd, to + used, size - used, start + used)
        if n < 0:
            return None
        if n == 0:
            return data[:used]
        used += n
    return data


def holds(int fd, int64_t start, Py_ssize_t size, bint trusted):
    """Whether *size* bytes from *start* are in memory, as far as samples of them tell.

    :param trusted: the answer where the file system cannot tell.
    """
    cdef char byte
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t n
    while size > 0:
        n = aws_read_cached(fd, &byte, 1, start + at)
        if n < 0:
            return errno == EOPNOTSUPP and trusted
        if at == size - 1 or n == 0:
            break
        at = min(at + STRIDE, size - 1)
    return True
