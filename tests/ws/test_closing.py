"""The closing handshake (RFC 6455 7) in every order, at either end."""

import asyncio

import pytest

from aiohttp_ws import WSCloseCode, WSMsgType
from tests.ws.conftest import Open
from tests.ws.raw_end import TEXT, frame

SENDABLE = [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]
NEVER_SENT = [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536]


async def test_close_has_1000_and_no_reason_by_default(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send_close(1000)
    ends.peer.end()
    await ends.ws.close()
    assert await ends.peer.receive_close() == (1000, "")


@pytest.mark.parametrize("code", SENDABLE)
async def test_every_code_that_may_be_sent_is_sent_and_answered(open_end: Open, code: int) -> None:
    ends = await open_end()
    closing = asyncio.create_task(ends.ws.close(code=code, message="reason"))
    assert await ends.peer.receive_close() == (code, "reason")
    ends.peer.send_close(code)
    ends.peer.end()
    await closing
    assert ends.ws.close_code == code


@pytest.mark.parametrize("code", SENDABLE)
async def test_every_code_that_may_be_sent_is_taken(open_end: Open, code: int) -> None:
    ends = await open_end()
    ends.peer.send_close(code, "reason")
    message = await ends.ws.receive()
    assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, code, "reason")
    assert ends.ws.close_code == code
    # RFC 6455 5.5.1: the answer typically echoes the code that came.
    assert (await ends.peer.receive_close())[0] == code


@pytest.mark.parametrize("code", NEVER_SENT)
async def test_code_that_is_never_sent_is_refused(open_end: Open, code: int) -> None:
    ends = await open_end()
    with pytest.raises(ValueError, match=str(code)):
        await ends.ws.close(code=code)
    assert not ends.ws.closed
    await ends.ws.send_str("still open")
    assert (await ends.peer.receive()).payload == b"still open"


async def test_reason_of_more_than_123_bytes_is_refused(open_end: Open) -> None:
    ends = await open_end()
    with pytest.raises(ValueError, match="123"):
        await ends.ws.close(message=b"x" * 124)
    assert not ends.ws.closed
    ends.peer.send_close(1000)
    ends.peer.end()
    await ends.ws.close(message=b"x" * 123)
    assert await ends.peer.receive_close() == (1000, "x" * 123)


async def test_peer_that_does_not_answer_the_close_is_given_up(open_end: Open) -> None:
    ends = await open_end(close_timeout=0.01)
    assert await ends.ws.close(code=4000) is True
    assert ends.ws.closed
    assert ends.ws.close_code == 1006
    assert isinstance(ends.ws.exception(), asyncio.TimeoutError)
    assert await ends.peer.receive_close() == (4000, "")
    await ends.peer.wait_eof()


async def test_peer_that_only_sends_data_does_not_prolong_the_close(open_end: Open) -> None:
    ends = await open_end(close_timeout=0.05)
    closing = asyncio.create_task(ends.ws.close())
    while not closing.done():
        ends.peer.send(TEXT, b"are you still there?")
        await asyncio.sleep(0)
    assert ends.ws.close_code == 1006


async def test_tcp_that_goes_within_a_message_is_1006(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(TEXT, b"only a part", length=1000)
    ends.peer.end()
    message = await ends.ws.receive()
    assert message.type in (WSMsgType.CLOSED, WSMsgType.ERROR)
    assert ends.ws.close_code == 1006


async def test_cancelled_close_drops_the_connection(open_end: Open) -> None:
    ends = await open_end()
    closing = asyncio.create_task(ends.ws.close(code=4000))
    assert (await ends.peer.receive_close())[0] == 4000
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await ends.peer.wait_eof()
    assert ends.ws.closed


async def test_several_tasks_may_close(open_end: Open) -> None:
    ends = await open_end()
    tasks = [asyncio.create_task(ends.ws.close(code=4000 + number)) for number in range(3)]
    assert (await ends.peer.receive_close())[0] == 4000
    ends.peer.send_close(4000)
    ends.peer.end()
    assert (await asyncio.gather(*tasks)).count(True) == 1
    assert ends.ws.close_code == 4000


async def test_a_loop_until_closed_receives_all_that_came_before_and_the_close(
    open_end: Open,
) -> None:
    ends = await open_end()
    ends.peer.send_bytes(
        frame(TEXT, b"a", mask=ends.peer.masks) + frame(TEXT, b"b", mask=ends.peer.masks)
    )
    ends.peer.send_close(4001, "that was all")
    got = []
    while not ends.ws.closed:
        message = await ends.ws.receive()
        got.append((message.type, message.data))
        if len(got) == 1:
            await ends.peer.receive_close()  # after a second: nobody received the rest
    assert got == [
        (WSMsgType.TEXT, "a"),
        (WSMsgType.TEXT, "b"),
        (WSMsgType.CLOSE, 4001),
    ]


async def test_codes_of_closed_connections_print_as_numbers(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send_close(1000)
    message = await ends.ws.receive()
    assert message.data is WSCloseCode.OK
    # In Python 3.10 an enum's str() is its name: logs and forms want the number.
    assert (str(message.data), f"{message.data}", str(ends.ws.close_code)) == ("1000",) * 3


async def test_our_code_stands_until_the_peer_has_answered(open_end: Open) -> None:
    ends = await open_end()
    closing = asyncio.create_task(ends.ws.close(code=1001))
    assert (await ends.ws.receive()).type is WSMsgType.CLOSING
    assert ends.ws.close_code == 1001
    await ends.peer.receive_close()
    ends.peer.send_close(3333)
    ends.peer.end()
    assert await closing
    assert ends.ws.close_code == 3333
