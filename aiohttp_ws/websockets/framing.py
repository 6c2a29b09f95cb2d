"""Frames, one at a time, on any stream (RFC 6455 5): a first-generation interface of websockets.

A program reads and writes single frames with it, and keeps track of messages itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ..wire.frames import encode_frame
from .exceptions import ProtocolError
from .frames import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Close,
    Opcode,
    lone_frame_reader,
    missing_bytes,
    read_into,
)
from .frames import Frame as CurrentFrame
from .typing import BytesLike

__all__ = (
    "OP_BINARY",
    "OP_CLOSE",
    "OP_CONT",
    "OP_PING",
    "OP_PONG",
    "OP_TEXT",
    "Frame",
    "check_close",
    "check_frame",
    "parse_close",
    "read_frame",
    "serialize_close",
    "write_frame",
)

#: The opcodes, as numbers.
OP_CONT = int(CONT)
OP_TEXT = int(TEXT)
OP_BINARY = int(BINARY)
OP_CLOSE = int(CLOSE)
OP_PING = int(PING)
OP_PONG = int(PONG)


class Frame(NamedTuple):
    """A frame: whether it ends its message, its opcode, and its payload, unmasked.

    It is not :class:`aiohttp_ws.websockets.frames.Frame`, which has the opcode first.
    """

    fin: bool
    opcode: int
    data: BytesLike


async def read_frame(
    reader: Callable[[int], Awaitable[bytes]], mask: bool, *, max_size: int | None = None
) -> Frame:
    """Read a frame.

    :param reader: a coroutine function that reads as many bytes as it is asked for, such as
        :meth:`asyncio.StreamReader.readexactly`.
    :param mask: whether the frame must be masked: true at a server.
    :param max_size: bytes of payload that the frame may have; ``None`` for any number.
    :raises EOFError: the bytes end inside the frame.
    :raises PayloadTooBig: the frame exceeds *max_size*; its payload is left unread.
    :raises ProtocolError: the frame violates RFC 6455 5.
    """
    raw = await _read(reader, 2)
    one = lone_frame_reader(raw[0] & 0x0F, mask)
    frames = read_into(one, raw)
    while not frames:
        more = await _read(reader, missing_bytes(raw, max_size))
        raw += more
        frames = read_into(one, more)
    opcode, flags, data = frames[0]
    return Frame(bool(flags & 0x80), opcode, data)


async def _read(reader: Callable[[int], Awaitable[bytes]], size: int) -> bytes:
    data = await reader(size)
    if len(data) < size:
        raise EOFError(f"connection closed inside a frame, after {len(data)} of {size} bytes")
    return data


def write_frame(frame: Frame, writer: Callable[[bytes], object], mask: bool) -> None:
    """Write a frame.

    :param writer: a function of bytes, such as :meth:`asyncio.StreamWriter.write`.
    :param mask: whether to mask it: true at a client.
    :raises ProtocolError: as :func:`check_frame`.
    """
    check_frame(frame)
    key = secrets.token_bytes(4) if mask else None
    writer(encode_frame(frame.opcode, frame.data, fin=frame.fin, mask=key))


def check_frame(frame: Frame) -> None:
    """Check a frame against RFC 6455 5.

    :raises ProtocolError: its opcode is reserved, or it is a control frame that is fragmented
        or has more than 125 bytes of payload.
    """
    try:
        opcode = Opcode(frame.opcode)
    except ValueError:
        raise ProtocolError(f"reserved opcode {frame.opcode:#x}") from None
    CurrentFrame(opcode, frame.data, frame.fin).check()


def parse_close(data: BytesLike) -> tuple[int, str]:
    """Return the code and the reason in a close frame's payload; 1005 without a code.

    :raises ProtocolError: it is one byte, or has a code that must not be sent.
    :raises UnicodeDecodeError: the reason is not UTF-8.
    """
    close = Close.parse(data)
    return int(close.code), close.reason


def serialize_close(code: int, reason: str) -> bytes:
    """Return the payload of a close frame.

    :raises ProtocolError: as :func:`check_close`.
    """
    return Close(code, reason).serialize()


def check_close(code: int) -> None:
    """Check that a close code may be sent.

    :raises ProtocolError: it may not (RFC 6455 7.4).
    """
    Close(code, "").check()
