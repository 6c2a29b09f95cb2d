"""Promises of a connection at the message level: faults, compression, heartbeat."""

import asyncio

import pytest

from aiohttp_ws.wire.contexts import MessageDeflater
from aiohttp_ws.wire.deflate import DeflateOptions, DeflateParams
from aiohttp_ws.ws.types import WSMsgType

from .memory_transport import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Peer,
    close_payload,
    settle,
)


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request):
    return request.param


# ------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("code", "frames"),
    [
        (1002, [(CONTINUATION, b"")]),
        (1002, [(3, b"")]),
        (1007, [(TEXT, b"\xff")]),
        (1009, [(BINARY, bytes(5000))]),
    ],
)
async def test_a_broken_protocol_closes_with_its_code_behind_good_messages(side, code, frames):
    peer = Peer(server=side, max_msg_size=4096)
    peer.send(TEXT, b"good")
    for opcode, payload in frames:
        peer.send(opcode, payload)
    assert (await peer.stream.receive()).data == "good"
    message = await peer.stream.receive()
    assert peer.sent()[-1][1][:2] == close_payload(code)
    assert peer.transport.eof_written
    assert (message.type, message.data.code) == (WSMsgType.ERROR, code)
    assert peer.stream.close_code == code
    assert peer.stream.exception() is message.data


async def test_a_message_before_a_fault_can_still_be_answered(side):
    peer = Peer(server=side)
    peer.transport.feed(peer.frame(TEXT, b"good") + peer.frame(3))
    await peer.stream.send_str((await peer.stream.receive()).data)
    assert (await peer.stream.receive()).type is WSMsgType.ERROR
    (_, echo), (_, close) = peer.sent()
    assert echo == b"good"
    assert close[:2] == close_payload(1002)


async def test_a_fault_behind_a_message_that_nobody_reads_closes_in_the_end(side):
    peer = Peer(server=side, close_timeout=0.001)
    peer.transport.feed(peer.frame(TEXT, b"good") + peer.frame(3))
    await peer.transport.aborted.wait()
    assert peer.stream.close_code == 1002
    assert (await peer.stream.receive()).data == "good"


async def test_closing_after_a_fault_sends_the_code_of_the_fault(side):
    peer = Peer(server=side)
    peer.transport.feed(peer.frame(TEXT, b"good") + peer.frame(3))
    task = asyncio.create_task(peer.connection.close(1000, b"", True))
    await settle()
    assert peer.sent()[-1][1][:2] == close_payload(1002)
    peer.transport.lose()
    assert await task is False
    assert peer.stream.close_code == 1002


async def test_bad_utf8_fails_at_its_first_byte_inside_a_frame(side):
    peer = Peer(server=side)
    frame = peer.frame(TEXT, b"abc\xff" + bytes(1000))
    peer.transport.feed(frame[: -len(bytes(1000))])
    assert peer.sent()[0][1][:2] == close_payload(1007)


async def test_fragments_together_are_held_to_the_limit(side):
    peer = Peer(server=side, max_msg_size=100)
    peer.send(BINARY, bytes(60), fin=False)
    peer.transport.feed(peer.frame(CONTINUATION, bytes(60))[:14])
    [(_, payload)] = peer.sent()
    assert payload[:2] == close_payload(1009)
    assert b"max_msg_size=100" in payload


async def test_a_connection_without_a_peer_is_dropped_after_failing(side):
    peer = Peer(server=side, close_timeout=0.001)
    peer.send(3, b"")
    await peer.transport.aborted.wait()
    assert peer.transport.is_closing()


# ------------------------------------------------------------------------- deflate


def deflated(params: DeflateParams, from_server: bool, *messages: bytes) -> list[bytes]:
    deflater = MessageDeflater(params, from_server)
    return [deflater.compress(message) for message in messages]


async def test_compressed_messages_arrive_inflated(side):
    params = DeflateParams()
    peer = Peer(server=side, deflate=params)
    for payload in deflated(params, not side, b"hello hello hello", b"hello again"):
        peer.send(TEXT, payload, rsv=4)
    assert (await peer.stream.receive()).data == "hello hello hello"
    assert (await peer.stream.receive()).data == "hello again"


async def test_compressed_fragments_arrive_as_one_message(side):
    params = DeflateParams()
    peer = Peer(server=side, deflate=params)
    text = "ein längerer Satz, der sich wiederholt. " * 50
    [payload] = deflated(params, not side, text.encode())
    peer.send(TEXT, payload[:1], fin=False, rsv=4)
    for i in range(1, len(payload)):
        peer.send(CONTINUATION, payload[i : i + 1], fin=False)
    peer.send(CONTINUATION)
    assert (await peer.stream.receive()).data == text


async def test_a_bomb_is_refused_with_1009(side):
    params = DeflateParams()
    peer = Peer(server=side, deflate=params, max_msg_size=10_000)
    [bomb] = deflated(params, not side, bytes(5_000_000))
    peer.send(BINARY, bomb, rsv=4)
    assert peer.sent()[0][1][:2] == close_payload(1009)


async def test_a_message_of_exactly_the_limit_is_accepted_compressed(side):
    params = DeflateParams()
    peer = Peer(server=side, deflate=params, max_msg_size=10_000)
    for payload in deflated(params, not side, bytes(10_000), bytes(range(250)) * 40):
        peer.send(BINARY, payload, rsv=4)
    assert len((await peer.stream.receive()).data) == 10_000
    assert len((await peer.stream.receive()).data) == 10_000


async def test_bad_utf8_in_a_compressed_message_is_1007(side):
    params = DeflateParams()
    peer = Peer(server=side, deflate=params)
    [payload] = deflated(params, not side, b"abc\xff")
    peer.send(TEXT, payload, rsv=4)
    assert peer.sent()[0][1][:2] == close_payload(1007)


async def test_compress_false_sends_a_message_as_it_is(side):
    peer = Peer(server=side, deflate=DeflateParams())
    await peer.stream.send_str("plain", compress=False)
    assert peer.sent() == [(TEXT, b"plain")]


async def test_messages_below_the_threshold_are_not_compressed(side):
    options = DeflateOptions(threshold=100)
    peer = Peer(server=side, deflate=DeflateParams(), deflate_options=options)
    await peer.stream.send_bytes(bytes(99))
    await peer.stream.send_bytes(bytes(100))
    first, second = peer.sent()
    assert first == (BINARY, bytes(99))
    assert len(second[1]) < 30


# ------------------------------------------------------------------------- heartbeat


async def test_a_quiet_peer_is_pinged_and_an_answer_keeps_it(side):
    peer = Peer(server=side, heartbeat=0.002)
    pings = 0
    while pings < 3:
        await asyncio.sleep(0)
        for opcode, payload in peer.sent():
            assert (opcode, payload) == (PING, b"")
            peer.send(PONG)
            pings += 1
    assert not peer.stream.closed
    peer.transport.lose()


async def test_a_dead_peer_is_dropped_while_the_handler_does_not_read(side):
    peer = Peer(server=side, heartbeat=0.002)
    await peer.transport.aborted.wait()
    assert peer.stream.close_code == 1006
    message = await peer.stream.receive()
    assert message.type is WSMsgType.ERROR
    assert isinstance(message.data, asyncio.TimeoutError)
    with pytest.raises(ConnectionResetError):
        await peer.stream.send_str("to nobody")


async def test_a_dead_peer_ends_a_waiting_send_and_a_waiting_receive(side):
    peer = Peer(server=side, heartbeat=0.002)
    peer.transport.protocol.pause_writing()
    send = asyncio.create_task(peer.stream.send_str("held"))
    receive = asyncio.create_task(peer.stream.receive())
    with pytest.raises(ConnectionResetError):
        await send
    assert (await receive).type is WSMsgType.ERROR
