"""Promises of how a connection ends: closing handshakes, disconnects, exceptions of callbacks."""

from __future__ import annotations

import asyncio
import logging

import pytest

from aiohttp_ws import WSCloseCode, WSMsgType, WSProtocolError, ws_connect
from tests.loops import LOOP, LOOPS
from tests.ws.memory_transport import BINARY, CLOSE, TEXT, close_payload, settle

from .ends import Bench, Recorder, ended, pair, served, within


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request):
    return request.param


def answering(transport, frame):
    """What a listener does that takes part in the closing handshake."""
    if frame.msg_type == WSMsgType.CLOSE:
        transport.send_close(frame.get_close_code(), frame.get_close_message())
        transport.disconnect()


def answerer():
    return Recorder(on_ws_frame=answering)


def told(info):
    return None if info is None else (info.code, info.reason)


# ---------------------------------------------------------------- the closing handshake


async def test_before_a_close_frame_there_is_no_closing_handshake(side):
    assert Bench(server=side).connection.close_handshake is None


async def test_a_close_frame_sent_first(side):
    bench = Bench(server=side)
    bench.connection.send_close(1001, "leaving")
    handshake = bench.connection.close_handshake
    assert told(handshake.sent) == (WSCloseCode.GOING_AWAY, "leaving")
    assert handshake.recv is None
    assert not handshake.recv_then_sent
    bench.send(CLOSE, close_payload(4000, b"ok"))
    handshake = bench.connection.close_handshake
    assert told(handshake.recv) == (4000, "ok")
    assert told(handshake.sent) == (WSCloseCode.GOING_AWAY, "leaving")
    assert not handshake.recv_then_sent


async def test_a_close_frame_received_first(side):
    bench = Bench(answerer(), server=side)
    bench.send(CLOSE, close_payload(3500, b"enough"))
    handshake = bench.connection.close_handshake
    assert told(handshake.recv) == told(handshake.sent) == (3500, "enough")
    assert handshake.recv_then_sent
    assert bench.sent() == [(CLOSE, close_payload(3500, b"enough"))]
    assert bench.transport.closing


async def test_a_close_frame_that_says_nothing_is_answered_with_another(side):
    bench = Bench(answerer(), server=side)
    bench.send(CLOSE)
    handshake = bench.connection.close_handshake
    assert told(handshake.recv) == told(handshake.sent) == (WSCloseCode.NO_INFO, None)
    assert bench.sent() == [(CLOSE, b"")]


async def test_a_connection_that_is_cut_has_no_closing_handshake():
    async with pair() as (near, far):
        near.transport.disconnect(False)
        assert await ended(near.transport) is None
        assert await ended(far.transport) is None
        assert near.transport.close_handshake is None
        assert far.transport.close_handshake is None


@pytest.mark.parametrize("first", ["client", "server"])
async def test_both_ends_see_the_same_handshake(first):
    async with pair(near=answerer, far=answerer) as ends:
        starts, answers = ends if first == "client" else reversed(ends)
        starts.transport.send_close(4444, "x" * 123)
        assert await ended(starts.transport) is None
        assert await ended(answers.transport) is None
        ours, theirs = starts.transport.close_handshake, answers.transport.close_handshake
        assert told(ours.sent) == told(ours.recv) == (4444, "x" * 123)
        assert told(theirs.sent) == told(theirs.recv) == (4444, "x" * 123)
        assert (ours.recv_then_sent, theirs.recv_then_sent) == (False, True)


async def test_after_a_breach_nothing_is_read_and_the_peer_may_read_why(side):
    bench = Bench(server=side)
    bench.transport.feed(b"\x83\x00" + bench.frame(TEXT, b"x"))
    bench.send(TEXT, b"y")
    assert bench.listener.frames == []
    assert [payload[:2] for _, payload in bench.sent()] == [close_payload(1002)]
    assert bench.transport.eof_written
    assert not bench.transport.closing
    bench.connection.cut()  # what the timer does when the peer does not close
    assert bench.transport.aborted.is_set()
    bench.transport.lose()
    assert bench.listener.events == ["on_ws_connected", "on_ws_disconnected"]


# --------------------------------------------------------------------------- disconnect


async def test_nothing_is_delivered_after_disconnect(side):
    bench = Bench(Recorder(on_ws_frame=lambda t, _: t.disconnect()), server=side)
    bench.transport.feed(bench.frame(TEXT, b"1") + bench.frame(TEXT, b"2"))
    bench.send(TEXT, b"3")
    assert bench.listener.frames == [(TEXT, b"1")]
    assert bench.transport.closing


async def test_disconnect_when_connected_lets_no_frame_through(side):
    bench = Bench(
        Recorder(on_ws_connected=lambda t: t.disconnect()), server=side, rest=b"\x81\x00" * 3
    )
    bench.send(TEXT, b"x")
    assert bench.listener.frames == []


async def test_disconnect_sends_first_what_was_sent_in_the_same_read(side):
    def answer(transport, frame):
        transport.send(WSMsgType.TEXT, b"bye")
        transport.disconnect()

    bench = Bench(Recorder(on_ws_frame=answer), server=side)
    bench.send(TEXT, b"x")
    assert bench.sent() == [(TEXT, b"bye")]


async def test_disconnect_can_be_called_again(side):
    bench = Bench(server=side)
    for graceful in (True, True, False, True, False):
        bench.connection.disconnect(graceful)
    assert bench.transport.aborted.is_set()
    bench.transport.lose()
    bench.connection.disconnect()
    bench.connection.disconnect(False)
    assert bench.listener.events == ["on_ws_connected", "on_ws_disconnected"]


@pytest.mark.parametrize("graceful", [True, False])
async def test_disconnect_over_sockets_ends_both_ends_once(graceful):
    async with pair() as (near, far):
        near.transport.disconnect(graceful)
        await near.wait_gone()
        await far.wait_gone()
        await settle()
        for end in (near, far):
            assert end.events == ["on_ws_connected", "on_ws_disconnected"]
            assert end.transport.is_disconnected


# ------------------------------------------------------------------- wait_disconnected


async def test_every_waiter_is_woken_after_the_callback():
    order = []
    async with pair(near=lambda: Recorder(on_ws_disconnected=lambda _: order.append("cb"))) as (
        near,
        _,
    ):

        async def wait(name):
            await near.transport.wait_disconnected()
            order.append(name)

        tasks = [asyncio.create_task(wait(name)) for name in "abc"]
        await settle()
        near.transport.disconnect()
        await within(asyncio.gather(*tasks))
        await wait("late")
    assert order == ["cb", "a", "b", "c", "late"]


async def test_a_cancelled_waiter_disturbs_nobody():
    async with pair() as (near, far):
        first = asyncio.create_task(near.transport.wait_disconnected())
        second = asyncio.create_task(near.transport.wait_disconnected())
        await settle()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        near.transport.send(WSMsgType.TEXT, b"still there")
        assert await far.next() == (TEXT, b"still there")
        far.transport.disconnect()
        await within(second)
        assert near.events[-1] == "on_ws_disconnected"


async def test_every_waiter_gets_the_failure():
    def fail(*_):
        raise LookupError("once")

    async with pair(near=lambda: Recorder(on_ws_frame=fail)) as (near, far):
        tasks = [asyncio.create_task(ended(near.transport)) for _ in range(3)]
        far.transport.send(WSMsgType.TEXT, b"x")
        outcomes = await within(asyncio.gather(*tasks))
        assert [str(each) for each in outcomes] == ["once"] * 3
        assert str(await ended(near.transport)) == "once"


# ------------------------------------------------------------ exceptions of callbacks


class Boom(Exception):
    pass


def raising(name, exc):
    def fail(*_):
        raise exc

    return lambda: Recorder(**{name: fail})


async def provoke(name, end, other):
    """Let *end* call the callback *name*."""
    if name == "on_ws_frame":
        other.transport.send(WSMsgType.TEXT, b"x")
    elif name == "on_ws_disconnected":
        other.transport.disconnect()
    await end.wait_gone()
    await other.wait_gone()


CALLBACKS = ["on_ws_connected", "on_ws_frame", "on_ws_disconnected"]


@pytest.mark.parametrize("name", CALLBACKS)
async def test_a_client_raises_what_its_callback_raised(name):
    async with pair(near=raising(name, Boom("here"))) as (near, far):
        await provoke(name, near, far)
        assert repr(await ended(near.transport)) == "Boom('here')"
        assert near.events.count("on_ws_disconnected") == 1
        if name != "on_ws_disconnected":
            assert told(far.transport.close_handshake.recv) == (1011, None)


@pytest.mark.parametrize("name", CALLBACKS)
async def test_a_server_logs_what_its_callback_raised(name, caplog):
    async with pair(far=raising(name, Boom("here"))) as (near, far):
        await provoke(name, far, near)
        assert await ended(far.transport) is None
        assert await ended(near.transport) is None
        if name != "on_ws_disconnected":
            assert told(near.transport.close_handshake.recv)[0] == WSCloseCode.INTERNAL_ERROR
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.name == "aiohttp_ws.server"
    assert record.exc_info[0] is Boom
    assert name in record.getMessage()


@pytest.mark.parametrize("name", CALLBACKS[:2])
@pytest.mark.parametrize("end", ["client", "server"])
async def test_a_callback_chooses_code_and_reason(name, end):
    make = raising(name, WSProtocolError(4001, "wrong room"))
    async with pair(**{"near" if end == "client" else "far": make}) as (near, far):
        ours, theirs = (near, far) if end == "client" else (far, near)
        await provoke(name, ours, theirs)
        assert told(theirs.transport.close_handshake.recv) == (4001, "wrong room")
        outcome = await ended(ours.transport)
        if end == "client":
            assert isinstance(outcome, WSProtocolError)
        else:
            assert outcome is None


@pytest.mark.parametrize("code", [-1, 0, 1005, 1006, 2999, 5000, 66536, 1 << 80, "1000", None])
async def test_a_code_that_cannot_be_sent_becomes_1011(side, code):
    bench = Bench(raising("on_ws_frame", WSProtocolError(code, "x"))(), server=side)
    bench.send(TEXT, b"")
    assert bench.sent() == [(CLOSE, close_payload(1011))]


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        ("x" * 200, b"x" * 123),
        ("x" + "ü" * 100, b"x" + "ü".encode() * 61),
        ("€" * 42, "€".encode() * 41),
        ("\U0001f600" * 40, "\U0001f600".encode() * 30),
        ("lone \ud800", b"lone ?"),
        (None, b"None"),
    ],
)
async def test_a_reason_is_cut_to_what_a_close_frame_carries(side, reason, sent):
    bench = Bench(raising("on_ws_frame", WSProtocolError(4000, reason))(), server=side)
    bench.send(TEXT, b"")
    assert bench.sent() == [(CLOSE, close_payload(4000, sent))]


async def test_text_that_cannot_be_decoded_closes_with_1007(side):
    bench = Bench(
        Recorder(on_ws_frame=lambda _, frame: frame.get_payload_as_utf8_text()), server=side
    )
    bench.send(TEXT, b"\xff")
    [(opcode, payload)] = bench.sent()
    assert (opcode, payload[:2]) == (CLOSE, close_payload(1007))


@pytest.mark.parametrize("exc", [Boom(), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")])
async def test_exceptions_may_be_logged_only(side, exc, caplog):
    bench = Bench(raising("on_ws_frame", exc)(), server=side, disconnect_on_exception=False)
    bench.transport.feed(bench.frame(TEXT, b"1") + bench.frame(TEXT, b"2"))
    bench.send(TEXT, b"3")
    assert bench.listener.frames == [(TEXT, b"1"), (TEXT, b"2"), (TEXT, b"3")]
    assert bench.sent() == []
    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == 3
    bench.transport.lose()
    assert await ended(bench.connection) is None


async def test_wsprotocolerror_ends_the_connection_all_the_same(side):
    bench = Bench(
        raising("on_ws_frame", WSProtocolError(4002, "out"))(),
        server=side,
        disconnect_on_exception=False,
    )
    bench.send(TEXT, b"1")
    assert bench.sent() == [(CLOSE, close_payload(4002, b"out"))]


async def test_other_callbacks_end_the_connection_all_the_same(side):
    bench = Bench(raising("on_ws_connected", Boom())(), server=side, disconnect_on_exception=False)
    assert bench.sent() == [(CLOSE, close_payload(1011))]


async def test_the_first_failure_is_the_one_that_is_raised():
    def disconnected(_):
        raise Boom("second")

    def frame(*_):
        raise Boom("first")

    async with pair(near=lambda: Recorder(on_ws_frame=frame, on_ws_disconnected=disconnected)) as (
        near,
        far,
    ):
        await provoke("on_ws_frame", near, far)
        assert repr(await ended(near.transport)) == "Boom('first')"


async def test_what_was_sent_before_the_exception_still_leaves(side):
    def fail(transport, frame):
        transport.send(WSMsgType.TEXT, b"answer")
        raise Boom

    bench = Bench(Recorder(on_ws_frame=fail), server=side)
    bench.send(TEXT, b"x")
    assert bench.sent() == [(TEXT, b"answer"), (CLOSE, close_payload(1011))]


# --------------------------------------------------- what is no Exception: for the loop


@pytest.mark.parametrize("name", CALLBACKS[:2])
@pytest.mark.parametrize("end", ["client", "server"])
async def test_a_cancellederror_of_a_callback_ends_the_connection(name, end):
    """A callback that asks a cancelled future for its result raises one."""
    found = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: found.append(context.get("exception")))
    make = raising(name, asyncio.CancelledError("of a future"))
    async with pair(**{"near" if end == "client" else "far": make}) as (near, far):
        ours, theirs = (near, far) if end == "client" else (far, near)
        await provoke(name, ours, theirs)
        assert told(theirs.transport.close_handshake.recv) == (1011, None)
        assert await ended(ours.transport) is None
    assert [str(exc) for exc in found] == ["of a future"]


@pytest.mark.parametrize("name", CALLBACKS[:2])
@pytest.mark.parametrize("end", ["near", "far"])
def test_a_keyboardinterrupt_ends_the_loop_and_the_connection(name, end):
    loop = LOOPS[LOOP]()
    kept = []

    async def run():
        async with served(raising(name, KeyboardInterrupt()) if end == "far" else Recorder) as this:
            make = raising(name, KeyboardInterrupt()) if end == "near" else Recorder
            _, near = await ws_connect(make, this.url)
            far = await this.next()
            kept.extend((near, far) if end == "near" else (far, near))
            await provoke(name, *kept)
            return told(kept[1].transport.close_handshake.recv)

    task = loop.create_task(run())
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(task)
        assert loop.run_until_complete(within(task)) == (1011, None)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def test_the_rest_of_a_batch_is_dropped_when_the_loop_is_interrupted(side):
    """What follows would else be read at the wrong place."""
    found = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: found.append(context.get("exception"))
    )
    bench = Bench(raising("on_ws_frame", asyncio.CancelledError())(), server=side)
    data = bench.frame(TEXT, b"1") + bench.frame(BINARY, bytes(300))
    bench.transport.feed(data[:1])
    bench.transport.feed(data[1:200])
    bench.transport.feed(data[200:])
    await settle()
    assert bench.listener.frames == [(TEXT, b"1")]
    assert bench.sent() == [(CLOSE, close_payload(1011))]
    assert len(found) == 1
