"""The frame codec: bytes in, frames out, and back (RFC 6455 5).

A :class:`FrameReader` parses in place. Its owner asks :meth:`room` where the next bytes
should go, says how many came with :meth:`received`, takes frames with :meth:`next` until
that wants more data, and lets :meth:`keep_rest` put an incomplete tail aside. Complete
frames are never copied. An incomplete one waits in a buffer of the reader's own, made when
it is needed; a long one is read straight into it.

Everything that a header can tell is checked before a byte of payload is kept.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset

cdef extern from "masking.h" nogil:
    void aws_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t phase)
    const char *aws_mask_backend()
    int aws_mask_force(const char *name)

cdef extern from "utf8.h" nogil:
    """
    /* The declaration of frames.pxd has this size. */
    typedef char aws_utf8_is_three_bytes[sizeof(aws_utf8) == 3 ? 1 : -1];
    """
    ctypedef struct aws_utf8:
        pass
    size_t aws_utf8_feed(aws_utf8 *s, const uint8_t *p, size_t n)
    int aws_utf8_complete(const aws_utf8 *s)

cdef enum:
    # A frame that needs more than this is read into a buffer of its own: below it, copying
    # the tail into the shared buffer once more costs less than a second system call.
    OWN_BUFFER_FROM = 32768
    # A header may claim any length; memory follows the bytes that really came.
    FIRST_OWN_BUFFER = 65536
    # What the readers of a loop keep for the next large frame: without it, each frame of a
    # MiB has the kernel clear 256 pages, a third of its whole cost over TLS.
    MOST_SPARE = 8388608

cdef void mask_bytes(
    uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t phase
) noexcept nogil:
    aws_mask(dst, src, n, key, phase)


cdef size_t utf8_feed(Utf8State *state, const uint8_t *p, size_t n) noexcept nogil:
    return aws_utf8_feed(<aws_utf8 *>state, p, n)


cdef class SpareBuffers:
    """Large buffers that readers of one event loop pass on to each other."""

    def __dealloc__(self):
        while self.count:
            self.count -= 1
            free(self.data[self.count])

    cdef uint8_t *take(self, Py_ssize_t wanted, Py_ssize_t *capacity) noexcept:
        """Return a buffer of at least *wanted* bytes, NULL when there is none."""
        cdef uint8_t *data
        cdef int i
        for i in range(self.count):
            if self.capacity[i] >= wanted:
                data = self.data[i]
                capacity[0] = self.capacity[i]
                self.held -= self.capacity[i]
                self.count -= 1
                self.data[i] = self.data[self.count]
                self.capacity[i] = self.capacity[self.count]
                return data
        return NULL

    cdef bint give(self, uint8_t *data, Py_ssize_t capacity) noexcept:
        """Keep *data* for another reader; return whether there was room for it."""
        if self.count == SPARE_SLOTS or self.held + capacity > MOST_SPARE:
            return False
        self.data[self.count] = data
        self.capacity[self.count] = capacity
        self.count += 1
        self.held += capacity
        return True


cdef class FrameReader:
    """Splits received bytes into frames and refuses what RFC 6455 5 forbids.

    :param server: this end is the server, so that frames must come masked (5.1); a client
        refuses masked ones.
    :param max_frame_size: bytes of payload a frame may have; 0 for no limit.
    :param max_message_size: bytes the fragments of a message may have together; 0 for no
        limit.
    :param check_utf8: validate text as it arrives, so that a bad message fails at its first
        bad byte (8.1). Text that comes in one piece is left to whoever decodes it.
    :param allow_rsv1: permessage-deflate was agreed (RFC 7692 6).
    """

    def __init__(
        self,
        bint server,
        *,
        uint64_t max_frame_size=0,
        uint64_t max_message_size=0,
        bint check_utf8=True,
        bint allow_rsv1=False,
        bint allow_reserved=False,
    ):
        self.server = server
        self.max_frame_size = max_frame_size
        self.max_message_size = max_message_size
        self.check_utf8 = check_utf8
        self.allow_rsv1 = allow_rsv1
        self.allow_reserved = allow_reserved

    def __dealloc__(self):
        free(self.own)

    # ------------------------------------------------------------------ bytes in

    cdef uint8_t *room(self, uint8_t *shared, Py_ssize_t shared_size, Py_ssize_t *size) except NULL:
        """Say where the next bytes should be read to, and how many fit."""
        cdef uint64_t total
        cdef Py_ssize_t capacity
        if self.own_used == 0:
            size[0] = shared_size
            return shared
        if self.in_frame:
            total = <uint64_t>self.header_size + self.payload_size
            if total > OWN_BUFFER_FROM:
                capacity = self.own_capacity
                if self.own_used == capacity or capacity < FIRST_OWN_BUFFER:
                    capacity = max(FIRST_OWN_BUFFER, 4 * self.own_used)
                    if <uint64_t>capacity > total:
                        capacity = <Py_ssize_t>total
                    self._grow(capacity)
                capacity = self.own_capacity
                if <uint64_t>capacity > total:
                    capacity = <Py_ssize_t>total
                size[0] = capacity - self.own_used
                return self.own + self.own_used
        # Behind a gap into which received() moves the tail.
        size[0] = shared_size - self.own_used
        return shared + self.own_used

    cdef int received(self, uint8_t *shared, Py_ssize_t size) except -1:
        """*size* bytes have come where :meth:`room` said."""
        if self.own_used == 0:
            self.pos = shared
            self.end = shared + size
            return 0
        if self.in_frame:
            if self.header_size + self.payload_size > OWN_BUFFER_FROM:
                self.pos = self.own
                self.own_used += size
                self.end = self.own + self.own_used
                return 0
        memcpy(shared, self.own, self.own_used)
        self.pos = shared
        self.end = shared + self.own_used + size
        return 0

    cdef int keep_rest(self) except -1:
        """Put the incomplete tail aside: the shared buffer is about to serve others."""
        cdef Py_ssize_t rest = self.end - self.pos
        if rest == 0:
            self._release()
            return 0
        if self.pos == self.own:
            self.own_used = rest
            return 0
        if self.own_capacity < rest:
            self._grow(rest if rest > 64 else 64)
        memmove(self.own, self.pos, rest)
        self.own_used = rest
        self.pos = self.end = NULL
        return 0

    cdef bytes close_in(self, bytes data):
        """Return the payload of the close frame in *data*, which comes next; ``None`` for none."""
        cdef Py_ssize_t available = PyBytes_GET_SIZE(data)
        cdef uint64_t skip = 0  # what the frame in progress still wants
        if self.in_frame:
            skip = self.header_size + self.payload_size - self.own_used
        elif self.own_used:
            return None  # half a header: nobody can tell
        if skip >= <uint64_t>available:
            return None
        return close_frame_in(
            <const uint8_t *>PyBytes_AS_STRING(data) + skip, available - <Py_ssize_t>skip
        )

    cdef int _grow(self, Py_ssize_t capacity) except -1:
        cdef uint8_t *larger
        if self.spare is not None and capacity >= FIRST_OWN_BUFFER:
            larger = self.spare.take(capacity, &capacity)
            if larger != NULL:
                if self.own_used:  # NULL with no bytes yet, which memcpy must not be given.
                    memcpy(larger, self.own, self.own_used)
                free(self.own)
                self.own = larger
                self.own_capacity = capacity
                return 0
        larger = <uint8_t *>realloc(self.own, capacity)
        if larger == NULL:
            raise MemoryError(f"no memory for a frame of {self.payload_size} bytes")
        self.own = larger
        self.own_capacity = capacity
        return 0

    cdef void _release(self) noexcept:
        if self.own != NULL:
            if (
                self.spare is None
                or self.own_capacity < FIRST_OWN_BUFFER
                or not self.spare.give(self.own, self.own_capacity)
            ):
                free(self.own)
            self.own = NULL
        self.own_used = 0
        self.own_capacity = 0
        self.pos = self.end = NULL

    # ---------------------------------------------------------------- frames out

    cdef int next(self, Frame *frame) except -2:
        """Fill *frame* with the next complete one; say HAVE_FRAME, NEED_DATA or BROKEN."""
        cdef Py_ssize_t available = self.end - self.pos
        cdef Py_ssize_t size
        cdef int outcome
        cdef bint last
        if self.error_code:
            return BROKEN
        if not self.in_frame:
            outcome = self._header()
            if outcome != HAVE_FRAME:
                return outcome
            self.in_frame = True
        available -= self.header_size
        if <uint64_t>available < self.payload_size:
            return BROKEN if self._payload(available) == BROKEN else NEED_DATA

        size = <Py_ssize_t>self.payload_size
        last = self.flags & FIN
        frame.opcode = self.opcode
        frame.flags = self.flags
        frame.payload = self.pos + self.header_size
        frame.size = size
        frame.message_opcode = self.opcode
        frame.compressed = False
        # The decoder of a whole text message validates it too: once is enough.
        frame.whole_text = (
            self.opcode == OP_TEXT
            and last
            and self.done == 0
            and not self.message_compressed
        )
        if frame.whole_text:
            if self.server:
                aws_mask(frame.payload, frame.payload, size, self.key, 0)
        elif self._payload(size) == BROKEN:
            return BROKEN
        if self.opcode < 8:
            frame.message_opcode = self.message_opcode
            frame.compressed = self.message_compressed
            if last:
                if (
                    self.check_utf8
                    and not frame.whole_text
                    and not self.message_compressed
                    and self.message_opcode == OP_TEXT
                    and not aws_utf8_complete(<aws_utf8 *>&self.utf8)
                ):
                    return self._break("TEXT_END")
                self.message_opcode = 0
                self.message_compressed = False
                self.message_size = 0
        self.pos += self.header_size + size
        self.in_frame = False
        return HAVE_FRAME

    cdef int _header(self) except -2:
        cdef Py_ssize_t available = self.end - self.pos
        cdef uint8_t *p = self.pos
        cdef uint8_t second
        cdef Py_ssize_t n = 2
        cdef uint64_t size
        cdef int i
        if available < 2:
            # The first byte alone can be wrong already, but a frame is never only that.
            return NEED_DATA
        self.flags = p[0] & 0xF0
        self.opcode = p[0] & 0x0F
        second = p[1]
        size = second & 0x7F
        if self._check_header(second) == BROKEN:
            return BROKEN
        if size == 126:
            if available < 4:
                return NEED_DATA
            size = (<uint64_t>p[2] << 8) | p[3]
            n = 4
            if size < 126:
                return self._break("LENGTH_ENCODING", size, 16)
        elif size == 127:
            if available < 10:
                return NEED_DATA
            size = 0
            for i in range(8):
                size = (size << 8) | p[2 + i]
            n = 10
            if size >> 63:
                return self._break("LENGTH_SIGN")
            if size < 65536:
                return self._break("LENGTH_ENCODING", size, 64)
        if self.max_frame_size and size > self.max_frame_size:
            return self._break("FRAME_SIZE", size, self.max_frame_size)
        if self.opcode < 8 and self.max_message_size:
            # A compressed message may be longer than what it inflates to, by deflate's
            # overhead for stored blocks; the inflated size is held to the limit later.
            if self.message_size + size > self.max_message_size + (
                64 + (self.max_message_size >> 10)
                if self.allow_rsv1 and (self.flags & RSV1 or self.message_compressed)
                else 0
            ):
                return self._break(
                    "MESSAGE_SIZE", self.message_size + size, self.max_message_size
                )
        if second & 0x80:
            if available < n + 4:
                return NEED_DATA
            self.key[0] = p[n]
            self.key[1] = p[n + 1]
            self.key[2] = p[n + 2]
            self.key[3] = p[n + 3]
            n += 4
        # The header is good and complete: now it may change the message's state.
        if self.opcode < 8:
            if self.opcode != OP_CONTINUATION:
                self.message_opcode = self.opcode
                self.message_compressed = self.allow_rsv1 and self.flags & RSV1
                self.message_size = 0
                memset(&self.utf8, 0, sizeof(Utf8State))
            self.message_size += size
        self.header_size = n
        self.payload_size = size
        self.done = 0
        return HAVE_FRAME

    cdef int _check_header(self, uint8_t second) except -2:
        """What the first two bytes can tell (RFC 6455 5.1, 5.2, 5.4, 5.5; RFC 7692 6)."""
        cdef uint8_t opcode = self.opcode
        cdef uint8_t reserved = self.flags & (RSV1 | RSV2 | RSV3)
        if opcode > OP_PONG or OP_BINARY < opcode < OP_CLOSE:
            return self._break("OPCODE", opcode)
        if reserved and not self.allow_reserved:
            if not self.allow_rsv1 or reserved != RSV1:
                return self._break("RESERVED_BITS", reserved >> 4)
            if opcode != OP_TEXT and opcode != OP_BINARY:
                return self._break("RSV1")
        if bool(second & 0x80) != self.server:
            return self._break("UNMASKED" if self.server else "MASKED")
        if opcode >= 8:
            if not self.flags & FIN:
                return self._break("FRAGMENTED_CONTROL")
            if second & 0x7F > 125:
                return self._break("LONG_CONTROL")
            if opcode == OP_CLOSE and second & 0x7F == 1:
                return self._break("HALF_CLOSE_CODE")
        elif opcode == OP_CONTINUATION:
            if self.message_opcode == 0:
                return self._break("NO_MESSAGE")
        elif self.message_opcode != 0:
            return self._break("IN_MESSAGE")
        return 0

    cdef int _payload(self, Py_ssize_t available) except -2:
        """Unmask and check the payload bytes that came since the last time."""
        cdef uint8_t *fresh = self.pos + self.header_size + self.done
        cdef Py_ssize_t n = available - <Py_ssize_t>self.done
        if n <= 0:
            return 0
        if self.server:
            aws_mask(fresh, fresh, n, self.key, self.done & 3)
        if (
            self.check_utf8
            and self.opcode < 8
            and self.message_opcode == OP_TEXT
            and not self.message_compressed
        ):
            if aws_utf8_feed(<aws_utf8 *>&self.utf8, fresh, n) != <size_t>n:
                return self._break("TEXT")
        self.done += n
        return 0

    cdef int _break(self, str kind, object size=None, object limit=None) except -2:
        # Here and not above: a program that only asks for a name of ours need not load errors.
        from aiohttp_ws.errors.faults import FaultKind, ProtocolFault

        self.error = ProtocolFault(FaultKind[kind], size, limit)
        self.error_code = self.error.code
        return BROKEN

    # ----------------------------------------------------- from Python, for tests

    def feed(self, data):
        """Take *data* and return the frames it completes.

        :return: a list of ``(opcode, flags, payload)``; *flags* holds the FIN and RSV bits
            as in the first byte of a header.

        Once the peer has broken the protocol, :attr:`error` is the :class:`ProtocolFault` and
        :attr:`error_code` its close code, and nothing more is parsed.
        """
        cdef Frame frame
        cdef Py_ssize_t fits
        cdef uint8_t *target
        cdef const uint8_t[::1] view = data
        cdef Py_ssize_t n = view.shape[0]
        cdef Py_ssize_t taken = 0
        cdef Py_ssize_t part
        cdef bytearray shared = bytearray(65536)
        cdef uint8_t *buffer = shared
        frames = []
        while taken < n and not self.error_code:
            target = self.room(buffer, 65536, &fits)
            part = min(fits, n - taken)
            memcpy(target, &view[taken], part)
            taken += part
            self.received(buffer, part)
            while self.next(&frame) == HAVE_FRAME:
                frames.append(
                    (
                        frame.opcode,
                        frame.flags,
                        PyBytes_FromStringAndSize(<char *>frame.payload, frame.size),
                    )
                )
            self.keep_rest()
        return frames

    @property
    def buffered(self):
        """Bytes of an incomplete frame that are kept."""
        return self.own_used

    @property
    def capacity(self):
        """Bytes of memory held for an incomplete frame."""
        return self.own_capacity


cdef bytes close_frame_in(const uint8_t *p, Py_ssize_t available):
    """Return the payload of the close frame among the whole frames at *p*, ``None`` for none.

    Nothing is parsed but headers: for bytes that wait until the application can take them.
    """
    cdef uint8_t payload[125]
    cdef uint64_t size
    cdef Py_ssize_t n
    cdef int i
    while whole_frame_at(p, available):
        size = p[1] & 0x7F
        n = 2
        if size == 126:
            size = <uint64_t>p[2] << 8 | p[3]
            n = 4
        elif size == 127:
            size = 0
            for i in range(8):
                size = size << 8 | p[2 + i]
            n = 10
        if p[1] & 0x80:
            n += 4
        if p[0] & 0x0F == OP_CLOSE:
            if size > 125:
                return None
            memcpy(payload, p + n, size)
            if p[1] & 0x80:
                aws_mask(payload, payload, size, p + n - 4, 0)
            return PyBytes_FromStringAndSize(<char *>payload, <Py_ssize_t>size)
        p += n + <Py_ssize_t>size
        available -= n + <Py_ssize_t>size
    return None


def encode_frame(int opcode, payload=b"", *, bint fin=True, int rsv=0, mask=None):
    """Return a frame as bytes.

    :param opcode: 0 to 15 (RFC 6455 5.2).
    :param payload: bytes-like.
    :param rsv: the reserved bits, 0 to 7; RSV1 is 4.
    :param mask: 4 bytes of masking key, or ``None`` for an unmasked frame.
    """
    cdef const uint8_t[::1] view = memoryview(payload).cast("B")
    cdef Py_ssize_t size = view.shape[0]
    cdef uint8_t header[MAX_HEADER]
    cdef const uint8_t *key = NULL
    cdef uint8_t *out
    cdef Py_ssize_t n
    if not 0 <= opcode <= 15:
        raise ValueError(f"opcode {opcode} is outside 0..15")
    if not 0 <= rsv <= 7:
        raise ValueError(f"rsv {rsv} is outside 0..7")
    if mask is not None:
        mask = bytes(mask)
        if len(mask) != 4:
            raise ValueError(f"a masking key has 4 bytes, not {len(mask)}")
        key = <const uint8_t *>PyBytes_AS_STRING(mask)
    n = put_header(header, (FIN if fin else 0) | rsv << 4 | opcode, size, key)
    frame = PyBytes_FromStringAndSize(NULL, n + size)
    out = <uint8_t *>PyBytes_AS_STRING(frame)
    memcpy(out, header, n)
    if size:
        if key != NULL:
            aws_mask(out + n, &view[0], size, key, 0)
        else:
            memcpy(out + n, &view[0], size)
    return frame


# ------------------------------------------------- the C loops, for tests and benchmarks

def mask(data, key, size_t phase=0):
    """Return *data* XOR the masking *key* (4 bytes), beginning at byte *phase* of the key."""
    cdef const uint8_t[::1] view = memoryview(data).cast("B")
    cdef const uint8_t[::1] k = memoryview(key).cast("B")
    if k.shape[0] != 4:
        raise ValueError(f"a masking key has 4 bytes, not {k.shape[0]}")
    out = PyBytes_FromStringAndSize(NULL, view.shape[0])
    if view.shape[0]:
        aws_mask(<uint8_t *>PyBytes_AS_STRING(out), &view[0], view.shape[0], &k[0], phase)
    return out


def mask_backend():
    """The masking loop that this machine uses: ``avx2``, ``sse2``, ``neon`` or ``c``."""
    return aws_mask_backend().decode()


def force_mask_backend(name):
    """Choose a masking loop by name; return whether this machine has it. For tests."""
    return aws_mask_force(name.encode()) == 0


def utf8_check(*chunks):
    """Validate *chunks* as one UTF-8 text.

    :return: ``(index, complete)``: the index of the first bad byte, or the total length,
        and whether the text may end there.
    """
    cdef aws_utf8 state
    cdef const uint8_t[::1] view
    cdef size_t n
    cdef Py_ssize_t total = 0
    memset(&state, 0, sizeof(aws_utf8))
    for chunk in chunks:
        view = memoryview(chunk).cast("B")
        if view.shape[0] == 0:
            continue
        n = aws_utf8_feed(&state, &view[0], view.shape[0])
        total += n
        if n != <size_t>view.shape[0]:
            return total, False
    return total, bool(aws_utf8_complete(&state))
