"""The closing handshake's table, held against RFC 6455 7."""

import itertools

import pytest

from aiohttp_ws.wire.closing import TABLE, Action, ClosingHandshake, Event, State

ENDS = {State.CLOSED, State.LOST}


def after(*events: Event) -> tuple[State, list[int]]:
    handshake = ClosingHandshake()
    actions = [handshake.step(event) for event in events]
    return handshake.state, actions


def test_every_order_of_two_close_frames_ends_the_same():
    for order in itertools.permutations([Event.SEND_CLOSE, Event.RECEIVE_CLOSE]):
        state, actions = after(*order)
        assert state is State.CLOSED
        assert actions[-1] & Action.END_TCP
        assert actions[-1] & Action.REPORT_END


def test_the_peers_close_frame_ends_input_and_wants_an_answer():
    state, (actions,) = after(Event.RECEIVE_CLOSE)
    assert state is State.CLOSE_RECEIVED
    assert actions & Action.STOP_INPUT
    assert actions & Action.ANSWER


def test_a_fault_is_answered_once_and_then_lingers():
    state, actions = after(Event.FAULT, Event.SEND_CLOSE, Event.SEND_CLOSE)
    assert state is State.CLOSED
    assert actions[1] & Action.LINGER
    assert actions[2] == 0


def test_a_fault_after_our_close_frame_sends_no_other():
    state, actions = after(Event.SEND_CLOSE, Event.FAULT)
    assert state is State.CLOSED
    assert not actions[1] & Action.ANSWER


@pytest.mark.parametrize(
    "before", [(), (Event.SEND_CLOSE,), (Event.RECEIVE_CLOSE,), (Event.FAULT,)]
)
def test_tcp_that_ends_first_is_a_loss(before: tuple[Event, ...]):
    state, actions = after(*before, Event.TCP_ENDED)
    assert state is State.LOST
    assert actions[-1] & Action.REPORT_END


@pytest.mark.parametrize("end", [(Event.SEND_CLOSE, Event.RECEIVE_CLOSE), (Event.TCP_ENDED,)])
@pytest.mark.parametrize("event", Event)
def test_nothing_happens_after_the_end(end: tuple[Event, ...], event: Event):
    state, actions = after(*end, event)
    assert state in ENDS
    assert actions[-1] == 0


@pytest.mark.parametrize("length", range(1, 5))
def test_the_end_is_reported_exactly_once_whatever_happens(length: int):
    for events in itertools.product(Event, repeat=length):
        state, actions = after(*events)
        reports = sum(bool(each & Action.REPORT_END) for each in actions)
        assert reports == (state in ENDS)


@pytest.mark.parametrize("length", range(1, 5))
def test_leaving_the_open_state_is_said_exactly_once(length: int):
    for events in itertools.product(Event, repeat=length):
        state, actions = after(*events)
        assert sum(bool(each & Action.LEAVE_OPEN) for each in actions) == (state is not State.OPEN)


def test_every_state_but_the_ends_can_reach_an_end():
    for state in set(State) - ENDS:
        assert (state, Event.TCP_ENDED) in TABLE


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([(Event.RECEIVE_CLOSE, 4001), (Event.SEND_CLOSE, 4001)], 4001),
        ([(Event.SEND_CLOSE, 1000), (Event.RECEIVE_CLOSE, 1005)], 1005),
        ([(Event.SEND_CLOSE, 1000), (Event.TCP_ENDED, 0)], 1006),
        ([(Event.RECEIVE_CLOSE, 4001), (Event.TCP_ENDED, 0)], 4001),
    ],
)
def test_the_close_code_is_the_peers_or_1006(events: list[tuple[Event, int]], code: int):
    # RFC 6455 7.1.5
    handshake = ClosingHandshake()
    for event, value in events:
        handshake.step(event, value)
    assert handshake.close_code == code


def test_who_closed_first_is_known():
    theirs, ours = ClosingHandshake(), ClosingHandshake()
    theirs.step(Event.RECEIVE_CLOSE)
    theirs.step(Event.SEND_CLOSE)
    ours.step(Event.SEND_CLOSE)
    ours.step(Event.RECEIVE_CLOSE)
    assert theirs.peer_first
    assert not ours.peer_first


def test_nothing_but_the_opening_handshake_opens_a_connection():
    handshake = ClosingHandshake(connecting=True)
    assert handshake.state is State.CONNECTING
    handshake.step(Event.OPENED)
    assert handshake.state is State.OPEN
