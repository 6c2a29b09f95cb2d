"""What a frame listener sees of a connection: its frames and its closing handshake."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeUTF8

from aiohttp_ws.wire.closing cimport NO_STATUS
from aiohttp_ws.wire.frames cimport FIN, RSV1, RSV2, RSV3

from aiohttp_ws.ws import types

__all__ = ("WSCloseHandshake", "WSCloseInfo", "WSFrame")

cdef extern from "aiohttp_ws/net/awaitables.h":
    ctypedef PyObject *(*aws_getter)(PyObject *, void *)
    int aws_add_property(object type, const char *name, aws_getter get, const char *doc) except -1
    PyObject *aws_new_reference(PyObject *object)

# Members by opcode, never freed: what a property hands out needs no look into a dict.
cdef list MSG_TYPES = [None] * 16
for _type in types.WSMsgType:
    if _type < 16:
        MSG_TYPES[_type] = _type


cdef inline int alive(WSFrame self) except -1:
    if self.payload_ptr == NULL:
        raise RuntimeError(
            "the payload of a WSFrame is gone when on_ws_frame has returned;"
            " copy it there, with get_payload_as_bytes() for example"
        )
    return 0


cdef inline int of_close(WSFrame self) except -1:
    alive(self)
    if self.msg_type != WSMsgType.CLOSE:
        raise ValueError(
            f"a {MSG_TYPES[<int>self.msg_type].name} frame has no close code or reason;"
            " look at msg_type first"
        )
    return 0


cdef object close_code(int code):
    """The code as a WSCloseCode, one without a name where it is an application's own."""
    try:
        return types.WSCloseCode(code)
    except ValueError:
        return code


@cython.no_gc  # what it owns, if anything, is bytes
@cython.freelist(64)
cdef class WSFrame:
    """A frame as it was received.

    It borrows the receive buffer: the payload dies when ``on_ws_frame`` returns. Copy what
    you keep; a frame that was kept itself raises RuntimeError when it is asked for its
    payload.
    """

    cpdef bytes get_payload_as_bytes(self):
        """Return a copy of the payload."""
        alive(self)
        return PyBytes_FromStringAndSize(self.payload_ptr, self.payload_size)

    cpdef str get_payload_as_utf8_text(self):
        """Return the payload as text.

        :raises UnicodeDecodeError: it is not UTF-8. Let it go on: the connection is closed
            with 1007 (RFC 6455 8.1).
        """
        alive(self)
        return PyUnicode_DecodeUTF8(self.payload_ptr, self.payload_size, NULL)

    cpdef str get_payload_as_ascii_text(self):
        """Return the payload as text.

        :raises UnicodeDecodeError: it is not ASCII.
        """
        alive(self)
        return PyUnicode_DecodeASCII(self.payload_ptr, self.payload_size, NULL)

    cpdef object get_payload_as_memoryview(self):
        """Return the payload without a copy; it dies when ``on_ws_frame`` returns."""
        alive(self)
        return PyMemoryView_FromMemory(self.payload_ptr, self.payload_size, 0x100)

    cpdef object get_close_code(self):
        """Return the code of a close frame, a WSCloseCode.

        An application's own, from 3000 on, has a ``value`` and no ``name``.

        ``WSCloseCode.NO_INFO`` for a close frame without one.
        """
        of_close(self)
        if self.payload_size < 2:
            return types.WSCloseCode.NO_INFO
        return close_code(
            (<unsigned char>self.payload_ptr[0]) << 8 | <unsigned char>self.payload_ptr[1]
        )

    cpdef bytes get_close_message(self):
        """Return the reason of a close frame as it came, ``None`` where it has none."""
        of_close(self)
        if self.payload_size <= 2:
            return None
        return PyBytes_FromStringAndSize(self.payload_ptr + 2, self.payload_size - 2)

    cpdef str get_close_reason(self):
        """Return the reason of a close frame as text, ``None`` where it has none."""
        of_close(self)
        if self.payload_size <= 2:
            return None
        return PyUnicode_DecodeUTF8(self.payload_ptr + 2, self.payload_size - 2, NULL)

    def __repr__(self):
        return (
            f"WSFrame({MSG_TYPES[<int>self.msg_type].name}, fin={self.fin}, rsv1={self.rsv1},"
            f" rsv2={self.rsv2}, rsv3={self.rsv3}, last_in_buffer={self.last_in_buffer},"
            f" payload_size={self.payload_size}, tail_size={self.tail_size})"
        )

    __str__ = __repr__


cdef PyObject *_msg_type(PyObject *frame, void *closure) noexcept:
    return aws_new_reference(<PyObject *>MSG_TYPES[<int>(<WSFrame>frame).msg_type])


# Compiled listeners compare a C integer, Python ones the member of the enumeration.
aws_add_property(WSFrame, b"msg_type", _msg_type, b"What the frame is, a WSMsgType.")


cdef WSFrame make_frame(Frame *frame):
    cdef WSFrame view = WSFrame.__new__(WSFrame)
    view.payload_ptr = <char *>frame.payload
    view.payload_size = frame.size
    view.msg_type = <WSMsgType>frame.opcode
    view.fin = frame.flags & FIN != 0
    view.rsv1 = frame.flags & RSV1 != 0
    view.rsv2 = frame.flags & RSV2 != 0
    view.rsv3 = frame.flags & RSV3 != 0
    return view


def _make_test_ws_frame(msg_type, bytes payload, bint fin=True, bint rsv1=False):
    """Return a frame that owns *payload*: for tests of a listener without a connection."""
    cdef WSFrame view = WSFrame.__new__(WSFrame)
    view.owner = payload
    view.payload_ptr = PyBytes_AS_STRING(payload)
    view.payload_size = PyBytes_GET_SIZE(payload)
    view.msg_type = <WSMsgType>(<int>msg_type)
    view.fin = fin
    view.rsv1 = rsv1
    view.last_in_buffer = True
    return view


cdef class WSCloseInfo:
    """One end's close frame: its ``code`` (``WSCloseCode.NO_INFO`` for none) and ``reason``."""

    def __repr__(self):
        return f"WSCloseInfo(code={self.code!r}, reason={self.reason!r})"


cdef class WSCloseHandshake:
    """How far the closing handshake went (RFC 6455 7.1.5).

    ``recv`` and ``sent`` are the close frames of the peer and of this end, ``None`` for one
    that has not come; ``recv_then_sent`` says that the peer's came first.
    """

    def __repr__(self):
        return (
            f"WSCloseHandshake(recv={self.recv!r}, sent={self.sent!r},"
            f" recv_then_sent={self.recv_then_sent})"
        )


cdef WSCloseInfo make_close_info(int code, str reason):
    cdef WSCloseInfo info = WSCloseInfo.__new__(WSCloseInfo)
    info.code = close_code(0 if code == NO_STATUS else code)
    info.reason = reason
    return info


cdef WSCloseHandshake make_close_handshake(
    int received, str received_reason, int sent, str sent_reason, bint peer_first
):
    """Show what the two close frames said; a code of 0 stands for one that there is not."""
    cdef WSCloseHandshake shown = WSCloseHandshake.__new__(WSCloseHandshake)
    if received:
        shown.recv = make_close_info(received, received_reason)
    if sent:
        shown.sent = make_close_info(sent, sent_reason)
    shown.recv_then_sent = peer_first
    return shown
