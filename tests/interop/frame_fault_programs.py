"""Programs about peers that break the protocol: part of the table of ``frame_programs``."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

from tests.interop.frame_ends import Ends
from tests.interop.frame_opening_programs import UPGRADE
from tests.interop.frame_programs import observes
from tests.interop.talk import soon

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# What a server may not send, and the code that its client answers with.
TO_CLIENTS = {
    "a masked frame": (b"\x81\x81\x00\x00\x00\x00x", 1002),
    "a reserved opcode": (b"\x83\x01x", 1002),
    "a reserved control opcode": (b"\x8b\x00", 1002),
    "a fragmented ping": (b"\x09\x00", 1002),
    "a ping of 126 bytes": (b"\x89\x7e\x00\x7e" + bytes(126), 1002),
    "a length of 64 bits with the first one set": (b"\x82\x7f\x80" + bytes(7), 1002),
    "a length in more bytes than it needs": (b"\x82\x7e\x00\x05hello", 1002),
    "a close frame of one byte": (b"\x88\x01x", 1002),
    "a close reason that is no text": (b"\x88\x03\x03\xe8\xff", 1007),
}
# What picows lets through, and this library does not.
MORE_TO_CLIENTS = {
    "a close code that is none": (b"\x88\x02\x03\xee", 1002),
    "a continuation of nothing": (b"\x80\x01x", 1002),
    "a text within a text": (b"\x01\x01x\x81\x01x", 1002),
}


def accept(request: bytes) -> bytes:
    key = request.lower().split(b"sec-websocket-key: ")[1]
    start = len(request) - len(key)
    key = request[start:].split(b"\r\n")[0]
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def close_code(data: bytes) -> int | None:
    """The code of the first close frame among unfragmented short ones, masked or not."""
    while data:
        size, masked = data[1] & 0x7F, data[1] & 0x80
        start = 6 if masked else 2
        payload = data[start : start + size]
        if masked:
            mask = data[2:6]
            payload = bytes(each ^ mask[index % 4] for index, each in enumerate(payload))
        if data[0] & 15 == 8:
            return int.from_bytes(payload[:2], "big")
        data = data[start + size :]
    return None


async def at_a_client(ends: Ends, frames: bytes) -> Any:
    """What a client does about *frames* of a server: what it raises, and the code it sends."""
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: Any, writer: Any) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept(request) + frames
        )
        answered.set_result(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    listener = await ends.connect(server.sockets[0].getsockname()[1])
    raised, _ = await listener.ended()
    server.close()
    return raised, close_code(await soon(answered))


@observes({name: ("WSProtocolError", code) for name, (_, code) in TO_CLIENTS.items()})
async def frames_that_a_client_refuses(ends: Ends) -> Any:
    return {name: await at_a_client(ends, frames) for name, (frames, _) in TO_CLIENTS.items()}


@observes((1002, 1002))
async def frames_that_a_server_refuses(ends: Ends) -> Any:
    codes = []
    for frame in (b"\x81\x01x", b"\x83\x81" + bytes(5)):
        async with ends.serving(lambda request: ends.listener(ends.far)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(UPGRADE + frame)
            await soon(reader.readuntil(b"\r\n\r\n"))
            codes.append(close_code(await soon(reader.read())))
            writer.close()
    return tuple(codes)
