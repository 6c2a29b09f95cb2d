# The connections that are kept, and those that are lent.

cdef class ConnectionPool:
    """See :class:`~aiohttp_ws.BaseConnector`."""
    cdef public:
        object _loop
        object _keepalive           # seconds
        bint _closed
        bint _force_close
        object _idle                # an OrderedDict: keys -> deques of (protocol, since)
        Py_ssize_t _idle_count
        set _in_use
        Py_ssize_t _limit
        Py_ssize_t _limit_per_host
        Py_ssize_t _taken
        object _taken_by_key
        object _waiters             # an OrderedDict: futures -> keys
        object _waiting_by_key
        object _sweeper

    cdef object lend(self, object key, double now)
    cdef int take_back(self, object key, object protocol, bint should_close) except -1
    cdef object pop_kept(self, object key, double now)
    cdef bint has_room(self, object key) except -1
    cdef int take(self, object key) except -1
    cdef int give_back(self, object key) except -1
