"""The two compression contexts of a connection (RFC 7692 7.2), and how many of them live.

A context is memory: about 50 KiB for a compressor and 15 KiB for an inflater with the default
windows. An idle connection needs neither. What its peer may still refer to are the last
window's bytes that were inflated, so those are all that a parked inflater keeps; a parked
compressor keeps less of what it sent, which it could do without: that costs compression only.

A :class:`ContextPool` parks for many connections: the least used when there are too many, and
those that were quiet since it last looked.

The work is done by zlib, or by zlib-ng where the package of that name is installed.
"""

import sys
import zlib

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.object cimport PyObject
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove

from aiohttp_ws.errors.faults import FaultKind, ProtocolFault

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *o)

cdef enum:
    # The least that zlib takes for a raw stream.
    ZLIB_MIN_WINDOW_BITS = 9
    # What a parked compressor keeps of a window of 8 KiB or more. JSON ticks of which each is
    # sent after a pause then take 2 % more bytes than without pauses; 12 % with 1 KiB, and
    # twice as many with nothing (benchmarks/ratio.py).
    SENDER_KEEPS = 5120
    # A message up to this size is copied to have its tail after it: cheaper than a second
    # call.
    SHORT = 4096
    # A stream that the peer ended has its rest fed in pieces of this many bytes, because zlib
    # copies what it leaves; and there is an end to how many a fragment may hold.
    PIECE = 16384
    MAX_STREAMS = 1024

cdef bytes TAIL = b"\x00\x00\xff\xff"
# An empty stored block without its tail: what a message of no bytes compresses to (7.2.3.6).
cdef bytes EMPTY_MESSAGE = b"\x00"
cdef int Z_SYNC_FLUSH = zlib.Z_SYNC_FLUSH
cdef int Z_RLE = zlib.Z_RLE
cdef int DEFLATED = zlib.DEFLATED


def installed_zlib():
    """Return the module that compresses: zlib-ng's, where it is installed, or zlib."""
    if hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled():
        # Importing a module that relies on the lock would bring the lock back.
        return zlib
    try:
        from zlib_ng import zlib_ng
    except ImportError:
        return zlib
    return zlib_ng


cdef object backend
cdef tuple zlib_errors


def use_zlib(module):
    """Make the contexts of messages to come with *module*; return the one used until now.

    :param module: :mod:`zlib`, or what has its functions and classes. Contexts that are live
        stay what they are.
    """
    global backend, zlib_errors
    before = backend
    zlib_errors = tuple({zlib.error, module.error})
    backend = module
    return before


backend = zlib
use_zlib(installed_zlib())


cdef object new_compressor(int bits, int level, int mem_level, bytes before):
    cdef int strategy = 0
    if bits < ZLIB_MIN_WINDOW_BITS:
        # Run lengths look one byte back, so they fit any window.
        return backend.compressobj(level, DEFLATED, -ZLIB_MIN_WINDOW_BITS, mem_level, Z_RLE)
    if before:
        return backend.compressobj(level, DEFLATED, -bits, mem_level, strategy, before)
    return backend.compressobj(level, DEFLATED, -bits, mem_level)


cdef bytes joined(bytes first, bytes second):
    if not first:
        return second
    if not second:
        return first
    return first + second


cdef bytes without_tail(bytes packed):
    # zlib flushes nothing when nothing came since the last flush.
    if not packed:
        return EMPTY_MESSAGE
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(packed), PyBytes_GET_SIZE(packed) - 4)


def compress_alone(data, int window_bits=15, int level=5, int mem_level=5):
    """Compress a message so that it stands alone: one payload for many connections.

    :param data: bytes-like.
    :param window_bits: the window that it keeps to, 8 to 15: the smallest of those that its
        receivers agreed to.
    :param level: zlib's level, -1 to 9.
    :param mem_level: zlib's memory level, 1 to 9.
    :returns: the payload of a frame or of a whole message's fragments, its tail cut (RFC 7692
        7.2.1). It can be inflated whatever came before. A connection's own
        :class:`MessageDeflater` must be released when this was sent past it.
    """
    compressor = new_compressor(window_bits, level, mem_level, None)
    return without_tail(joined(compressor.compress(data), compressor.flush(Z_SYNC_FLUSH)))


cdef class ContextPool:
    """The live contexts of the connections that share it; it knows no clock.

    Not for use by several threads at once: one pool for each event loop.

    :param limit: the most that may be live. Where more are wanted, those are parked whose use
        is longest ago. Messages of which a part is still to come keep their contexts, so that
        these alone can go beyond it.
    """

    def __cinit__(self, *args, **kwargs):
        self.live = []

    def __init__(self, Py_ssize_t limit=256):
        self.limit = limit

    def __len__(self):
        return len(self.live)

    def on_first(self):
        """There is a live context now, after none: for the owner, who is to call ``park_quiet``."""

    def on_last(self):
        """No context is live any more."""

    cdef int add(self, Context context) except -1:
        cdef Context quietest
        while len(self.live) >= self.limit:
            quietest = self.least_used()
            if quietest is None:
                break
            quietest.park()
        context.slot = len(self.live)
        self.live.append(context)
        if context.slot == 0:
            self.on_first()
        return 0

    cdef Context least_used(self):
        # Half a microsecond for 256 of them, where making the context costs ten times that.
        cdef Context context, found = None
        for context in self.live:
            if not context.in_message and (found is None or context.last_use < found.last_use):
                found = context
        return found

    cdef int remove(self, Context context) except -1:
        cdef Context last = self.live.pop()
        if last is not context:
            self.live[context.slot] = last
            last.slot = context.slot
        context.slot = -1
        if not self.live:
            self.on_last()
        return 0

    def park_quiet(self):
        """Park the contexts that were not used since the last call; return how many live on.

        Those that nobody but the pool holds are gone for good.
        """
        cdef Context context
        cdef Py_ssize_t i = len(self.live)
        # Backwards, since what is removed is replaced by the last.
        while i > 0:
            i -= 1
            context = self.live[i]
            if Py_REFCNT(<PyObject *>context) == 2:
                # The list's and ours: its connection went without releasing it.
                context.gone()
            elif context.last_use <= self.last_look:
                context.park()
        self.last_look = self.uses
        return len(self.live)


cdef class Context:
    """Base of the two: whether the context lives, and what is kept when it does not."""

    def __dealloc__(self):
        free(self.recent)

    @property
    def live(self):
        """Whether there is a context now, with its memory."""
        return self.zlib_object is not None

    @property
    def kept_bytes(self):
        """What is kept of the messages besides a context."""
        return self.recent_capacity + (len(self.parked) if self.parked is not None else 0)

    cdef int remember(self, const uint8_t *data, Py_ssize_t size) except -1:
        """Keep the last ``keep`` bytes of all that was said."""
        cdef Py_ssize_t keep = self.keep, older, capacity
        cdef uint8_t *larger
        if size > keep:
            data += size - keep
            size = keep
        if self.recent_used + size > self.recent_capacity:
            # Twice what is kept, so that older bytes are seldom moved.
            capacity = min(2 * keep, max(512, 2 * (self.recent_used + size)))
            if capacity > self.recent_capacity:
                larger = <uint8_t *>realloc(self.recent, capacity)
                if larger == NULL:
                    raise MemoryError(f"no memory for {capacity} bytes of a window")
                self.recent = larger
                self.recent_capacity = capacity
            if self.recent_used + size > capacity:
                older = min(self.recent_used, keep - size)
                memmove(self.recent, self.recent + self.recent_used - older, older)
                self.recent_used = older
        if size:  # Neither may be NULL for memcpy, and both may be for no bytes.
            memcpy(self.recent + self.recent_used, data, size)
        self.recent_used += size
        return 0

    cdef int came_alive(self, object zlib_object) except -1:
        """Go on with *zlib_object*, which knows what was parked."""
        cdef bytes parked = self.parked
        self.zlib_object = zlib_object
        if parked is not None:
            self.parked = None
            self.remember(<const uint8_t *>PyBytes_AS_STRING(parked), PyBytes_GET_SIZE(parked))
        if self.pool is not None and self.takeover:
            self.pool.add(self)
        return 0

    cdef int gone(self) except -1:
        """Nothing of the context is left, nor needed."""
        self.zlib_object = None
        self.parked = None
        free(self.recent)
        self.recent = NULL
        self.recent_used = self.recent_capacity = 0
        if self.slot >= 0:
            self.pool.remove(self)
        return 0

    cdef int park(self) except -1:
        """Give the context's memory back; the next message goes on from what is kept.

        Between two messages only: there a DEFLATE stream is at a byte's edge and outside of
        any block (RFC 7692 7.2.1), so that nothing but the window is lost.
        """
        cdef bytes recent = None
        cdef Py_ssize_t size
        if self.in_message:
            return 0
        size = min(self.recent_used, self.keep)
        if size:
            recent = PyBytes_FromStringAndSize(
                <char *>self.recent + self.recent_used - size, size
            )
        self.gone()
        self.parked = recent
        return 0


cdef class MessageDeflater(Context):
    """Compresses the messages that one end sends.

    Its context is made at the first message and may be parked or released at any time.

    :param params: the :class:`~aiohttp_ws.DeflateParams` that the opening handshake negotiated.
    :param is_server: which end this is.
    :param level: zlib's level, as in :class:`~aiohttp_ws.DeflateOptions`.
    :param mem_level: zlib's memory level, as in :class:`~aiohttp_ws.DeflateOptions`.
    :param pool: the :class:`ContextPool` that may park the context; ``None`` for none.
    """

    def __init__(
        self, params, bint is_server, int level=5, int mem_level=5, ContextPool pool=None
    ):
        if is_server:
            self.takeover = not params.server_no_context_takeover
            self.window_bits = params.server_max_window_bits
        else:
            self.takeover = not params.client_no_context_takeover
            self.window_bits = params.client_max_window_bits
        self.level = level
        self.mem_level = mem_level
        self.pool = pool
        self.slot = -1
        # Run-length coding, which serves 8 bits, has no use for earlier messages.
        if pool is not None and self.takeover and self.window_bits >= ZLIB_MIN_WINDOW_BITS:
            self.keep = min(1 << self.window_bits, SENDER_KEEPS)

    def compress(self, data, bint fin=True):
        """Compress a message, or the next fragment of one.

        Everything given so far can be inflated from what was returned so far, so that a
        fragment reaches the peer when it is sent.

        :param data: bytes-like; not kept.
        :param fin: this ends the message.
        :returns: the payload to send, its tail cut where *fin* says so (RFC 7692 7.2.1).
        """
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            return self.compress_memory(<const uint8_t *>view.buf, view.len, fin)
        finally:
            PyBuffer_Release(&view)

    cdef bytes compress_memory(self, const uint8_t *data, Py_ssize_t size, bint fin):
        cdef bytes packed
        compressor = self.zlib_object
        if compressor is None:
            compressor = new_compressor(
                self.window_bits, self.level, self.mem_level, self.parked
            )
            self.came_alive(compressor)
        if self.pool is not None:
            self.pool.uses += 1
            self.last_use = self.pool.uses
        view = PyMemoryView_FromMemory(<char *>data, size, 0x100)
        # A small message comes out whole at the flush; then joining copies nothing.
        packed = joined(compressor.compress(view), compressor.flush(Z_SYNC_FLUSH))
        if not fin:
            self.in_message = True
            if self.keep:
                self.remember(data, size)
            return packed
        self.in_message = False
        if not self.takeover:
            self.gone()
        elif self.keep:
            self.remember(data, size)
        return without_tail(packed)

    def release(self):
        """Forget what was sent and give the memory back.

        What is compressed next depends on nothing that was compressed before. A sender may
        do so at any time, between fragments too: it only costs compression (RFC 7692 7.2.1).
        """
        self.gone()


cdef class MessageInflater(Context):
    """Inflates the messages that the peer of one end sends.

    :param params: the :class:`~aiohttp_ws.DeflateParams` that the opening handshake negotiated.
    :param is_server: which end this is (not which end compressed).
    :param pool: the :class:`ContextPool` that may park the context; ``None`` for none.
    """

    def __init__(self, params, bint is_server, ContextPool pool=None):
        if is_server:
            self.takeover = not params.client_no_context_takeover
            bits = params.client_max_window_bits
        else:
            self.takeover = not params.server_no_context_takeover
            bits = params.server_max_window_bits
        # A peer on zlib before 1.2.9 uses 9 bits when it agreed to 8.
        self.window_bits = max(bits, ZLIB_MIN_WINDOW_BITS)
        self.pool = pool
        self.slot = -1
        if pool is not None and self.takeover:
            self.keep = 1 << self.window_bits

    def release(self):
        """Give all memory back; for the end of a connection, which reads nothing more."""
        self.gone()

    def inflate(self, data, bint fin, Py_ssize_t max_size=0):
        """Inflate a message, or the next fragment of one.

        :param data: payload, unmasked, bytes-like; not kept.
        :param fin: this ends the message.
        :param max_size: bytes that *data* may inflate to: what the message's limit leaves it.
            0 for no limit. Neither work nor memory goes beyond it.
        :returns: what *data* inflates to.
        :raises ProtocolFault: 1009 when that is more than *max_size*; 1002 when it is not a
            DEFLATE stream. The inflater is of no use after either.
        """
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            return self.inflate_memory(<const uint8_t *>view.buf, view.len, fin, max_size)
        finally:
            PyBuffer_Release(&view)

    cdef bytes inflate_memory(
        self, const uint8_t *data, Py_ssize_t size, bint fin, Py_ssize_t max_size
    ):
        cdef bytes with_tail
        cdef char *copy
        # RFC 7692 7.2.2: the tail that the sender removed.
        if fin and size <= SHORT:
            with_tail = PyBytes_FromStringAndSize(NULL, size + 4)
            copy = PyBytes_AS_STRING(with_tail)
            memcpy(copy, data, size)
            memcpy(copy + size, PyBytes_AS_STRING(TAIL), 4)
            return self._inflate(with_tail, 4, fin, max_size)
        return self._inflate(PyMemoryView_FromMemory(<char *>data, size, 0x100), 0, fin, max_size)

    cdef bytes _inflate(self, object data, Py_ssize_t tail, bint fin, Py_ssize_t max_size):
        """Inflate *data*, whose last *tail* bytes are the message's tail."""
        cdef bytes out, more
        # One byte more than allowed tells that there is more; zlib takes 0 for no limit.
        cdef Py_ssize_t room = max_size + 1 if max_size else 0
        inflater = self.zlib_object
        if inflater is None:
            if self.parked is not None:
                inflater = backend.decompressobj(-self.window_bits, self.parked)
            elif len(data) == tail:
                # After a final block there may be nothing, not even a tail's first byte.
                self.in_message = not fin
                return b""
            else:
                inflater = backend.decompressobj(-self.window_bits)
            self.came_alive(inflater)
        if self.pool is not None:
            self.pool.uses += 1
            self.last_use = self.pool.uses
        self.in_message = not fin
        try:
            out = inflater.decompress(data, room)
            if inflater.eof:
                rest = memoryview(inflater.unused_data)
                out = self._next_streams(out, rest[:len(rest) - tail], room)
                tail = 0
                inflater = self.zlib_object
            elif self.keep:
                self.remember(<const uint8_t *>PyBytes_AS_STRING(out), PyBytes_GET_SIZE(out))
            if room and PyBytes_GET_SIZE(out) >= room:
                raise too_big(max_size)
            if fin and not tail and inflater is not None:
                more = inflater.decompress(TAIL, room - PyBytes_GET_SIZE(out) if room else 0)
                if more:
                    # Only a damaged stream takes it for data.
                    out += more
                    if room and PyBytes_GET_SIZE(out) >= room:
                        raise too_big(max_size)
                if inflater.eof:
                    self.gone()
        except zlib_errors as exc:
            raise ProtocolFault(FaultKind.DEFLATE, detail=str(exc)) from None
        if fin and not self.takeover:
            self.gone()
        return out

    cdef bytes _next_streams(self, bytes out, object view, Py_ssize_t room):
        """Go on behind a final block: a new stream starts there (RFC 7692 7.2.3.4)."""
        cdef bytes more
        cdef list pieces = [out]
        cdef Py_ssize_t size = PyBytes_GET_SIZE(out)
        cdef int streams = 0
        self.gone()
        while len(view) and not (room and size >= room):
            inflater = self.zlib_object
            if inflater is None:
                streams += 1
                if streams > MAX_STREAMS:
                    raise ProtocolFault(FaultKind.DEFLATE_BLOCKS, limit=MAX_STREAMS)
                inflater = backend.decompressobj(-self.window_bits)
                self.came_alive(inflater)
            piece = view[:PIECE]
            more = inflater.decompress(piece, room - size if room else 0)
            pieces.append(more)
            size += PyBytes_GET_SIZE(more)
            view = view[len(piece) - len(inflater.unused_data):]
            if inflater.eof:
                self.gone()
            elif self.keep:
                self.remember(<const uint8_t *>PyBytes_AS_STRING(more), PyBytes_GET_SIZE(more))
        return b"".join(pieces)


cdef object too_big(Py_ssize_t max_size):
    return ProtocolFault(FaultKind.INFLATED_SIZE, limit=max_size)
