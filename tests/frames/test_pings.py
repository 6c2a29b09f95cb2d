"""Promises of pings and pongs: answered, sent by themselves, measured."""

from __future__ import annotations

import asyncio

import pytest

from aiohttp_ws import WSAutoPingStrategy, WSMsgType
from tests.ws.memory_transport import CLOSE, PING, PONG, TEXT, close_payload, settle

from .ends import Bench, Recorder, ended, pair, within

IDLE, PERIODIC = WSAutoPingStrategy.PING_WHEN_IDLE, WSAutoPingStrategy.PING_PERIODICALLY


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request):
    return request.param


# --------------------------------------------------------------------------- auto pong


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


# ----------------------------------------------------------------------- the automatic ping

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
