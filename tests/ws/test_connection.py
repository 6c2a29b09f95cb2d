"""Promises of a connection at the message level, on bytes alone, for either end."""

import asyncio
import gc
import weakref

import pytest

from aiohttp_ws.errors import WebSocketError, WSMessageTypeError
from aiohttp_ws.ws.types import WSCloseCode, WSMessage, WSMsgType

from .memory_transport import (
    BINARY,
    CLOSE,
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


# ------------------------------------------------------------------------- messages


async def test_messages_arrive_in_order_with_their_types(side):
    peer = Peer(server=side)
    peer.transport.feed(peer.frame(TEXT, b"one") + peer.frame(BINARY, b"two"))
    assert await peer.stream.receive() == (WSMsgType.TEXT, "one", "")
    assert await peer.stream.receive() == (WSMsgType.BINARY, b"two", "")


async def test_a_message_is_a_wsmessage(side):
    peer = Peer(server=side)
    peer.send(TEXT, b'{"a": 1}')
    message = await peer.stream.receive()
    assert type(message) is WSMessage
    assert message.json() == {"a": 1}
    assert message.extra == ""


async def test_one_byte_at_a_time_makes_the_same_messages(side):
    peer = Peer(server=side)
    data = (
        peer.frame(TEXT, "grün".encode(), fin=False)
        + peer.frame(PING, b"!")
        + peer.frame(CONTINUATION, "€".encode())
        + peer.frame(BINARY, bytes(300))
    )
    for i in range(len(data)):
        peer.transport.feed(data[i : i + 1])
    assert (await peer.stream.receive()).data == "grün€"
    assert (await peer.stream.receive()).data == bytes(300)
    assert peer.sent() == [(PONG, b"!")]


async def test_a_message_of_16_mib_arrives_in_any_pieces(side):
    peer = Peer(server=side, max_msg_size=0)
    payload = bytes(range(256)) * 65536
    data = peer.frame(BINARY, payload)
    for start in range(0, len(data), 1_000_003):
        peer.transport.feed(data[start : start + 1_000_003])
    assert (await peer.stream.receive()).data == payload


async def test_a_waiting_receive_gets_the_message_that_comes(side):
    peer = Peer(server=side)
    task = asyncio.create_task(peer.stream.receive_str())
    await settle()
    peer.send(TEXT, b"late")
    assert await task == "late"


async def test_a_cancelled_receive_loses_no_message(side):
    peer = Peer(server=side)
    task = asyncio.create_task(peer.stream.receive())
    await settle()
    task.cancel()
    peer.send(TEXT, b"kept")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await peer.stream.receive()).data == "kept"


async def test_a_timeout_loses_no_message(side):
    peer = Peer(server=side)
    with pytest.raises(asyncio.TimeoutError):
        await peer.stream.receive(timeout=0.001)
    peer.send(TEXT, b"kept")
    assert (await peer.stream.receive(timeout=10)).data == "kept"


async def test_two_receivers_at_once_are_refused(side):
    peer = Peer(server=side)
    first = asyncio.create_task(peer.stream.receive())
    await settle()
    with pytest.raises(RuntimeError, match="Concurrent call to receive"):
        await peer.stream.receive()
    peer.send(TEXT, b"for the first")
    assert (await first).data == "for the first"


async def test_async_for_ends_with_the_connection(side):
    peer = Peer(server=side)
    peer.transport.feed(peer.frame(TEXT, b"a") + peer.frame(TEXT, b"b"))
    peer.send(CLOSE, close_payload(1000))
    assert [message.data async for message in peer.stream] == ["a", "b"]


async def test_receive_str_and_bytes_refuse_the_other_type(side):
    peer = Peer(server=side)
    peer.send(BINARY, b"bytes")
    with pytest.raises(WSMessageTypeError, match="TEXT"):
        await peer.stream.receive_str()
    peer.send(TEXT, b"text")
    with pytest.raises(WSMessageTypeError, match="BINARY"):
        await peer.stream.receive_bytes()


async def test_text_stays_bytes_with_decode_text_false(side):
    peer = Peer(server=side, decode_text=False)
    peer.send(TEXT, b"\xff")
    assert await peer.stream.receive() == (WSMsgType.TEXT, b"\xff", "")


# ---------------------------------------------------------------------------- sends


async def test_what_is_sent_in_one_turn_leaves_in_one_write(side):
    peer = Peer(server=side)
    for _ in range(10):
        await peer.stream.send_str("tick")
    await settle()
    assert peer.transport.writes == 1
    assert peer.sent() == [(TEXT, b"tick")] * 10


async def test_answers_to_one_read_leave_in_one_write(side):
    peer = Peer(server=side)

    async def echo():
        async for message in peer.stream:
            await peer.stream.send_str(message.data)

    task = asyncio.create_task(echo())
    await settle()
    peer.transport.feed(peer.frame(TEXT, b"x") * 20)
    await settle()
    assert peer.transport.writes == 1
    assert peer.sent() == [(TEXT, b"x")] * 20
    task.cancel()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 300_000])
async def test_every_length_leaves_whole(side, size):
    peer = Peer(server=side)
    await peer.stream.send_bytes(memoryview(bytes(size)))
    assert peer.sent() == [(BINARY, bytes(size))]


async def test_a_strided_memoryview_is_sent_as_its_bytes(side):
    peer = Peer(server=side)
    await peer.stream.send_bytes(memoryview(b"a1b2c3")[::2])
    assert peer.sent() == [(BINARY, b"abc")]


async def test_a_wrong_type_is_refused_when_awaited_not_when_called(side):
    peer = Peer(server=side)
    sends = [peer.stream.send_str(b"no"), peer.stream.send_bytes("no"), peer.stream.send_str("ok")]
    results = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(result) for result in results] == [TypeError, TypeError, type(None)]
    assert peer.sent() == [(TEXT, b"ok")]


async def test_a_lone_surrogate_is_refused_and_nothing_is_sent(side):
    peer = Peer(server=side)
    with pytest.raises(UnicodeEncodeError):
        await peer.stream.send_str("\ud800")
    assert peer.sent() == []


async def test_a_send_waits_above_the_high_water_mark_and_goes_on_below(side):
    peer = Peer(server=side, writer_limit=1000)
    assert peer.transport.high == 1000
    peer.transport.protocol.pause_writing()
    task = asyncio.create_task(peer.stream.send_str("held"))
    await settle()
    assert not task.done()
    peer.transport.protocol.resume_writing()
    await task


async def test_a_waiting_send_fails_at_once_when_the_connection_goes(side):
    peer = Peer(server=side)
    peer.transport.protocol.pause_writing()
    task = asyncio.create_task(peer.stream.send_str("held"))
    await settle()
    peer.transport.lose()
    with pytest.raises(ConnectionResetError):
        await task


async def test_a_ping_is_answered_while_nobody_reads(side):
    peer = Peer(server=side)
    peer.send(PING, b"are you there")
    assert peer.sent() == [(PONG, b"are you there")]


async def test_pings_to_a_full_output_are_answered_once_with_the_latest(side):
    peer = Peer(server=side)
    peer.transport.protocol.pause_writing()
    for i in range(1000):
        peer.send(PING, b"%d" % i)
    assert peer.sent() == []
    peer.transport.protocol.resume_writing()
    assert peer.sent() == [(PONG, b"999")]


async def test_pings_and_pongs_are_received_without_autoping(side):
    peer = Peer(server=side, autoping=False)
    peer.transport.feed(peer.frame(PING, b"a") + peer.frame(PONG, b"b"))
    assert await peer.stream.receive() == (WSMsgType.PING, b"a", "")
    assert await peer.stream.receive() == (WSMsgType.PONG, b"b", "")
    assert peer.sent() == []


@pytest.mark.parametrize("call", ["ping", "pong"])
async def test_a_control_frame_of_126_bytes_is_refused(side, call):
    peer = Peer(server=side)
    with pytest.raises(ValueError, match="126 bytes exceeds 125"):
        await getattr(peer.stream, call)(bytes(126))


# --------------------------------------------------------------------- back-pressure


async def test_a_full_queue_stops_reading_the_socket(side):
    peer = Peer(server=side, max_queue=10_000)
    while peer.transport.reading:
        peer.send(BINARY, bytes(1000))
    received = 0
    while not peer.transport.reading:
        await peer.stream.receive()
        received += 1
    assert 0 < received <= 10


async def test_one_read_of_many_messages_does_not_overfill_the_queue(side):
    peer = Peer(server=side, max_queue=10_000)
    peer.transport.feed(peer.frame(TEXT, b"m") * 5000)
    assert not peer.transport.reading
    assert peer.connection.queued_bytes < 11_000
    for _ in range(5000):
        assert (await peer.stream.receive()).data == "m"
    assert peer.transport.reading


async def test_a_close_behind_a_full_queue_is_seen_in_its_turn(side):
    peer = Peer(server=side, max_queue=1000)
    peer.transport.feed(peer.frame(TEXT, b"m") * 50 + peer.frame(CLOSE, close_payload(1000)))
    assert [message.data async for message in peer.stream] == ["m"] * 50
    assert peer.stream.close_code == 1000


# ------------------------------------------------------------------ closing handshake


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 4999])
async def test_a_close_is_answered_with_its_code_while_nobody_reads(side, code):
    peer = Peer(server=side)
    peer.send(CLOSE, close_payload(code, b"why"))
    assert peer.sent() == [(CLOSE, close_payload(code, b"why"))]
    assert peer.stream.close_code == code
    assert await peer.stream.receive() == (WSMsgType.CLOSE, code, "why")
    assert (await peer.stream.receive()).type is WSMsgType.CLOSED
    assert peer.transport.closing is side  # RFC 6455 7.1.1: the server closes TCP


async def test_messages_before_a_close_can_still_be_answered(side):
    peer = Peer(server=side)
    peer.transport.feed(
        peer.frame(TEXT, b"a") + peer.frame(TEXT, b"b") + peer.frame(CLOSE, close_payload(3000))
    )
    async for message in peer.stream:
        await settle()
        await peer.stream.send_str(message.data)
    assert peer.sent() == [(TEXT, b"a"), (TEXT, b"b"), (CLOSE, close_payload(3000))]
    assert peer.stream.close_code == 3000


async def test_a_close_behind_messages_that_nobody_reads_is_answered_in_the_end(side):
    peer = Peer(server=side, close_timeout=0.001)
    peer.transport.feed(peer.frame(TEXT, b"a") + peer.frame(CLOSE, close_payload(3000)))
    await peer.transport.wrote.wait()
    assert peer.sent() == [(CLOSE, close_payload(3000))]
    assert peer.stream.close_code == 3000
    assert not peer.stream.closed
    assert (await peer.stream.receive()).data == "a"
    assert (await peer.stream.receive()).data == 3000


async def test_an_empty_close_counts_as_1005_and_is_answered_empty(side):
    peer = Peer(server=side)
    peer.send(CLOSE)
    assert peer.sent() == [(CLOSE, b"")]
    assert peer.stream.close_code == 1005


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
async def test_a_close_with_a_code_that_is_never_sent_breaks_the_protocol(side, code):
    peer = Peer(server=side)
    peer.send(CLOSE, close_payload(code))
    [(opcode, payload)] = peer.sent()
    assert (opcode, payload[:2]) == (CLOSE, close_payload(1002))
    message = await peer.stream.receive()
    assert message.type is WSMsgType.ERROR
    assert isinstance(message.data, WebSocketError)
    assert peer.stream.close_code == WSCloseCode.PROTOCOL_ERROR


async def test_a_close_reason_that_is_not_utf8_is_refused_with_1007(side):
    peer = Peer(server=side)
    peer.send(CLOSE, close_payload(1000, b"\xff"))
    assert peer.sent()[0][1][:2] == close_payload(1007)


@pytest.mark.parametrize("code", [1004, 1005, 1006, 1015, 1016, 2999, 5000, -1, 70000])
async def test_such_a_code_cannot_be_sent_either(side, code):
    peer = Peer(server=side)
    with pytest.raises(ValueError, match=str(code)):
        await peer.connection.close(code, b"", True)
    assert peer.sent() == []


async def test_closing_waits_for_the_peers_close_frame(side):
    peer = Peer(server=side)
    task = asyncio.create_task(peer.connection.close(3001, b"bye", True))
    await settle()
    assert peer.sent() == [(CLOSE, close_payload(3001, b"bye"))]
    assert not task.done()
    peer.send(CLOSE, close_payload(3001))
    if not side:
        await settle()
        assert not task.done()  # until the server has closed TCP
        peer.transport.lose()
    assert await task is True
    assert peer.stream.close_code == 3001
    assert peer.stream.closed


async def test_data_behind_our_close_frame_is_dropped(side):
    peer = Peer(server=side)
    task = asyncio.create_task(peer.connection.close(1000, b"", True))
    await settle()
    peer.transport.feed(peer.frame(TEXT, b"too late") * 1000)
    peer.send(CLOSE, close_payload(1000))
    peer.transport.lose()
    assert await task is True
    assert (await peer.stream.receive()).type is WSMsgType.CLOSED


async def test_data_behind_the_peers_close_frame_is_dropped(side):
    peer = Peer(server=side)
    peer.transport.feed(peer.frame(CLOSE, close_payload(1000)) + peer.frame(TEXT, b"no"))
    assert (await peer.stream.receive()).type is WSMsgType.CLOSE
    assert (await peer.stream.receive()).type is WSMsgType.CLOSED


async def test_closing_from_both_ends_at_once_is_clean(side):
    peer = Peer(server=side)
    task = asyncio.create_task(peer.connection.close(1000, b"", True))
    await settle()
    peer.send(CLOSE, close_payload(1001))
    peer.transport.lose()
    assert await task is True
    assert peer.stream.close_code == 1001
    assert peer.sent() == [(CLOSE, close_payload(1000))]


async def test_no_answer_to_a_close_is_1006_after_the_timeout(side):
    peer = Peer(server=side, close_timeout=0.001)
    assert await asyncio.create_task(closing(peer)) is True
    assert peer.stream.close_code == 1006
    assert isinstance(peer.stream.exception(), asyncio.TimeoutError)
    assert peer.transport.aborted.is_set()


async def test_a_close_timeout_of_zero_waits_without_limit(side):
    peer = Peer(server=side, close_timeout=0)
    task = asyncio.create_task(peer.connection.close(1000, b"", True))
    await settle(20)
    assert not task.done()
    peer.send(CLOSE, close_payload(1000))
    peer.transport.lose()
    assert await task is True


async def closing(peer):
    task = asyncio.create_task(peer.connection.close(1000, b"", True))
    await peer.transport.aborted.wait()
    peer.transport.lose()
    return await task


async def test_a_cut_connection_is_1006(side):
    peer = Peer(server=side)
    task = asyncio.create_task(peer.stream.receive())
    await settle()
    peer.transport.lose(ConnectionResetError("cut"))
    assert (await task).type is WSMsgType.CLOSED
    assert peer.stream.close_code == WSCloseCode.ABNORMAL_CLOSURE
    assert isinstance(peer.stream.exception(), ConnectionResetError)


async def test_a_cut_behind_unread_messages_loses_none_of_them(side):
    peer = Peer(server=side)
    peer.send(TEXT, b"last words")
    peer.transport.lose()
    assert not peer.stream.closed
    assert (await peer.stream.receive()).data == "last words"
    assert (await peer.stream.receive()).type is WSMsgType.CLOSED
    assert peer.stream.closed


async def test_a_waiting_receive_sees_the_closing_of_another_task(side):
    peer = Peer(server=side)
    reader = asyncio.create_task(peer.stream.receive())
    await settle()
    closer = asyncio.create_task(peer.connection.close(1000, b"", True))
    assert (await reader).type is WSMsgType.CLOSING
    peer.send(CLOSE, close_payload(1000))
    peer.transport.lose()
    await closer


async def test_without_autoclose_the_application_answers(side):
    peer = Peer(server=side, autoclose=False)
    peer.send(CLOSE, close_payload(3000))
    assert peer.sent() == []
    assert (await peer.stream.receive()).data == 3000
    task = asyncio.create_task(peer.connection.close(1000, b"", True))
    await settle()
    assert peer.sent() == [(CLOSE, close_payload(1000))]
    peer.transport.lose()
    assert await task is True
    assert peer.stream.close_code == 3000


async def test_without_autoclose_receiving_again_leaves_the_answer_to_a_client(side):
    peer = Peer(server=side, autoclose=False)
    peer.send(CLOSE, close_payload(3000))
    assert (await peer.stream.receive()).data == 3000
    again = (await peer.stream.receive()).type
    if side:
        assert again is WSMsgType.CLOSING
        assert peer.sent() == []
    else:
        assert again is WSMsgType.CLOSED
        assert peer.stream.closed
        assert peer.sent() == [(CLOSE, close_payload(1000))]
    assert peer.stream.close_code == 3000


async def test_a_receive_that_begins_after_close_is_told_that_it_is_closed(side):
    peer = Peer(server=side)
    closer = asyncio.create_task(peer.connection.close(1000, b"", True))
    await settle()
    assert (await peer.stream.receive()).type is WSMsgType.CLOSED
    peer.transport.lose()
    await closer


async def test_sending_after_the_close_is_a_connection_reset(side):
    peer = Peer(server=side)
    peer.send(CLOSE, close_payload(1000))
    for send in (peer.stream.send_str("x"), peer.stream.send_bytes(b"x"), peer.stream.ping()):
        with pytest.raises(ConnectionResetError, match="closing transport"):
            await send


async def test_a_second_close_returns_false(side):
    peer = Peer(server=side)
    peer.send(CLOSE, close_payload(1000))
    peer.transport.lose()
    assert await peer.connection.close(1000, b"", True) is False


async def test_reading_on_after_the_end_is_an_error_at_a_server():
    peer = Peer(server=True)
    peer.transport.lose()
    for _ in range(5):
        assert (await peer.stream.receive()).type is WSMsgType.CLOSED
    with pytest.raises(RuntimeError, match="closed"):
        await peer.stream.receive()


# --------------------------------------------------------------------------- memory


async def test_a_lost_connection_is_freed(side):
    peer = Peer(server=side, heartbeat=1000)
    transport = weakref.ref(peer.transport)
    peer.send(TEXT, b"unread")
    peer.transport.lose()
    del peer
    await settle()
    gc.collect()
    assert transport() is None
