/* Writing to a non-blocking socket without a trip through Python. */
#ifndef AIOHTTP_WS_SOCKET_WRITE_H
#define AIOHTTP_WS_SOCKET_WRITE_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32

static inline long aws_send(int fd, const uint8_t *a, size_t na, const uint8_t *b, size_t nb)
{
    (void)fd; (void)a; (void)na; (void)b; (void)nb;
    return -1;
}

#else

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* Send two pieces as one; return how many bytes the kernel took, or -1 when it took none.
   Errors are not told apart: asyncio, which is given the rest, meets them again. */
static inline long aws_send(int fd, const uint8_t *a, size_t na, const uint8_t *b, size_t nb)
{
    if (nb == 0)
        return (long)send(fd, a, na, MSG_NOSIGNAL | MSG_DONTWAIT);
    struct iovec pieces[2] = {{(void *)a, na}, {(void *)b, nb}};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    return (long)sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

#endif
#endif
