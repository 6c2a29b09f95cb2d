"""The other end of every connection here: bytes on a plain socket, with TLS made by hand.

TLS is an :class:`ssl.SSLObject` over memory, so that a test decides which records leave in one
write, and whether a connection ends with a close_notify, a FIN or a reset.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import hashlib
import os
import socket
import ssl
import struct
import sys
from collections.abc import Iterable

from tests.ws.raw_end import (
    CLOSE,
    PONG,
    Frame,
    Refused,
    closing,
    frame,
    masked_with,
    parse_head,
)

__all__ = ("Peer", "accept", "can_freeze", "connected", "dial", "lines_of", "request")

_ATTACH_FILTER, _DETACH_FILTER = 26, 27


class Peer:
    """One end of a connection.

    :param masks: whether this is the client's end.
    :param tls: makes the connection a TLS connection.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        masks: bool,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.masks = masks
        #: How the other end has ended its side: "fin", "close_notify" or "reset".
        self.end: str | None = None
        self._plain = bytearray()
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        if tls is not None:
            name = "localhost" if masks else None
            self._tls = tls.wrap_bio(
                self._into, self._out, server_side=not masks, server_hostname=name
            )

    # ------------------------------------------------------------------------ bytes

    async def handshake(self) -> None:
        """See the TLS handshake through, where there is TLS."""
        while self._tls is not None:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._push()
                data = await self.reader.read(65536)
                if not data:
                    raise ConnectionResetError("the other end left the TLS handshake") from None
                self._into.write(data)
            else:
                self._push()
                self._decrypt()
                return

    def write(self, data: bytes, then: str | None = None) -> None:
        """Send *data* in one write, *then* "close_notify", "fin" or "cut"."""
        if self._tls is not None:
            if data:
                self._tls.write(data)
            if then == "close_notify":
                try:
                    self._tls.unwrap()
                except (ssl.SSLWantReadError, ssl.SSLSyscallError):
                    pass
            data = self._out.read()
        self.writer.write(data)
        if then == "cut":
            self.cut()
        elif then is not None:
            self.writer.write_eof()

    def _push(self) -> None:
        if data := self._out.read():
            self.writer.write(data)

    async def more(self) -> bool:
        """Read once; say whether anything can come after it."""
        if self.end is not None:
            return False
        try:
            data = await self.reader.read(65536)
        except (ConnectionError, OSError):
            self.end = "reset"
            return False
        if self._tls is None:
            self._plain += data
        elif data:
            self._into.write(data)
            self._decrypt()
        if not data and self.end is None:
            self.end = "fin"
        return self.end is None

    def _decrypt(self) -> None:
        assert self._tls is not None
        try:
            while piece := self._tls.read(65536):
                self._plain += piece
        except ssl.SSLWantReadError:
            self._push()
            return
        except ssl.SSLZeroReturnError:
            pass
        self.end = "close_notify"

    async def exactly(self, size: int) -> bytes:
        while len(self._plain) < size:
            if not await self.more() and len(self._plain) < size:
                raise asyncio.IncompleteReadError(bytes(self._plain), size)
        data = bytes(self._plain[:size])
        del self._plain[:size]
        return data

    async def head(self) -> bytes:
        """The next head of an HTTP message."""
        while (at := self._plain.find(b"\r\n\r\n")) < 0:
            if not await self.more() and b"\r\n\r\n" not in self._plain:
                raise asyncio.IncompleteReadError(bytes(self._plain), None)
        return await self.exactly(at + 4)

    def answer(
        self,
        head: bytes,
        *,
        headers: Iterable[tuple[str, str]] = (),
        replace: dict[str, str | None] | None = None,
    ) -> bytes:
        """The 101 for a request; *replace* changes its own headers."""
        _, asked = parse_head(head)
        fields: dict[str, str | None] = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Accept": accept_key(asked["sec-websocket-key"]),
            **(replace or {}),
        }
        return lines_of("HTTP/1.1 101 Switching Protocols", fields.items(), headers)

    async def rest(self) -> bytes:
        """Everything up to the end."""
        while await self.more():
            pass
        return await self.exactly(len(self._plain))

    # ----------------------------------------------------------------------- frames

    def frame(self, opcode: int, payload: bytes | str = b"", *, fin: bool = True) -> bytes:
        """A frame as this end sends it."""
        data = payload.encode() if isinstance(payload, str) else payload
        return frame(opcode, data, fin=fin, mask=self.masks)

    def close_frame(self, code: int | None = 1000, reason: str = "") -> bytes:
        return self.frame(CLOSE, closing(code, reason))

    def send(self, opcode: int, payload: bytes | str = b"", then: str | None = None) -> None:
        self.write(self.frame(opcode, payload), then)

    def close(self, code: int | None = 1000, reason: str = "", then: str | None = None) -> None:
        """Send a close frame."""
        self.write(self.close_frame(code, reason), then)

    async def receive(self) -> Frame:
        first, second = await self.exactly(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(await self.exactly(2 if size == 126 else 8), "big")
        masked = bool(second & 0x80)
        key = await self.exactly(4) if masked else b"\0\0\0\0"
        payload = await self.exactly(size)
        if masked:
            payload = masked_with(key, payload)
        return Frame(first & 0x0F, payload, bool(first & 0x80), first >> 4 & 7, masked)

    async def frames(self) -> list[tuple[int, bytes]]:
        """Opcode and payload of every frame up to the end."""
        received = []
        try:
            while True:
                one = await self.receive()
                received.append((one.opcode, one.payload))
        except asyncio.IncompleteReadError as end:
            rest = end.partial
        assert rest == b"", rest
        return received

    async def receive_close(self) -> tuple[int | None, str]:
        """Code and reason of the next frame that is not a pong, which must be a close frame."""
        while (received := await self.receive()).opcode == PONG:
            pass
        assert received.opcode == CLOSE, received
        if not received.payload:
            return None, ""
        return struct.unpack("!H", received.payload[:2])[0], received.payload[2:].decode()

    async def skip_to_close(self) -> int | None:
        """The code of the next close frame; what comes before it is dropped."""
        while (received := await self.receive()).opcode != CLOSE:
            pass
        return struct.unpack("!H", received.payload[:2])[0] if received.payload else None

    async def ended(self) -> str:
        """Wait until the other end has ended its side, with nothing before; say how."""
        rest = await self.rest()
        assert rest == b"", rest
        assert self.end is not None
        return self.end

    # -------------------------------------------------------------------------- TCP

    @property
    def socket(self) -> socket.socket:
        return self.writer.get_extra_info("socket")  # type: ignore[no-any-return]

    def fin(self) -> None:
        """End our side of TCP, whatever TLS thinks of it."""
        self.writer.write_eof()

    def cut(self) -> None:
        """Reset the TCP connection."""
        linger = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    def freeze(self) -> None:
        """Vanish from the network: what comes in is dropped before TCP sees it."""
        drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
        program = struct.pack("HL", 1, ctypes.addressof(drop_all))
        self.socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)

    def thaw(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)


def can_freeze() -> bool:
    """Whether the system lets a socket drop what comes in."""
    return sys.platform == "linux"


def accept_key(key: str) -> str:
    """What RFC 6455 4.2.2 answers a key with."""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return base64.b64encode(digest).decode()


def lines_of(start: str, *fields: Iterable[tuple[str, str | None]]) -> bytes:
    lines = [f"{name}: {value}" for part in fields for name, value in part if value is not None]
    return "\r\n".join([start, *lines, "", ""]).encode()


async def connected(port: int, tls: ssl.SSLContext | None, receive_buffer: int | None) -> Peer:
    """A client's end, its TLS handshake done."""
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock)
    peer = Peer(reader, writer, masks=True, tls=tls)
    await peer.handshake()
    return peer


def request(
    port: int,
    *,
    method: str = "GET",
    path: str = "/",
    replace: dict[str, str | None] | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """The request of an opening handshake; *replace* changes its own headers."""
    fields: dict[str, str | None] = {
        "Host": f"127.0.0.1:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        **(replace or {}),
    }
    return lines_of(f"{method} {path} HTTP/1.1", fields.items(), headers)


async def dial(
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    receive_buffer: int | None = None,
    sends: Iterable[tuple[int, bytes | str]] = (),
    then: str | None = None,
    **handshake: object,
) -> tuple[Peer, dict[str, str]]:
    """Open a WebSocket as a client; *sends* and *then* leave in one write with the request.

    :raises Refused: the answer is not a 101.
    """
    peer = await connected(port, tls, receive_buffer)
    frames = b"".join(peer.frame(*each) for each in sends)
    peer.write(request(port, **handshake) + frames, then)  # type: ignore[arg-type]
    start, answer = parse_head(await peer.head())
    status = int(start.split()[1])
    if status != 101:
        body = await peer.exactly(int(answer.get("content-length", 0)))
        peer.writer.close()
        raise Refused(status, answer, body)
    return peer, answer


async def accept(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    tls: ssl.SSLContext | None = None,
    headers: Iterable[tuple[str, str]] = (),
    replace: dict[str, str | None] | None = None,
    sends: Iterable[tuple[int, bytes | str]] = (),
    then: str | None = None,
) -> tuple[Peer, dict[str, str]]:
    """Accept a WebSocket as a server; *sends* and *then* leave in one write with the 101."""
    peer = Peer(reader, writer, masks=False, tls=tls)
    await peer.handshake()
    head = await peer.head()
    answer = peer.answer(head, headers=headers, replace=replace)
    peer.write(answer + b"".join(peer.frame(*each) for each in sends), then)
    return peer, parse_head(head)[1]
