# What is prepared once for the requests of a session, and one such request.


cdef class Asked:
    """A request that was sent from prepared parts."""
    cdef:
        readonly object session
        readonly str method
        readonly object original_url
        readonly object headers     # the session's and its own, without automatic ones
        readonly bytes body         # None for none
        readonly str content_type
        readonly object skip        # names of automatic headers
        object request
        object key                  # of the connection
        bytes head


cdef class Parts:
    """A head in parts, between which goes what differs."""
    cdef:
        bytes start                 # before the header fields of one request; None for no parts
        bytes middle                # before the length of the body, or all the rest
        bytes end
        frozenset names             # of fields that are there, or may not be added


cdef class Target:
    """What requests for one URL have in common."""
    cdef:
        object url                  # joined to the session's
        object key                  # of the connection
        str line                    # the request target
        dict parts                  # of its origin: (method, media type of the body) -> Parts
        dict whole                  # method -> head of a request without a body


cdef class Prepared:
    """What the requests of one session have in common, for as long as its settings stay."""
    cdef:
        unsigned int tags[4]        # of the classes that were looked at; 0 for none
        tuple kept                  # the settings, as they were
        Py_ssize_t size             # of the session's dict then
        object headers_version
        object default_headers
        object headers_then         # a copy
        bint usable
        object plan
        object json_text
        object json_bytes
        object jar
        object skip
        object connector
        dict targets
        dict origins

    cdef bint holds(self, object session) except -1
    cdef int look(self, object session, dict settings) except -1
    cdef Target target_of(self, object session, object url, object params)
    cdef bytes head_of(
        self, object session, Target target, str method, str kind, Py_ssize_t size, object given
    )
    cdef Parts split(self, object session, Target target, str method, str kind)
    cdef bytes make(
        self, object session, Asked asked, Target target, object given, object cookies
    )
    cdef Asked ask(
        self, object session, Target target, str method, object given, str kind, bytes body
    )
