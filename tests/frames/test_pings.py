"""Promises of pings and pongs: answered, sent by themselves, measured."""

from __future__ import annotations

import asyncio
import types
from typing import Any

import pytest

from aiohttp_ws import WSAutoPingStrategy, WSMsgType
from aiohttp_ws.ws.engine import keepalive
from aiohttp_ws.ws.engine.keepalive import AutoPing
from tests.ws.memory_transport import CLOSE, PING, PONG, TEXT, close_payload, settle

from .ends import Bench, Recorder, ended, pair, settings, within

IDLE, PERIODIC = WSAutoPingStrategy.PING_WHEN_IDLE, WSAutoPingStrategy.PING_PERIODICALLY


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request):
    return request.param


# --------------------------------------------------------------------------- auto pong


async def test_pings_are_answered_and_kept_from_the_listener(side):
    bench = Bench(server=side)
    bench.transport.feed(bench.frame(PING, b"1") + bench.frame(TEXT, b"x") + bench.frame(PING))
    assert bench.sent() == [(PONG, b"1"), (PONG, b"")]
    assert bench.listener.frames == [(TEXT, b"x")]


async def test_a_ping_of_125_bytes_is_answered_with_all_of_them(side):
    bench = Bench(server=side)
    bench.send(PING, bytes(range(125)))
    assert bench.sent() == [(PONG, bytes(range(125)))]


async def test_a_ping_between_fragments_is_answered_at_once(side):
    bench = Bench(server=side)
    bench.send(TEXT, b"a", fin=False)
    bench.send(PING, b"?")
    assert bench.sent() == [(PONG, b"?")]


async def test_without_auto_pong_pings_are_the_listeners(side):
    def answer(transport, frame):
        if frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes() + b"!")

    bench = Bench(Recorder(on_ws_frame=answer), server=side, enable_auto_pong=False)
    bench.send(PING, b"hi")
    assert bench.listener.frames == [(PING, b"hi")]
    assert bench.sent() == [(PONG, b"hi!")]


async def test_pongs_are_the_listeners(side):
    bench = Bench(server=side)
    bench.send(PONG, b"unasked")
    assert bench.listener.frames == [(PONG, b"unasked")]


async def test_a_flood_of_pings_does_not_grow_the_output_of_a_peer_that_does_not_read(side):
    bench = Bench(server=side)
    bench.transport.protocol.pause_writing()
    for i in range(1000):
        bench.send(PING, b"%d" % i)
    assert bench.sent() == []
    bench.transport.protocol.resume_writing()
    assert bench.sent() == [(PONG, b"999")]


# ----------------------------------------------------- when: AutoPing on a clock by hand


class Clock:
    """An event loop's timers, and time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Any] = []

    def monotonic(self) -> float:
        return self.now

    def get_running_loop(self) -> Clock:
        return self

    def call_later(self, seconds: float, callback: Any) -> Any:
        timer = types.SimpleNamespace(at=self.now + seconds, callback=callback)
        timer.cancel = lambda: timer in self.timers and self.timers.remove(timer)
        self.timers.append(timer)
        return timer

    def pass_seconds(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer.at <= end]:
            timer = min(due, key=lambda each: each.at)
            self.timers.remove(timer)
            self.now = max(self.now, timer.at)
            timer.callback()
        self.now = end


class Pinged:
    """A connection as AutoPing sees it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._last_heard = clock.now
        self.pings: list[float] = []
        self.given_up: list[tuple[float, int]] = []
        self.open = True

    def _ping(self) -> bool:
        self.pings.append(self.clock.now - 1000)
        return self.open

    def _give_up(self, code: int, reason: str) -> None:
        self.given_up.append((self.clock.now - 1000, code))

    def hear(self) -> None:
        self._last_heard = self.clock.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(keepalive, "time", clock)
    monkeypatch.setattr(keepalive, "asyncio", clock)
    return clock


def start(clock, strategy, idle=10, reply=4):
    connection = Pinged(clock)
    pinger = AutoPing(
        connection,
        settings(
            auto_ping_strategy=strategy, auto_ping_idle_timeout=idle, auto_ping_reply_timeout=reply
        ),
    )
    pinger.start()
    return connection, pinger


@pytest.mark.parametrize("strategy", [IDLE, PERIODIC])
def test_a_peer_that_is_silent_is_pinged_and_given_up(clock, strategy):
    connection, _ = start(clock, strategy)
    clock.pass_seconds(9.9)
    assert connection.pings == []
    clock.pass_seconds(0.1)
    assert connection.pings == [10]
    clock.pass_seconds(3.9)
    assert connection.given_up == []
    clock.pass_seconds(100)
    assert connection.given_up == [(14, 1001)]
    assert connection.pings == [10]


def test_when_idle_a_peer_that_talks_is_not_pinged(clock):
    connection, _ = start(clock, IDLE)
    for _ in range(100):
        clock.pass_seconds(3)
        connection.hear()
    assert connection.pings == []
    clock.pass_seconds(9.9)
    assert connection.pings == []
    clock.pass_seconds(0.2)
    assert connection.pings == [pytest.approx(310)]


def test_periodically_a_peer_that_talks_is_pinged_too(clock):
    connection, pinger = start(clock, PERIODIC)
    for _ in range(10):
        clock.pass_seconds(10)
        connection.hear()
        clock.pass_seconds(0)
        pinger.answered()
    assert connection.pings == [pytest.approx(10 * i) for i in range(1, 11)]


def test_periodically_the_time_for_the_answer_is_part_of_the_period(clock):
    connection, pinger = start(clock, PERIODIC)
    clock.pass_seconds(10)
    clock.pass_seconds(3)
    pinger.answered()
    clock.pass_seconds(6.9)
    assert connection.pings == [10]
    clock.pass_seconds(0.2)
    assert connection.pings == [10, pytest.approx(20)]


def test_periodically_an_answer_later_than_the_period_brings_the_next_ping_at_once(clock):
    connection, pinger = start(clock, PERIODIC, idle=2, reply=10)
    clock.pass_seconds(2)
    clock.pass_seconds(5)
    pinger.answered()
    clock.pass_seconds(0)
    assert connection.pings == [2, 7]


def test_when_idle_the_answer_begins_a_new_period(clock):
    connection, pinger = start(clock, IDLE)
    clock.pass_seconds(12)
    connection.hear()
    pinger.answered()
    clock.pass_seconds(9.9)
    assert connection.pings == [10]
    clock.pass_seconds(0.2)
    assert connection.pings == [10, pytest.approx(22)]


@pytest.mark.parametrize("strategy", [IDLE, PERIODIC])
def test_data_that_is_no_answer_does_not_save_the_connection(clock, strategy):
    connection, _ = start(clock, strategy)
    clock.pass_seconds(11)
    connection.hear()
    clock.pass_seconds(3)
    assert len(connection.given_up) == 1


@pytest.mark.parametrize("strategy", [IDLE, PERIODIC])
def test_a_connection_that_ended_leaves_no_timer(clock, strategy):
    connection, pinger = start(clock, strategy)
    clock.pass_seconds(10)
    assert len(clock.timers) == 1
    pinger.stop()
    pinger.stop()
    assert clock.timers == []
    connection, pinger = start(clock, strategy)
    connection.open = False
    clock.pass_seconds(100)
    assert clock.timers == []


# ------------------------------------------------------------- what: on real connections

FAST = {"enable_auto_ping": True, "auto_ping_idle_timeout": 0.005, "auto_ping_reply_timeout": 30}
IMPATIENT = {**FAST, "auto_ping_reply_timeout": 0.01}


def strategies(options):
    return [{**options, "auto_ping_strategy": strategy} for strategy in (IDLE, PERIODIC)]


async def pinged(bench, times=1):
    for _ in range(times):
        await within(bench.transport.wrote.wait())
        bench.transport.wrote.clear()


@pytest.mark.parametrize("options", strategies(FAST))
async def test_pongs_that_answer_the_automatic_ping_stay_here(side, options):
    bench = Bench(server=side, **options)
    for _ in range(3):
        await pinged(bench)
        assert bench.sent() == [(PING, b"")]
        bench.send(PONG)
    bench.send(PONG, b"foreign")  # no answer is expected now
    assert bench.listener.frames == [(PONG, b"foreign")]
    bench.transport.lose()


@pytest.mark.parametrize("options", strategies(IMPATIENT))
async def test_a_peer_that_does_not_answer_is_dropped(side, options):
    bench = Bench(server=side, **options)
    await pinged(bench)
    assert bench.sent() == [(PING, b"")]
    await pinged(bench)
    [(opcode, payload)] = bench.sent()
    assert (opcode, payload[:2]) == (CLOSE, close_payload(1001))
    assert b"auto_ping_reply_timeout=0.01" in payload
    assert bench.transport.closing
    bench.transport.lose()
    assert await ended(bench.connection) is None


@pytest.mark.parametrize("end", ["client", "server"])
async def test_over_sockets_a_peer_that_does_not_answer_is_dropped(end):
    deaf = {"enable_auto_pong": False}
    async with pair(
        client=IMPATIENT if end == "client" else deaf,
        server=IMPATIENT if end == "server" else deaf,
    ) as (near, far):
        await near.wait_gone()
        await far.wait_gone()
        other = far if end == "client" else near
        assert [opcode for opcode, _ in other.frames] == [PING, CLOSE]


@pytest.mark.parametrize("options", strategies(FAST))
async def test_over_sockets_a_peer_that_answers_stays(options):
    deaf = {"enable_auto_pong": False}
    async with pair(client=options, server=deaf) as (near, far):
        for _ in range(5):
            assert await far.next() == (PING, b"")
            far.transport.send_pong()
        assert not near.transport.is_disconnected
        assert near.frames == []


async def test_a_peer_that_does_not_answer_our_close_frame_is_dropped(side):
    bench = Bench(server=side, **IMPATIENT)
    bench.connection.send_close(1000)
    await within(bench.transport.closed.wait())
    assert bench.sent() == [(CLOSE, close_payload(1000))]
    bench.transport.lose()


async def test_a_listener_may_ping_in_its_own_way(side):
    class Own(Recorder):
        def send_user_specific_ping(self, transport):
            transport.send(WSMsgType.TEXT, b"ping?")

        def is_user_specific_pong(self, frame):
            return frame.get_payload_as_bytes() == b"pong!"

    bench = Bench(Own(), server=side, **FAST)
    bench.send(TEXT, b"pong!")  # not asked for: the listener's
    await pinged(bench)
    assert bench.sent() == [(TEXT, b"ping?")]
    bench.send(PONG)
    bench.send(TEXT, b"other")
    bench.send(TEXT, b"pong!")
    assert bench.listener.frames == [(TEXT, b"pong!"), (PONG, b""), (TEXT, b"other")]
    await pinged(bench)
    assert bench.sent() == [(TEXT, b"ping?")]
    bench.transport.lose()


async def test_a_listener_may_say_later_that_the_answer_came(side):
    class Late(Recorder):
        def is_user_specific_pong(self, frame):
            return False

    def look(transport, frame):
        if frame.get_payload_as_bytes() == b"pong":
            transport.notify_user_specific_pong_received()

    bench = Bench(Late(on_ws_frame=look), server=side, **FAST)
    for _ in range(3):
        await pinged(bench)
        assert bench.sent() == [(PING, b"")]
        bench.send(TEXT, b"pong")
    assert bench.listener.frames == [(TEXT, b"pong")] * 3
    bench.transport.lose()


async def test_to_say_so_when_nothing_is_expected_does_nothing(side):
    for options in ({}, {**FAST, "auto_ping_idle_timeout": 30}):
        bench = Bench(server=side, **options)
        bench.connection.notify_user_specific_pong_received()
        assert bench.sent() == []
        bench.transport.lose()
        bench.connection.notify_user_specific_pong_received()


@pytest.mark.parametrize("name", ["send_user_specific_ping", "is_user_specific_pong"])
async def test_exceptions_around_pings_end_the_connection(side, name):
    class Bad(Recorder):
        pass

    def fail(*_):
        raise ValueError(name)

    setattr(Bad, name, fail)
    bench = Bench(Bad(), server=side, **FAST)
    if name == "is_user_specific_pong":
        await pinged(bench)
        assert bench.sent() == [(PING, b"")]
        bench.send(PONG)
    else:
        await pinged(bench)
    assert bench.sent() == [(CLOSE, close_payload(1011))]
    bench.transport.lose()
    assert (await ended(bench.connection) is None) is side


# ------------------------------------------------------------- measure_roundtrip_time()


async def test_roundtrips_are_measured_one_after_another():
    async with pair() as (near, far):
        for end, other in ((near, far), (far, near)):
            times = await within(end.transport.measure_roundtrip_time(5))
            assert len(times) == 5
            assert all(0 < each < 30 for each in times)
            assert end.frames == other.frames == []
        assert await near.transport.measure_roundtrip_time(0) == []


async def test_foreign_pongs_are_no_roundtrip(side):
    bench = Bench(server=side)
    task = asyncio.create_task(bench.connection.measure_roundtrip_time(1))
    await settle()
    [(opcode, payload)] = bench.sent()
    assert opcode == PING
    for foreign in (b"", b"x" * 8, payload[:7], payload + b"x"):
        bench.send(PONG, foreign)
    await settle()
    assert not task.done()
    bench.send(PONG, payload)
    assert len(await within(task)) == 1
    assert [each for _, each in bench.listener.frames] == [
        b"",
        b"x" * 8,
        payload[:7],
        payload + b"x",
    ]
    bench.send(PONG, payload)  # a second time it is the listener's
    assert bench.listener.frames[-1] == (PONG, payload)


async def test_a_connection_lost_in_the_middle_is_an_error(side):
    bench = Bench(server=side)
    task = asyncio.create_task(bench.connection.measure_roundtrip_time(3))
    await settle()
    bench.send(PONG, bench.sent()[0][1])
    await settle()
    bench.transport.lose()
    with pytest.raises(ConnectionResetError):
        await within(task)


async def test_a_connection_that_is_closing_is_not_measured(side):
    bench = Bench(server=side)
    bench.connection.send_close(1000)
    with pytest.raises(ConnectionResetError):
        await bench.connection.measure_roundtrip_time(1)
    bench.transport.lose()
    with pytest.raises(ConnectionResetError):
        await bench.connection.measure_roundtrip_time(1)


async def test_two_measurements_at_a_time_are_refused(side):
    bench = Bench(server=side)
    first = asyncio.create_task(bench.connection.measure_roundtrip_time(2))
    await settle()
    bench.send(PONG, bench.sent()[0][1])
    # The first is between its rounds.
    with pytest.raises(RuntimeError, match="already"):
        await bench.connection.measure_roundtrip_time(1)
    await settle()
    bench.send(PONG, bench.sent()[0][1])
    assert len(await within(first)) == 2


async def test_a_cancelled_measurement_makes_room_for_another(side):
    bench = Bench(server=side)
    task = asyncio.create_task(bench.connection.measure_roundtrip_time(2))
    await settle()
    [(_, old)] = bench.sent()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    again = asyncio.create_task(bench.connection.measure_roundtrip_time(1))
    await settle()
    bench.send(PONG, old)
    [(_, new)] = bench.sent()
    bench.send(PONG, new)
    assert len(await within(again)) == 1
    assert bench.listener.frames == [(PONG, old)]


async def test_measuring_is_no_answer_to_the_automatic_ping(side):
    bench = Bench(server=side, **IMPATIENT)
    await pinged(bench)
    assert bench.sent() == [(PING, b"")]
    task = asyncio.create_task(bench.connection.measure_roundtrip_time(1))
    await settle()
    bench.send(PONG, bench.sent()[0][1])
    await within(task)
    await within(bench.transport.closed.wait())
    bench.transport.lose()
