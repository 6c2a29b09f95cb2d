# The frame codec as compiled code uses it (RFC 6455 5).

from libc.stdint cimport uint8_t, uint64_t

# Public, as all that ws/transport.pxd needs: no header of ours is named in such a file, because the
# compiler of a user's module would not find it.

# Where a message's text stands between two pieces: aws_utf8 of utf8.h.
cdef struct Utf8State:
    uint8_t need
    uint8_t low
    uint8_t high

# The first byte of a frame header.
cdef enum:
    FIN = 0x80
    RSV1 = 0x40
    RSV2 = 0x20
    RSV3 = 0x10

cdef enum:
    OP_CONTINUATION = 0x0
    OP_TEXT = 0x1
    OP_BINARY = 0x2
    OP_CLOSE = 0x8
    OP_PING = 0x9
    OP_PONG = 0xA

# What FrameReader.next() says.
cdef enum:
    NEED_DATA = 0
    HAVE_FRAME = 1
    BROKEN = -1

cdef enum:
    MAX_HEADER = 14

cdef struct Frame:
    uint8_t opcode
    uint8_t flags           # FIN and RSV bits as they came
    bint whole_text         # a whole text message whose UTF-8 nobody has checked yet
    bint compressed         # part of a compressed message (RSV1 on its first frame)
    uint8_t message_opcode  # of the message that a data frame belongs to
    uint8_t *payload        # unmasked, where it lies; dies with the next read
    Py_ssize_t size


# For other modules, which do not link the C files themselves.
cdef void mask_bytes(
    uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t phase
) noexcept nogil
cdef size_t utf8_feed(Utf8State *state, const uint8_t *p, size_t n) noexcept nogil


cdef enum:
    SPARE_SLOTS = 8


cdef class SpareBuffers:
    """Large buffers that readers of one event loop pass on to each other."""
    cdef:
        uint8_t *data[SPARE_SLOTS]
        Py_ssize_t capacity[SPARE_SLOTS]
        int count
        Py_ssize_t held             # bytes

    cdef uint8_t *take(self, Py_ssize_t wanted, Py_ssize_t *capacity) noexcept
    cdef bint give(self, uint8_t *data, Py_ssize_t capacity) noexcept


cdef class FrameReader:
    cdef:
        public SpareBuffers spare       # None: every reader allocates for itself
        # settings
        readonly bint server            # this end is the server: frames must be masked
        public bint allow_rsv1          # permessage-deflate was agreed
        public bint allow_reserved      # the frame API: RSV bits are the user's
        public bint check_utf8          # text is validated as it arrives
        public uint64_t max_frame_size  # bytes; 0 for no limit
        public uint64_t max_message_size
        # the message in progress
        uint8_t message_opcode          # 0 between messages
        bint message_compressed
        uint64_t message_size
        Utf8State utf8
        # the frame in progress, at `pos`
        bint in_frame
        uint8_t flags
        uint8_t opcode
        uint8_t key[4]
        Py_ssize_t header_size
        uint64_t payload_size
        uint64_t done                   # payload bytes already unmasked and checked
        # the bytes to be parsed
        uint8_t *pos
        uint8_t *end
        # bytes of an incomplete frame kept between reads
        uint8_t *own
        Py_ssize_t own_used
        Py_ssize_t own_capacity
        # why it is BROKEN
        readonly int error_code
        readonly object error           # a ProtocolFault

    cdef uint8_t *room(self, uint8_t *shared, Py_ssize_t shared_size, Py_ssize_t *size) except NULL
    cdef int received(self, uint8_t *shared, Py_ssize_t size) except -1
    cdef int keep_rest(self) except -1
    cdef bytes close_in(self, bytes data)
    cdef int next(self, Frame *frame) except -2
    cdef int _header(self) except -2
    cdef int _check_header(self, uint8_t second) except -2
    cdef int _payload(self, Py_ssize_t available) except -2
    cdef int _grow(self, Py_ssize_t capacity) except -1
    cdef void _release(self) noexcept
    cdef int _break(self, str kind, object size=*, object limit=*) except -2


cdef inline Py_ssize_t put_header(
    uint8_t *out, uint8_t first, uint64_t size, const uint8_t *key
) noexcept nogil:
    """Write a frame header for *size* bytes of payload; return its length (2 to 14)."""
    cdef uint8_t mask_bit = 0x80 if key != NULL else 0
    cdef Py_ssize_t n
    cdef int i
    out[0] = first
    if size < 126:
        out[1] = mask_bit | <uint8_t>size
        n = 2
    elif size < 65536:
        out[1] = mask_bit | 126
        out[2] = <uint8_t>(size >> 8)
        out[3] = <uint8_t>size
        n = 4
    else:
        out[1] = mask_bit | 127
        for i in range(8):
            out[2 + i] = <uint8_t>(size >> (56 - 8 * i))
        n = 10
    if key != NULL:
        out[n] = key[0]
        out[n + 1] = key[1]
        out[n + 2] = key[2]
        out[n + 3] = key[3]
        n += 4
    return n


cdef inline bint whole_frame_at(const uint8_t *p, Py_ssize_t available) noexcept nogil:
    """Say whether *available* bytes hold all of the frame that begins at *p*."""
    cdef uint64_t size
    cdef Py_ssize_t n
    cdef int i
    if available < 2:
        return False
    size = p[1] & 0x7F
    n = 6 if p[1] & 0x80 else 2
    if size == 126:
        n += 2
        if available < n:
            return False
        size = <uint64_t>p[2] << 8 | p[3]
    elif size == 127:
        n += 8
        if available < n:
            return False
        size = 0
        for i in range(8):
            size = size << 8 | p[2 + i]
    return available >= n and <uint64_t>(available - n) >= size
