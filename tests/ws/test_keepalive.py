"""When a keepalive pings, and when a peer counts as dead: one clock, no sockets."""

from __future__ import annotations

from typing import Any

import pytest

from aiohttp_ws.net.tcp_info import TCPState
from aiohttp_ws.ws.engine import keepalive
from aiohttp_ws.ws.engine.keepalive import Keepalive

from .clock import Clock

ALIVE = TCPState(ended=False, owes=False, quiet=0.0, acknowledged=0)


class Pinged:
    """A connection as the keepalive sees it."""

    underlying_transport = None

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._last_heard = clock.now
        self.pings: list[float] = []
        self.given_up: list[float] = []
        self.open = True
        self.reading_paused = False
        self.resumed = False
        self.unsent = 0
        self.tcp: TCPState | None = ALIVE

    def _ping(self, again: bool) -> bool:
        self.pings.append(round(self.clock.now - 1000, 6))
        return self.open

    def _unanswered(self, seconds: float) -> None:
        self.given_up.append(round(self.clock.now - 1000, 6))

    def _take_resumed(self) -> bool:
        resumed, self.resumed = self.resumed, False
        return resumed

    def _unsent(self) -> int:
        return self.unsent

    def hear(self) -> None:
        self._last_heard = self.clock.now


@pytest.fixture(params=[False, True], ids=["when_idle", "periodic"])
def periodic(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def start(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(
        periodic: bool,
        interval: float = 10,
        reply: float | None = 4,
        any_input: bool = False,
    ) -> tuple[Pinged, Keepalive]:
        connection = Pinged(clock)
        monkeypatch.setattr(keepalive, "tcp_state", lambda transport: connection.tcp)
        return connection, Keepalive(
            connection,  # type: ignore[arg-type]
            interval,
            reply,
            periodic=periodic,
            any_input=any_input,
        )

    return start


def test_a_peer_that_is_silent_is_pinged_and_given_up(clock, start, periodic):
    connection, _ = start(periodic)
    clock.pass_seconds(9.9)
    assert connection.pings == []
    clock.pass_seconds(0.1)
    assert connection.pings == [10]
    clock.pass_seconds(3.9)
    assert connection.given_up == []
    clock.pass_seconds(100)
    assert connection.given_up == [14]
    assert connection.pings == [10]


def test_when_idle_a_peer_that_talks_is_not_pinged(clock, start):
    connection, _ = start(False)
    for _ in range(100):
        clock.pass_seconds(3)
        connection.hear()
    assert connection.pings == []
    clock.pass_seconds(9.9)
    assert connection.pings == []
    clock.pass_seconds(0.2)
    assert connection.pings == [310]


def test_periodically_a_peer_that_talks_is_pinged_too(clock, start):
    connection, pinger = start(True)
    for _ in range(10):
        clock.pass_seconds(10)
        connection.hear()
        pinger.answered()
    assert connection.pings == [pytest.approx(10 * i) for i in range(1, 11)]


def test_periodically_the_time_for_the_answer_is_part_of_the_period(clock, start):
    connection, pinger = start(True)
    clock.pass_seconds(13)
    pinger.answered()
    clock.pass_seconds(6.9)
    assert connection.pings == [10]
    clock.pass_seconds(0.2)
    assert connection.pings == [10, 20]


def test_periodically_an_answer_later_than_the_period_brings_a_ping_at_once(clock, start):
    connection, pinger = start(True, interval=2, reply=10)
    clock.pass_seconds(7)
    pinger.answered()
    clock.pass_seconds(0)
    assert connection.pings == [2, 7]


def test_when_idle_the_answer_begins_a_new_period(clock, start):
    connection, pinger = start(False)
    clock.pass_seconds(12)
    connection.hear()
    pinger.answered()
    clock.pass_seconds(9.9)
    assert connection.pings == [10]
    clock.pass_seconds(0.2)
    assert connection.pings == [10, 22]


def test_data_that_is_no_answer_does_not_save_the_connection(clock, start, periodic):
    connection, _ = start(periodic)
    clock.pass_seconds(11)
    connection.hear()
    clock.pass_seconds(3)
    assert connection.given_up == [14]


def test_any_input_saves_it_where_that_counts_as_an_answer(clock, start, periodic):
    connection, _ = start(periodic, any_input=True)
    clock.pass_seconds(11)
    connection.hear()
    clock.pass_seconds(3)
    assert connection.given_up == []


def test_without_a_limit_nobody_is_given_up(clock, start, periodic):
    connection, _ = start(periodic, reply=None)
    clock.pass_seconds(40)
    assert connection.pings == [10, 20, 30, 40]
    assert connection.given_up == []


def test_a_loop_that_was_blocked_still_reads_the_pong(clock, start, periodic):
    connection, pinger = start(periodic)
    clock.pass_seconds(10)
    clock.now += 60  # no timer runs: the loop is blocked
    clock.pass_seconds(0)
    assert connection.given_up == []
    pinger.answered()
    clock.pass_seconds(3.9)
    assert connection.given_up == []


# --------------------------------------------------------------------- while we do not read


def test_while_reading_is_paused_a_peer_whose_tcp_answers_stays(clock, start, periodic):
    connection, _ = start(periodic)
    connection.reading_paused = True
    clock.pass_seconds(60)
    assert connection.given_up == []
    assert len(connection.pings) > 5  # there is always something to acknowledge


def test_while_reading_is_paused_a_peer_whose_tcp_is_silent_is_dead(clock, start, periodic):
    connection, _ = start(periodic)
    connection.reading_paused = True
    connection.tcp = TCPState(ended=False, owes=True, quiet=5.0, acknowledged=0)
    clock.pass_seconds(14)
    assert connection.given_up == [14]


def test_a_peer_that_has_ended_is_waited_for_while_the_application_reads(clock, start, periodic):
    connection, _ = start(periodic)
    connection.reading_paused = True
    connection.tcp = ALIVE._replace(ended=True)
    clock.pass_seconds(10)
    for _ in range(10):
        connection.resumed = True
        clock.pass_seconds(2)
    assert connection.given_up == []
    clock.pass_seconds(4)
    assert len(connection.given_up) == 1


# ------------------------------------------------------------------- while output is unread


def test_a_peer_that_goes_on_taking_what_we_send_lives(clock, start, periodic):
    connection, _ = start(periodic)
    connection.unsent = 1_000_000
    connection.tcp = TCPState(ended=False, owes=True, quiet=0.0, acknowledged=0)
    for step in range(30):
        connection.tcp = connection.tcp._replace(acknowledged=step * 1000)
        clock.pass_seconds(1)
    assert connection.given_up == []
    clock.pass_seconds(4)
    assert len(connection.given_up) == 1


def test_a_peer_that_takes_nothing_is_dead_however_much_waits(clock, start, periodic):
    connection, _ = start(periodic)
    connection.unsent = 1_000_000
    connection.tcp = TCPState(ended=False, owes=True, quiet=0.0, acknowledged=5)
    clock.pass_seconds(14)
    assert connection.given_up == [14]


def test_an_acknowledged_ping_alone_is_not_an_answer(clock, start, periodic):
    connection, _ = start(periodic)
    clock.pass_seconds(10)
    connection.tcp = ALIVE._replace(acknowledged=6)
    clock.pass_seconds(4)
    assert connection.given_up == [14]


def test_where_tcp_tells_nothing_a_shrinking_backlog_is_life(clock, start, periodic):
    connection, _ = start(periodic)
    connection.tcp = None
    connection.unsent = 1000
    clock.pass_seconds(10)
    for _ in range(5):
        connection.unsent -= 100
        clock.pass_seconds(2)
    assert connection.given_up == []
    clock.pass_seconds(4)
    assert len(connection.given_up) == 1


def test_a_connection_that_ended_leaves_no_timer(clock, start, periodic):
    connection, pinger = start(periodic)
    clock.pass_seconds(10)
    assert len(clock.timers) == 1
    pinger.stop()
    pinger.stop()
    assert clock.timers == []
    connection, pinger = start(periodic)
    connection.open = False
    clock.pass_seconds(100)
    assert clock.timers == []
