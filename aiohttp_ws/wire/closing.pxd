# The closing handshake (RFC 6455 7) as compiled code embeds it.


cpdef enum State:
    # In this order: what is read is looked at in the first two only.
    OPEN = 0
    CLOSE_SENT = 1
    CLOSE_RECEIVED = 2
    FAILING = 3
    CLOSED = 4
    LOST = 5
    CONNECTING = 6


cpdef enum Event:
    OPENED = 0
    SEND_CLOSE = 1
    RECEIVE_CLOSE = 2
    FAULT = 3
    TCP_ENDED = 4


cpdef enum Action:
    LEAVE_OPEN = 1
    STOP_INPUT = 2
    ANSWER = 4
    AWAIT_CLOSE = 8
    END_TCP = 16
    LINGER = 32
    REPORT_END = 64


cdef enum:
    NO_STATUS = 1005        # a close frame without a code (RFC 6455 7.1.5)
    ABNORMAL = 1006         # no close frame


cdef struct Closing:
    State state
    int received            # the peer's close code, NO_STATUS for none in its frame, 0 for no frame
    int sent                # ours likewise
    bint peer_first         # the peer's close frame came before ours was sent


cdef int take_step(Closing *closing, Event event) noexcept
