"""Connections made of bytes, some dozens at a time: opened, used, and ended in every way.

Blocking sockets and frames that were made beforehand: this end must cost less than the other.
"""

import contextlib
import socket
import struct
import zlib

from tests.ws.raw_end import BINARY, CLOSE, CONTINUATION, PING, TEXT, closing, frame

PATIENCE = 30.0
AT_ONCE = 48
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
TEXT_MESSAGE = "a tick of a market, or a line of a chat: Grüße, 你好 ".encode() * 6
BINARY_MESSAGE = bytes(range(256)) * 8


def masked(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    return frame(opcode, payload, fin=fin, rsv=rsv, mask=True)


def deflated(payload: bytes) -> bytes:
    """*payload* as RFC 7692 7.2.1 has it, referring to nothing before it."""
    compressor = zlib.compressobj(wbits=-9)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class RawClients:
    """A batch of connections to a server of one API."""

    def __init__(self, port: int, deflate: bool) -> None:
        self.address = ("127.0.0.1", port)
        self.deflate = deflate
        self.opening = (
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{OFFER if deflate else ''}\r\n"
        ).encode()
        rsv, packed = (4, deflated) if deflate else (0, bytes)
        text, binary = packed(TEXT_MESSAGE), packed(BINARY_MESSAGE)
        third = len(text) // 3
        self.messages = (
            masked(TEXT, text, rsv=rsv)
            + masked(PING, b"are you there")
            + masked(BINARY, binary, rsv=rsv)
            + masked(TEXT, text[:third], fin=False, rsv=rsv)
            + masked(CONTINUATION, text[third : 2 * third], fin=False)
            + masked(CONTINUATION, text[2 * third :])
        )
        self.close = masked(CLOSE, closing(1000, "done"))
        self.asks_to_close = masked(TEXT, b"close")
        self.asks_to_cut = masked(TEXT, b"cut")
        self.half_a_frame = masked(BINARY, b"x" * 1000)[:500]

    def run(self, count: int) -> None:
        """Open, use and end *count* connections, each batch before the next."""
        for first in range(0, count, AT_ONCE):
            ends = [End(self) for _ in range(min(AT_ONCE, count - first))]
            for end in ends:
                end.read_head()
            for end in ends:
                end.socket.sendall(self.messages)
            for end in ends:
                end.read_replies()
            for number, end in enumerate(ends):
                end.begin_ending(first + number)
            for end in ends:
                end.finish()


class End:
    def __init__(self, clients: RawClients) -> None:
        self.clients = clients
        self.socket = socket.create_connection(clients.address, timeout=PATIENCE)
        self.socket.sendall(clients.opening)
        self.inflater = zlib.decompressobj(wbits=-15)
        self.data = b""
        self.owes_close = False

    def more(self) -> bool:
        received = self.socket.recv(65536)
        self.data += received
        return bool(received)

    def read_head(self) -> None:
        while b"\r\n\r\n" not in self.data:
            assert self.more(), f"no answer to the opening handshake but {self.data!r}"
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert self.clients.deflate == (b"permessage-deflate" in head), head

    def read_replies(self) -> None:
        """Read the echo of every message and compare it."""
        wanted, text = [TEXT_MESSAGE, BINARY_MESSAGE, TEXT_MESSAGE], b""
        compressed = False
        while wanted:
            opcode, fin, rsv, payload = self.read_frame()
            if opcode > BINARY:
                continue
            compressed = rsv == 4 if opcode != CONTINUATION else compressed
            text += payload
            if fin:
                if compressed:
                    text = self.inflater.decompress(text + b"\0\0\xff\xff")
                assert text == wanted.pop(0)
                text = b""

    def read_frame(self) -> tuple[int, bool, int, bytes]:
        self.need(2)
        first, size = self.data[0], self.data[1]
        start = 2 + {126: 2, 127: 8}.get(size, 0)
        self.need(start)
        if size > 125:
            size = int.from_bytes(self.data[2:start], "big")
        self.need(start + size)
        payload, self.data = self.data[start : start + size], self.data[start + size :]
        return first & 15, bool(first & 128), first >> 4 & 7, payload

    def need(self, size: int) -> None:
        while len(self.data) < size:
            assert self.more(), "the server ended too early"

    def begin_ending(self, number: int) -> None:
        """Most close in order; of ten, five end in other ways."""
        clients = self.clients
        match number % 10:
            case 5:
                self.owes_close = True
                self.socket.sendall(clients.asks_to_close)
            case 6:
                self.socket.sendall(clients.asks_to_cut)
            case 7:
                self.socket.shutdown(socket.SHUT_WR)
            case 8:
                self.cut()
            case 9:
                self.socket.sendall(clients.half_a_frame)
                self.cut()
            case _:
                self.socket.sendall(clients.close)

    def cut(self) -> None:
        """Reset the connection, as a machine that restarts does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def finish(self) -> None:
        """Answer the server's close frame and wait for the end of TCP."""
        if self.socket.fileno() < 0:
            return
        with self.socket, contextlib.suppress(ConnectionResetError):
            while self.more():
                if self.owes_close:
                    self.owes_close = False
                    self.socket.sendall(self.clients.close)
