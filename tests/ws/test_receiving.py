"""What ``receive*()`` gives, at either end."""

import asyncio
import json

import pytest

from aiohttp_ws import WebSocketError, WSCloseCode, WSMessageTypeError, WSMsgType
from tests.ws.conftest import Open
from tests.ws.raw_end import BINARY, CONTINUATION, PING, PONG, TEXT, frame


async def test_text_and_binary_messages(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(TEXT, "\N{EURO SIGN}uro".encode())
    ends.peer.send(BINARY, b"\xff\x00")
    ends.peer.send(TEXT)
    text = await ends.ws.receive()
    assert (text.type, text.data) == (WSMsgType.TEXT, "\N{EURO SIGN}uro")
    binary = await ends.ws.receive()
    assert (binary.type, binary.data) == (WSMsgType.BINARY, b"\xff\x00")
    assert (await ends.ws.receive()).data == ""


async def test_message_in_fragments_is_one_message(open_end: Open) -> None:
    ends = await open_end()
    euro = "\N{EURO SIGN}".encode()
    ends.peer.send(TEXT, euro[:1], fin=False)
    ends.peer.send(PING, b"in between")
    ends.peer.send(CONTINUATION, euro[1:2], fin=False)
    ends.peer.send(CONTINUATION, fin=False)
    ends.peer.send(CONTINUATION, euro[2:])
    assert (await ends.ws.receive()).data == "\N{EURO SIGN}"
    assert (await ends.peer.receive()).opcode == PONG


async def test_message_that_comes_a_byte_at_a_time(open_end: Open) -> None:
    ends = await open_end()
    for byte in frame(TEXT, b"slowly" * 30, mask=ends.peer.masks):
        ends.peer.send_bytes(bytes([byte]))
        await ends.peer.writer.drain()
        await asyncio.sleep(0)
    assert (await ends.ws.receive()).data == "slowly" * 30


async def test_receive_str_bytes_and_json(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(TEXT, b"text")
    ends.peer.send(BINARY, b"binary")
    ends.peer.send(TEXT, b'{"a": 1}')
    ends.peer.send(TEXT, b'{"a": 1}')
    assert await ends.ws.receive_str() == "text"
    assert await ends.ws.receive_bytes() == b"binary"
    assert await ends.ws.receive_json() == {"a": 1}
    assert await ends.ws.receive_json(loads=len) == 8


async def test_another_type_than_the_one_asked_for_is_a_type_error(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(BINARY, b"binary")
    ends.peer.send(TEXT, b"text")
    ends.peer.send(BINARY, b"{}")
    with pytest.raises(WSMessageTypeError):
        await ends.ws.receive_str()
    with pytest.raises(TypeError):
        await ends.ws.receive_bytes()
    with pytest.raises(TypeError):
        await ends.ws.receive_json()
    ends.peer.send(TEXT, b"still open")
    assert await ends.ws.receive_str() == "still open"


async def test_message_that_is_not_json(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(TEXT, b"{")
    with pytest.raises(json.JSONDecodeError):
        await ends.ws.receive_json()


async def test_decode_text_false_gives_the_bytes_of_text(open_end: Open) -> None:
    ends = await open_end(decode_text=False)
    ends.peer.send(TEXT, b'{"a": "\xe2\x82\xac"}')
    ends.peer.send(TEXT, b"text")
    message = await ends.ws.receive()
    assert (message.type, type(message.data)) == (WSMsgType.TEXT, bytes)
    assert message.json() == {"a": "\N{EURO SIGN}"}
    assert await ends.ws.receive_str() == b"text"


async def test_iteration_gives_messages_and_ends_with_the_connection(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(TEXT, b"one")
    ends.peer.send(BINARY, b"two")
    ends.peer.send_close(1001, "that was it")
    assert [message.data async for message in ends.ws] == ["one", b"two"]
    assert ends.ws.closed
    assert ends.ws.close_code == 1001
    assert ends.ws.exception() is None


# ---------------------------------------------------------------------- autoping


async def test_ping_is_answered_and_not_shown(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(PING, b"payload")
    ends.peer.send(PONG, b"unasked for")
    ends.peer.send(TEXT, b"text")
    assert (await ends.ws.receive()).data == "text"
    pong = await ends.peer.receive()
    assert (pong.opcode, pong.payload) == (PONG, b"payload")


async def test_without_autoping_pings_and_pongs_are_messages(open_end: Open) -> None:
    ends = await open_end(autoping=False)
    ends.peer.send(PING, b"ping")
    ends.peer.send(PONG, b"pong")
    ping = await ends.ws.receive()
    assert (ping.type, bytes(ping.data)) == (WSMsgType.PING, b"ping")
    pong = await ends.ws.receive()
    assert (pong.type, bytes(pong.data)) == (WSMsgType.PONG, b"pong")
    # No pong was sent for the ping: the next frame out is the text.
    await ends.ws.send_str("text")
    assert (await ends.peer.receive()).opcode == TEXT


# --------------------------------------------------------------------- autoclose


async def test_close_is_a_message_and_is_answered(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send_close(1001, "leaving \N{EURO SIGN}")
    message = await ends.ws.receive()
    assert message.type is WSMsgType.CLOSE
    assert message.data == WSCloseCode.GOING_AWAY
    assert message.extra == "leaving \N{EURO SIGN}"
    assert ends.ws.closed
    assert ends.ws.close_code == 1001
    await ends.peer.receive_close()


async def test_without_autoclose_the_application_answers_the_close(open_end: Open) -> None:
    ends = await open_end(autoclose=False)
    ends.peer.send_close(4000, "first you")
    message = await ends.ws.receive()
    assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4000, "first you")
    assert not ends.ws.closed
    closing = asyncio.create_task(ends.ws.close(code=4001, message=b"then I"))
    assert await ends.peer.receive_close() == (4001, "then I")
    ends.peer.end()
    await closing
    assert ends.ws.closed
    assert ends.ws.close_code == 4000


# ---------------------------------------------------------------------- timeouts


async def test_receive_with_a_timeout_gives_up_and_leaves_the_connection_open(
    open_end: Open,
) -> None:
    ends = await open_end()
    with pytest.raises(asyncio.TimeoutError):
        await ends.ws.receive(timeout=0.01)
    with pytest.raises(asyncio.TimeoutError):
        await ends.ws.receive_str(timeout=0.01)
    ends.peer.send(TEXT, b"late")
    assert await ends.ws.receive_str(timeout=30) == "late"


async def test_receive_timeout_of_the_connection(open_end: Open) -> None:
    ends = await open_end(receive_timeout=0.01)
    with pytest.raises(asyncio.TimeoutError):
        await ends.ws.receive()


async def test_cancelled_receive_loses_no_message(open_end: Open) -> None:
    ends = await open_end()
    for _ in range(3):
        receiving = asyncio.create_task(ends.ws.receive_str())
        await asyncio.sleep(0)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    ends.peer.send(TEXT, b"kept")
    assert await ends.ws.receive_str() == "kept"


async def test_two_tasks_cannot_receive_at_once(open_end: Open) -> None:
    ends = await open_end()

    async def receive() -> str:
        text: str = await ends.ws.receive_str()
        return text

    first = asyncio.create_task(receive())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="Concurrent call to receive"):
        await ends.ws.receive()
    ends.peer.send(TEXT, b"for the first")
    assert await first == "for the first"


# ----------------------------------------------------------------- after the end


async def test_receive_after_the_end_says_closed(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send_close(1000)
    await ends.ws.receive()
    for _ in range(3):
        message = await ends.ws.receive()
        assert message.type is WSMsgType.CLOSED


async def test_server_that_goes_on_receiving_after_the_end_is_stopped(open_server: Open) -> None:
    # A handler that ignores CLOSED would otherwise loop for ever, and the loop with it.
    ends = await open_server()
    ends.peer.send_close(1000)

    async def ignore_the_end() -> None:
        while True:
            await ends.ws.receive()

    with pytest.raises(RuntimeError, match="closed"):
        await ignore_the_end()


async def test_receive_after_our_close_says_closed(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send_close(1000)
    ends.peer.end()
    await ends.ws.close()
    assert (await ends.ws.receive()).type is WSMsgType.CLOSED


async def test_pending_receive_ends_when_another_task_closes(open_end: Open) -> None:
    ends = await open_end()
    receiving = asyncio.create_task(ends.ws.receive())
    await asyncio.sleep(0)
    closing = asyncio.create_task(ends.ws.close(code=4000))
    message = await receiving
    assert message.type in (WSMsgType.CLOSING, WSMsgType.CLOSED)
    assert await ends.peer.receive_close() == (4000, "")
    ends.peer.send_close(4000)
    ends.peer.end()
    await closing
    assert ends.ws.close_code == 4000


async def test_end_without_a_close_frame_is_1006(open_end: Open) -> None:
    ends = await open_end()
    receiving = asyncio.create_task(ends.ws.receive())
    await asyncio.sleep(0)
    ends.peer.end()
    message = await receiving
    assert message.type in (WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR)
    assert ends.ws.closed
    assert ends.ws.close_code == 1006


# --------------------------------------------------------------- the peer's faults


async def test_message_beyond_max_msg_size_closes_with_1009(open_end: Open) -> None:
    ends = await open_end(max_msg_size=1000)
    ends.peer.send(BINARY, b"x" * 1000)
    assert len(await ends.ws.receive_bytes()) == 1000
    ends.peer.send(BINARY, b"x" * 1001)
    message = await ends.ws.receive()
    assert message.type is WSMsgType.ERROR
    assert isinstance(message.data, WebSocketError)
    assert message.data.code == WSCloseCode.MESSAGE_TOO_BIG
    assert ends.ws.close_code == 1009
    assert ends.ws.closed
    assert isinstance(ends.ws.exception(), WebSocketError)
    assert (await ends.peer.receive_close())[0] == 1009


async def test_fragments_beyond_max_msg_size_close_with_1009(open_end: Open) -> None:
    ends = await open_end(max_msg_size=1000)
    ends.peer.send(TEXT, b"x" * 600, fin=False)
    ends.peer.send(CONTINUATION, b"x" * 600, fin=False)
    assert (await ends.ws.receive()).type is WSMsgType.ERROR
    assert (await ends.peer.receive_close())[0] == 1009


async def test_too_long_message_is_refused_by_its_header_alone(open_end: Open) -> None:
    ends = await open_end(max_msg_size=1000)
    ends.peer.send(BINARY, b"", length=2**40)
    assert (await ends.ws.receive()).type is WSMsgType.ERROR
    assert (await ends.peer.receive_close())[0] == 1009


async def test_max_msg_size_0_is_no_limit(open_end: Open) -> None:
    ends = await open_end(max_msg_size=0)
    size = 8 * 1024 * 1024
    ends.peer.send(BINARY, bytes(size), mask=ends.peer.masks)
    assert len(await ends.ws.receive_bytes()) == size


async def test_messages_before_the_fault_are_received_first(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(TEXT, b"good")
    ends.peer.send(TEXT, b"\xff")
    assert (await ends.ws.receive()).data == "good"
    message = await ends.ws.receive()
    assert message.type is WSMsgType.ERROR
    assert message.data.code == WSCloseCode.INVALID_TEXT
    assert (await ends.peer.receive_close())[0] == 1007
