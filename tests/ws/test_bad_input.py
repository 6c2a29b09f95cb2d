"""Frames that RFC 6455 forbids: the right close code, one debug line, and no one else harmed."""

import logging
from collections.abc import Callable

import pytest

from aiohttp_ws import WebSocketError, WSMsgType
from tests.ws.conftest import Open
from tests.ws.raw_end import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawEnd, closing

PROTOCOL, INVALID, TOO_BIG = 1002, 1007, 1009

Faults = dict[str, tuple[int, Callable[[RawEnd], object]]]

FAULTS: Faults = {
    # 5.2
    "rsv1 without an extension": (PROTOCOL, lambda peer: peer.send(TEXT, b"x", rsv=4)),
    "rsv2": (PROTOCOL, lambda peer: peer.send(TEXT, b"x", rsv=2)),
    "rsv3": (PROTOCOL, lambda peer: peer.send(TEXT, b"x", rsv=1)),
    **{
        f"reserved opcode {opcode}": (PROTOCOL, lambda peer, opcode=opcode: peer.send(opcode))
        for opcode in (3, 7, 11, 15)
    },
    "16-bit length that fits in 7": (
        PROTOCOL,
        lambda peer: peer.send_bytes(b"\x82" + mask_bit(peer, 126) + b"\x00\x7d"),
    ),
    "64-bit length that fits in 16": (
        PROTOCOL,
        lambda peer: peer.send_bytes(b"\x82" + mask_bit(peer, 127) + b"\x00" * 6 + b"\xff\xff"),
    ),
    "length with the highest bit": (
        PROTOCOL,
        lambda peer: peer.send_bytes(b"\x82" + mask_bit(peer, 127) + b"\x80" + b"\x00" * 7),
    ),
    # 5.1
    "masked and unmasked the wrong way round": (
        PROTOCOL,
        lambda peer: peer.send(TEXT, b"x", mask=not peer.masks),
    ),
    # 5.4
    "continuation of nothing": (PROTOCOL, lambda peer: peer.send(CONTINUATION, b"x")),
    "new message inside another": (
        PROTOCOL,
        lambda peer: (peer.send(TEXT, b"x", fin=False), peer.send(TEXT, b"y")),
    ),
    # 5.5
    "ping of 126 bytes": (PROTOCOL, lambda peer: peer.send(PING, b"x" * 126)),
    "pong of 126 bytes": (PROTOCOL, lambda peer: peer.send(PONG, b"x" * 126)),
    "close of 126 bytes": (PROTOCOL, lambda peer: peer.send(CLOSE, closing(1000) + b"x" * 124)),
    "ping in fragments": (PROTOCOL, lambda peer: peer.send(PING, b"x", fin=False)),
    "close in fragments": (PROTOCOL, lambda peer: peer.send(CLOSE, closing(1000), fin=False)),
    "close with half a code": (PROTOCOL, lambda peer: peer.send(CLOSE, b"\x03")),
    # 7.4
    **{
        f"close with the code {code}": (PROTOCOL, lambda peer, code=code: peer.send_close(code))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
    # 8.1
    "text that is not UTF-8": (INVALID, lambda peer: peer.send(TEXT, b"\xff")),
    "text that ends within a character": (INVALID, lambda peer: peer.send(TEXT, b"\xe2\x82")),
    "overlong UTF-8": (INVALID, lambda peer: peer.send(TEXT, b"\xc0\xaf")),
    "surrogate in UTF-8": (INVALID, lambda peer: peer.send(TEXT, b"\xed\xa0\x80")),
    "bad UTF-8 in the first of several fragments": (
        INVALID,
        lambda peer: peer.send(TEXT, b"\xff", fin=False),
    ),
    "close with a reason that is not UTF-8": (
        INVALID,
        lambda peer: peer.send(CLOSE, closing(1000) + b"\xff"),
    ),
    "message beyond the limit": (TOO_BIG, lambda peer: peer.send(BINARY, length=5_000_000)),
}


def mask_bit(peer: RawEnd, length: int) -> bytes:
    return bytes([length | (0x80 if peer.masks else 0)])


@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_of_the_peer_closes_with_its_code(
    open_end: Open, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    code, commit = FAULTS[fault]
    caplog.set_level(logging.DEBUG)
    ends = await open_end()
    caplog.clear()
    commit(ends.peer)
    message = await ends.ws.receive()
    assert message.type is WSMsgType.ERROR
    assert isinstance(message.data, WebSocketError)
    assert message.data.code == code
    assert ends.ws.exception() is message.data
    assert ends.ws.closed
    assert ends.ws.close_code == code
    assert (await ends.peer.receive_close())[0] == code
    await ends.peer.wait_eof()
    lines = [each for each in caplog.records if each.name.startswith("aiohttp_ws")]
    assert [each.levelno for each in lines] == [logging.DEBUG]


async def test_fault_of_one_peer_leaves_the_others_alone(open_end: Open) -> None:
    good = await open_end()
    bad = await open_end()
    bad.peer.send(TEXT, b"\xff")
    assert (await bad.ws.receive()).type is WSMsgType.ERROR
    good.peer.send(TEXT, b"still here")
    assert await good.ws.receive_str() == "still here"
    await good.ws.send_str("and here")
    assert (await good.peer.receive()).payload == b"and here"


async def test_fault_is_answered_while_the_application_does_not_receive(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(TEXT, b"\xff")
    assert (await ends.peer.receive_close())[0] == INVALID


async def test_what_follows_a_fault_is_not_read(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(TEXT, b"\xff")
    ends.peer.send(TEXT, b"good again")
    assert (await ends.ws.receive()).type is WSMsgType.ERROR
    assert (await ends.ws.receive()).type is WSMsgType.CLOSED
