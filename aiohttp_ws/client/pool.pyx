"""The connections that are kept, and those that are lent.

Compiled, since each request borrows a connection and returns it: :class:`BaseConnector`, which
makes the connections and has requests wait for a place, does the rest.
"""

from collections import Counter, OrderedDict, deque

from aiohttp_ws.client.protocol cimport ClientLink


cdef class ConnectionPool:
    """See :class:`~aiohttp_ws.BaseConnector`."""

    def __cinit__(self, *args, **kwargs):
        self._closed = True  # until the constructor is done
        self._idle = OrderedDict()
        self._in_use = set()
        self._taken_by_key = Counter()
        self._waiters = OrderedDict()
        self._waiting_by_key = Counter()

    # --------------------------------------------------------------------------- lending

    cdef object lend(self, object key, double now):
        """Lend a kept connection at once, or return ``None``; *now* is the loop's time."""
        if not self._idle_count or self._closed:
            return None
        if (self._waiters or self._limit_per_host or self._taken >= self._limit) and (
            not self.has_room(key) or self._waiting_by_key[key]
        ):
            return None
        protocol = self.pop_kept(key, now)
        if protocol is not None:
            self.take(key)
            self._in_use.add(protocol)
        return protocol

    def _lend_kept(self, key):
        return self.lend(key, self._loop.time())

    def _has_room(self, key):
        return self.has_room(key)

    cdef bint has_room(self, object key) except -1:
        if self._limit and self._taken >= self._limit:
            return False
        return not self._limit_per_host or self._taken_by_key[key] < self._limit_per_host

    def _take(self, key):
        self.take(key)

    cdef int take(self, object key) except -1:
        self._taken += 1
        if self._limit_per_host:
            self._taken_by_key[key] += 1
        return 0

    def _give_back(self, key):
        self.give_back(key)

    cdef int give_back(self, object key) except -1:
        self._taken -= 1
        if self._limit_per_host:
            self._taken_by_key[key] -= 1
            if not self._taken_by_key[key]:
                del self._taken_by_key[key]
        if self._waiters:
            self._wake()
        return 0

    # --------------------------------------------------------------------------- keeping

    def _pop_idle(self, key):
        return self.pop_kept(key, self._loop.time())

    cdef object pop_kept(self, object key, double now):
        cdef double oldest
        kept = self._idle.get(key)
        if kept is None:
            return None
        oldest = now - <double>self._keepalive
        found = None
        while kept:
            # The one used last: least likely to have been closed by its server.
            protocol, since = kept.pop()
            self._idle_count -= 1
            if not connected(protocol):
                continue
            if since >= oldest:
                found = protocol
                break
            self._close_protocol(key, protocol)
        if not kept:
            del self._idle[key]
        return found

    def _release(self, key, protocol, *, should_close=False):
        self.take_back(key, protocol, should_close)

    cdef int take_back(self, object key, object protocol, bint should_close) except -1:
        """Take back a connection that was lent."""
        if self._closed:
            protocol.close()  # close() has dealt with the rest
            return 0
        self._in_use.discard(protocol)
        if should_close or self._force_close or not self._keepalive or not connected(protocol):
            self._close_protocol(key, protocol)
        else:
            kept = self._idle.get(key)
            if kept is None:
                kept = self._idle[key] = deque()
            kept.append((protocol, self._loop.time()))
            self._idle_count += 1
            if self._sweeper is None:
                self._schedule_sweep()
        return self.give_back(key)


cdef bint connected(object protocol) except -1:
    if isinstance(protocol, ClientLink):
        return (<ClientLink>protocol).connected_now()
    return protocol.is_connected()
