"""The closing handshake of RFC 6455 7, as a table.

Everything that decides how a connection ends is here, and this module does not know which side
it plays, what a socket is or what an API calls things.

A connection is OPEN until one of three things happens. We send a close frame: CLOSE_SENT. The
peer's close frame comes: CLOSE_RECEIVED, and ours is due in answer (5.5.1), at once or when the
application has had its say. The peer breaks the protocol or a limit, or our own code fails:
FAILING, and a close frame that says so is due (7.1.7). Each ends in CLOSED, where both sides
have said what they had to say and only TCP is left to end. LOST is where TCP ended before that
(7.1.5: the close code is 1006 then, unless the peer's close frame had come).

After the peer's close frame nothing that it sends counts (5.5.1), nor after its fault (7.1.7).
The server ends TCP first (7.1.1). After a fault the peer may still be sending: a socket closed
with unread input resets the connection and can destroy our close frame on its way, so we end our
side only, and drop what comes (LINGER).

A step that the table does not have changes nothing: a second close frame of ours is not sent,
and what happens after the end does not matter.

What may differ between users of the table is data of theirs: when an ANSWER that is due is sent,
how long CLOSE_SENT waits (AWAIT_CLOSE), and who ends TCP (END_TCP).
"""

TABLE = {
    # state, event: next state, actions
    (State.CONNECTING, Event.OPENED): (State.OPEN, 0),
    (State.CONNECTING, Event.TCP_ENDED): (State.LOST, REPORT_END),
    (State.OPEN, Event.SEND_CLOSE): (State.CLOSE_SENT, LEAVE_OPEN | AWAIT_CLOSE),
    (State.OPEN, Event.RECEIVE_CLOSE): (State.CLOSE_RECEIVED, LEAVE_OPEN | STOP_INPUT | ANSWER),
    (State.OPEN, Event.FAULT): (State.FAILING, LEAVE_OPEN | STOP_INPUT | ANSWER),
    (State.OPEN, Event.TCP_ENDED): (State.LOST, LEAVE_OPEN | STOP_INPUT | REPORT_END),
    # Our close frame is out: the peer's makes both, and after a fault we have no other to send.
    (State.CLOSE_SENT, Event.RECEIVE_CLOSE): (State.CLOSED, STOP_INPUT | END_TCP | REPORT_END),
    (State.CLOSE_SENT, Event.FAULT): (State.CLOSED, STOP_INPUT | LINGER | REPORT_END),
    (State.CLOSE_SENT, Event.TCP_ENDED): (State.LOST, STOP_INPUT | REPORT_END),
    # The peer's close frame has come.
    (State.CLOSE_RECEIVED, Event.SEND_CLOSE): (State.CLOSED, END_TCP | REPORT_END),
    (State.CLOSE_RECEIVED, Event.FAULT): (State.FAILING, ANSWER),
    (State.CLOSE_RECEIVED, Event.TCP_ENDED): (State.LOST, REPORT_END),
    # The close frame that tells of a fault is due.
    (State.FAILING, Event.SEND_CLOSE): (State.CLOSED, LINGER | REPORT_END),
    (State.FAILING, Event.TCP_ENDED): (State.LOST, REPORT_END),
}

# As Python shows them; State(number) would be a number again here.
cdef tuple SHOWN = (
    State.OPEN,
    State.CLOSE_SENT,
    State.CLOSE_RECEIVED,
    State.FAILING,
    State.CLOSED,
    State.LOST,
    State.CONNECTING,
)

cdef enum:
    STATES = 7
    EVENTS = 5

cdef unsigned char next_state[STATES][EVENTS]
cdef unsigned char actions_of[STATES][EVENTS]


cdef int fill() except -1:
    """Lay the table out for compiled code."""
    for state in range(STATES):
        for event in range(EVENTS):
            following, actions = TABLE.get((state, event), (state, 0))
            next_state[state][event] = following
            actions_of[state][event] = actions
    return 0


fill()


cdef int take_step(Closing *closing, Event event) noexcept:
    """Let *event* happen; return the actions that it asks for."""
    cdef int state = closing.state
    if event == RECEIVE_CLOSE and closing.sent == 0:
        closing.peer_first = True
    closing.state = <State>next_state[state][<int>event]
    return actions_of[state][<int>event]


cdef class ClosingHandshake:
    """The closing handshake of one connection, for code without a transport.

    :param connecting: the opening handshake is not done yet.
    """

    cdef Closing closing

    def __init__(self, bint connecting=False):
        self.closing.state = CONNECTING if connecting else OPEN

    @property
    def state(self):
        """The :class:`State` that the connection is in."""
        return SHOWN[self.closing.state]

    @property
    def peer_first(self):
        """Whether the peer's close frame came before ours was sent."""
        return self.closing.peer_first

    def step(self, Event event, int code=NO_STATUS):
        """Let *event* happen.

        :param code: of the close frame that was sent or received, 1005 for one without a code.
        :return: the actions that are due, an :class:`Action` or several, 0 for none.
        """
        cdef int actions = take_step(&self.closing, event)
        if event == SEND_CLOSE and self.closing.sent == 0:
            self.closing.sent = code
        elif event == RECEIVE_CLOSE and self.closing.received == 0:
            self.closing.received = code
        return actions

    @property
    def close_code(self):
        """The close code of RFC 6455 7.1.5: the peer's, 1005 for a frame without, else 1006."""
        return self.closing.received or ABNORMAL
