"""A transport in memory: what a connection writes can be read, what it asks for be seen."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp_ws.net.loop import resources_of
from aiohttp_ws.wire.frames import FrameReader, encode_frame
from aiohttp_ws.ws.listeners.message_stream import MessageStream
from aiohttp_ws.ws.opening.messages import open_connection

MASK = b"\x01\x02\x03\x04"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def close_payload(code: int, reason: bytes = b"") -> bytes:
    return code.to_bytes(2, "big") + reason


class MemoryTransport(asyncio.Transport):
    """Takes everything that is written; delivers what a test feeds."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Any = None
        self.written = bytearray()
        self.writes = 0
        self.wrote = asyncio.Event()
        self.reading = True
        self.closing = False
        self.closed = asyncio.Event()
        self.aborted = asyncio.Event()
        self.eof_written = False
        self.pending = 0
        self.high = 65536

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def write(self, data: Any) -> None:
        self.writes += 1
        self.wrote.set()
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.pending

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high or self.high

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_reading(self) -> bool:
        return self.reading

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.eof_written = True

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True
        self.closed.set()

    def abort(self) -> None:
        self.closing = True
        self.closed.set()
        self.aborted.set()

    def feed(self, data: bytes) -> None:
        """Deliver *data* in as many reads as the protocol's buffer makes of it."""
        while data:
            buffer = memoryview(self.protocol.get_buffer(-1))
            part = data[: len(buffer)]
            buffer[: len(part)] = part
            buffer.release()
            data = data[len(part) :]
            self.protocol.buffer_updated(len(part))

    def lose(self, exc: BaseException | None = None) -> None:
        self.closing = True
        self.protocol.connection_lost(exc)


class Peer:
    """One end under test, and the frames that its peer sends and gets."""

    def __init__(self, *, server: bool = True, receive_timeout: Any = None, **options: Any) -> None:
        self.server = server
        self.transport = MemoryTransport()
        self.connection = open_connection(
            self.transport, asyncio.get_running_loop(), server=server, **options
        )
        self.stream = MessageStream()
        self.stream._attach(self.connection, receive_timeout)
        self._reader = FrameReader(server=not server, allow_reserved=True, check_utf8=False)

    def send(self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> None:
        self.transport.feed(self.frame(opcode, payload, fin=fin, rsv=rsv))

    def frame(self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
        return encode_frame(opcode, payload, fin=fin, rsv=rsv, mask=MASK if self.server else None)

    def sent(self) -> list[tuple[int, bytes]]:
        """What the end under test has sent since the last call: ``(opcode, payload)``."""
        resources_of(asyncio.get_running_loop()).flush_dirty()
        data = bytes(self.transport.written)
        self.transport.written.clear()
        return [(opcode, payload) for opcode, _, payload in self._reader.feed(data)]


async def settle(turns: int = 5) -> None:
    """Let every callback that is ready run, and those that they make ready."""
    for _ in range(turns):
        await asyncio.sleep(0)
