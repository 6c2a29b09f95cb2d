"""A peer made of bytes: what it sends is as right or as wrong as a test wants it.

It is written from RFC 6455 with the standard library alone, so that a mistake in the package
cannot hide behind the same mistake here.
"""

import asyncio
import base64
import hashlib
import os
import socket
import ssl
import struct
from collections.abc import Iterable
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

# Long enough for a slow machine, and only spent by a test that fails.
PATIENCE = 30.0


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bool = False,
    length: int | None = None,
) -> bytes:
    """Return a frame's bytes (RFC 6455 5.2); *length* lies about the payload's."""
    size = len(payload) if length is None else length
    head = bytes([fin << 7 | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + masked_with(key, payload)


def masked_with(key: bytes, payload: bytes) -> bytes:
    """Mask or unmask (RFC 6455 5.3): as one number, since tests pass many megabytes."""
    size = len(payload)
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def closing(code: int | None = None, reason: str = "") -> bytes:
    """Return the payload of a close frame."""
    return b"" if code is None else struct.pack("!H", code) + reason.encode()


@dataclass
class Frame:
    opcode: int
    payload: bytes
    fin: bool
    rsv: int
    masked: bool


class RawEnd:
    """One end of a connection whose opening handshake is over."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, masks: bool
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.masks = masks

    def send(
        self,
        opcode: int,
        payload: bytes = b"",
        *,
        fin: bool = True,
        rsv: int = 0,
        mask: bool | None = None,
        length: int | None = None,
    ) -> None:
        masked = self.masks if mask is None else mask
        self.writer.write(frame(opcode, payload, fin=fin, rsv=rsv, mask=masked, length=length))

    def send_bytes(self, data: bytes) -> None:
        self.writer.write(data)

    def send_close(self, code: int | None = None, reason: str = "") -> None:
        self.send(CLOSE, closing(code, reason))

    async def receive(self) -> Frame:
        return await asyncio.wait_for(self._receive(), PATIENCE)

    async def _receive(self) -> Frame:
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        masked = bool(second & 0x80)
        key = await self.reader.readexactly(4) if masked else b"\0\0\0\0"
        payload = await self.reader.readexactly(size)
        if masked:
            payload = masked_with(key, payload)
        return Frame(first & 0x0F, payload, bool(first & 0x80), first >> 4 & 7, masked)

    async def receive_close(self) -> tuple[int | None, str]:
        """Return the code and reason of the next frame, which must be a close frame."""
        received = await self.receive()
        assert received.opcode == CLOSE, received
        if not received.payload:
            return None, ""
        return struct.unpack("!H", received.payload[:2])[0], received.payload[2:].decode()

    async def skip_to_close(self) -> tuple[int | None, str]:
        """Return the next close frame's code and reason, and drop what comes before it."""
        while (received := await self.receive()).opcode != CLOSE:
            pass
        self.reader._buffer[:0] = frame(CLOSE, received.payload)  # type: ignore[attr-defined]
        return await self.receive_close()

    async def wait_eof(self) -> None:
        """Wait until the other end has closed the TCP connection; nothing may come before."""
        try:
            rest = await asyncio.wait_for(self.reader.read(1), PATIENCE)
        except ConnectionResetError:
            return
        assert rest == b"", rest

    def end(self) -> None:
        """End our side of TCP, without a close frame; what the other end sends still comes."""
        self.writer.write_eof()

    def cut(self) -> None:
        """Reset the TCP connection, as a machine that restarts does."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class Refused(Exception):
    """The server answered the opening handshake with another status than 101."""

    status: int
    headers: dict[str, str]
    body: bytes


def parse_head(head: bytes) -> tuple[str, dict[str, str]]:
    start, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    fields = (line.partition(":") for line in lines)
    return start, {name.lower(): value.strip() for name, _, value in fields}


async def open_raw(
    host: str,
    port: int,
    *,
    path: str = "/",
    headers: Iterable[tuple[str, str]] = (),
    replace: dict[str, str | None] | None = None,
    send: bytes = b"",
    tls: ssl.SSLContext | None = None,
) -> tuple[RawEnd, dict[str, str]]:
    """Open a WebSocket as a client; return its end and the answer's headers.

    *replace* changes the handshake's own headers (None leaves one out); *send* follows the
    request in the same packet. Raises :exc:`Refused`.
    """
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    fields: dict[str, str | None] = {
        "Host": f"{host}:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        **(replace or {}),
    }
    lines = [f"GET {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    lines += [f"{name}: {value}" for name, value in headers]
    writer.write("\r\n".join([*lines, "", ""]).encode() + send)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    start, answer = parse_head(head)
    status = int(start.split()[1])
    if status != 101:
        length = int(answer.get("content-length", 0))
        body = await reader.readexactly(length)
        writer.close()
        raise Refused(status, answer, body)
    return RawEnd(reader, writer, masks=True), answer


async def accept_raw(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    headers: Iterable[tuple[str, str]] = (),
    replace: dict[str, str | None] | None = None,
    status: str = "101 Switching Protocols",
    send: bytes = b"",
) -> tuple[RawEnd, dict[str, str]]:
    """Accept a WebSocket as a server; return its end and the request's headers."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    _, request = parse_head(head)
    key = request["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    fields: dict[str, str | None] = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Accept": base64.b64encode(hashlib.sha1(key.encode()).digest()).decode(),
        **(replace or {}),
    }
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    lines += [f"{name}: {value}" for name, value in headers]
    writer.write("\r\n".join([*lines, "", ""]).encode() + send)
    return RawEnd(reader, writer, masks=False), request
