/* Files as far as they are in memory: opened and read only where the kernel need not wait for a disk. */
#ifndef AIOHTTP_WS_PAGE_CACHE_H
#define AIOHTTP_WS_PAGE_CACHE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/stat.h>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
/* Old headers, such as those that wheels are built with, lack what newer kernels have. */
#if !defined(SYS_openat2) && !defined(__alpha__)
#define SYS_openat2 437
#endif
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif
#endif

#if defined(__linux__) && defined(SYS_openat2) && defined(SYS_preadv2)
#define AWS_PAGE_CACHE 1

enum { AWS_NO_SYMLINKS = 0x04, AWS_CACHED = 0x20 };

static inline int aws_openat2(const char *path, uint64_t flags, uint64_t resolve)
{
    struct { uint64_t flags, mode, resolve; } how = {flags | O_CLOEXEC, 0, resolve | AWS_CACHED};
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

/* Open a regular file; -1 with errno where that would wait, where the path holds a link that is not
   to be followed, and for anything else that is not a regular file. */
static inline int aws_open_cached(const char *path, int follow_links)
{
    struct stat info;
    uint64_t resolve = follow_links ? 0 : AWS_NO_SYMLINKS;
    /* Looked at before it is opened: opening a device can have effects, a pipe waits. */
    int fd = aws_openat2(path, O_PATH, resolve);
    if (fd < 0)
        return -1;
    int regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    close(fd);
    if (!regular) {
        errno = EISDIR;
        return -1;
    }
    return aws_openat2(path, O_RDONLY | O_NONBLOCK, resolve);
}

/* Read what is in memory; -1 with errno EAGAIN for nothing, EOPNOTSUPP where nobody can tell. */
static inline ssize_t aws_read_cached(int fd, void *to, size_t size, int64_t start)
{
    struct iovec piece = {to, size};
#if __SIZEOF_LONG__ == 8
    return syscall(SYS_preadv2, fd, &piece, 1, (long)start, 0L, RWF_NOWAIT);
#else
    return syscall(SYS_preadv2, fd, &piece, 1, (long)start, (long)(start >> 32), RWF_NOWAIT);
#endif
}

static inline ssize_t aws_read(int fd, void *to, size_t size, int64_t start)
{
    return pread(fd, to, size, start);
}

#else
#define AWS_PAGE_CACHE 0

static inline int aws_open_cached(const char *path, int follow_links)
{
    (void)path; (void)follow_links;
    errno = ENOSYS;
    return -1;
}

static inline long aws_read_cached(int fd, void *to, size_t size, int64_t start)
{
    (void)fd; (void)to; (void)size; (void)start;
    errno = ENOSYS;
    return -1;
}

static inline long aws_read(int fd, void *to, size_t size, int64_t start)
{
    return aws_read_cached(fd, to, size, start);
}

#endif

static inline int aws_is_regular(const char *path)
{
#ifdef S_ISREG
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
#else
    (void)path;
    return 0;
#endif
}

#endif
