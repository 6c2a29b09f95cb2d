/* origin: the server that HTTP clients are measured against. A single-threaded epoll server that
 * reads each request with its body and answers GET /N with N bytes, anything else with "hello".
 *
 *   origin PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_ROOM = 16384, MOST = 1 << 24 };

typedef struct {
    int fd;
    size_t used;        /* bytes of a head that is not complete */
    size_t body;        /* bytes of the request's body still to come */
    size_t answer;      /* bytes of body to answer with then, 0 for "hello" */
    const char *out;    /* what the socket did not take */
    size_t out_size;
    char head[HEAD_ROOM];
} connection;

static char payload[MOST];

static void watch(int epoll, connection *c, int events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void push(int epoll, connection *c)
{
    while (c->out_size) {
        ssize_t n = send(c->fd, c->out, c->out_size, MSG_NOSIGNAL);
        if (n < 0) {
            watch(epoll, c, EPOLLIN | EPOLLOUT);
            return;
        }
        c->out += n;
        c->out_size -= n;
    }
}

static void answer(int epoll, connection *c)
{
    static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                                "Content-Type: text/plain; charset=utf-8\r\n\r\nhello";
    char head[160];
    if (!c->answer) {
        send(c->fd, hello, sizeof hello - 1, MSG_NOSIGNAL);
        return;
    }
    int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
                     "Content-Type: application/octet-stream\r\n\r\n", c->answer);
    send(c->fd, head, n, MSG_NOSIGNAL | MSG_MORE);
    c->out = payload;
    c->out_size = c->answer;
    push(epoll, c);
}

static void handle(int epoll, connection *c, const char *data, size_t size)
{
    while (size) {
        if (c->body) {
            size_t n = size < c->body ? size : c->body;
            data += n;
            size -= n;
            c->body -= n;
            if (!c->body)
                answer(epoll, c);
            continue;
        }
        size_t before = c->used, n = size < HEAD_ROOM - 1 - before ? size : HEAD_ROOM - 1 - before;
        memcpy(c->head + before, data, n);
        c->head[before + n] = 0;
        char *end = memmem(c->head, before + n, "\r\n\r\n", 4);
        if (!end) {
            c->used += n;
            return;
        }
        size_t taken = end + 4 - c->head - before;
        data += taken;
        size -= taken;
        c->used = 0;
        *end = 0;
        char *length = strcasestr(c->head, "\r\ncontent-length:");
        c->body = length ? strtoul(length + 17, NULL, 10) : 0;
        char *path = strchr(c->head, '/');
        c->answer = path ? strtoul(path + 1, NULL, 10) : 0;
        if (c->answer > MOST)
            c->answer = MOST;
        if (!c->body)
            answer(epoll, c);
    }
}

int main(int argc, char **argv)
{
    static char input[1 << 20];
    struct epoll_event events[256], event = {.events = EPOLLIN};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    int one = 1, epoll = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
        perror("origin");
        return 1;
    }
    memset(payload, 'x', sizeof payload);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            connection *c = events[i].data.ptr;
            if (!c) {
                int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (fd < 0)
                    continue;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                c = calloc(1, sizeof *c);
                c->fd = fd;
                event.data.ptr = c;
                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
                event.data.ptr = NULL;
                continue;
            }
            if (events[i].events & EPOLLOUT) {
                push(epoll, c);
                if (!c->out_size)
                    watch(epoll, c, EPOLLIN);
                continue;
            }
            ssize_t n = recv(c->fd, input, sizeof input, 0);
            if (n > 0)
                handle(epoll, c, input, n);
            else if (n == 0 || errno != EAGAIN) {
                close(c->fd);
                free(c);
            }
        }
    }
}
