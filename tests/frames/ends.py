"""Both ends of a connection in the frame API, over real sockets or over bytes alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp_ws import WSFrame, WSListener, WSTransport, ws_connect, ws_create_server
from aiohttp_ws.net.loop import resources_of
from aiohttp_ws.wire.deflate import DeflateOptions, DeflateParams
from aiohttp_ws.wire.frames import FrameReader, encode_frame
from aiohttp_ws.ws.listeners.frame_settings import FrameSettings
from aiohttp_ws.ws.opening.frames import open_frames
from aiohttp_ws.ws.types import WSAutoPingStrategy
from tests.ws.memory_transport import MASK, MemoryTransport
from tests.ws.raw_end import PATIENCE

Received = tuple[int, bytes]


class Recorder(WSListener):
    """Keeps what comes, in copies, and calls what a test gave for a callback.

    :param calls: functions by the name of a callback, called after it was recorded.
    """

    def __init__(self, **calls: Callable[..., Any]) -> None:
        self.calls = calls
        self.events: list[str] = []
        self.frames: list[Received] = []
        self.queue: asyncio.Queue[Received] = asyncio.Queue()
        self.connected = asyncio.Event()
        self.gone = asyncio.Event()
        self.transport: WSTransport

    def record(self, event: str, *args: Any) -> Any:
        self.events.append(event)
        call = self.calls.get(event)
        return call(*args) if call is not None else None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.connected.set()
        self.record("on_ws_connected", transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        received = (int(frame.msg_type), frame.get_payload_as_bytes())
        self.frames.append(received)
        self.queue.put_nowait(received)
        self.record("on_ws_frame", transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.gone.set()
        self.record("on_ws_disconnected", transport)

    def pause_writing(self) -> None:
        self.record("pause_writing")

    def resume_writing(self) -> None:
        self.record("resume_writing")

    async def next(self) -> Received:
        return await within(self.queue.get())

    async def wait_gone(self) -> None:
        await within(self.gone.wait())


async def within(awaitable: Any) -> Any:
    """Wait, not for ever: only a test that fails takes that long."""
    return await asyncio.wait_for(awaitable, PATIENCE)


class Served:
    """A server, and the listeners of its connections."""

    def __init__(self, factory: Callable[[], WSListener] = Recorder) -> None:
        self.make = factory
        self.listeners: list[Any] = []
        self.opened: asyncio.Queue[Any] = asyncio.Queue()

    def __call__(self, request: Any) -> Any:
        listener = self.make()
        self.listeners.append(listener)
        self.opened.put_nowait(listener)
        return listener

    async def next(self) -> Any:
        """The listener of the next connection, connected."""
        listener = await within(self.opened.get())
        await within(listener.connected.wait())
        return listener


@contextlib.asynccontextmanager
async def served(
    factory: Callable[[], WSListener] = Recorder, **options: Any
) -> AsyncIterator[Served]:
    """Serve on a free port of 127.0.0.1; at the end no connection is left."""
    this = Served(factory)
    server = await ws_create_server(this, "127.0.0.1", 0, **options)
    this.port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    this.url = f"ws://127.0.0.1:{this.port}/"  # type: ignore[attr-defined]
    try:
        yield this
    finally:
        server.close()
        for listener in this.listeners:
            transport = getattr(listener, "transport", None)
            if transport is not None:
                transport.disconnect(False)
                await within(ended(transport))


async def ended(transport: WSTransport) -> BaseException | None:
    """Wait for the end of a connection; return what wait_disconnected() raised."""
    try:
        await within(transport.wait_disconnected())
    except Exception as exc:
        return exc
    return None


@contextlib.asynccontextmanager
async def pair(
    client: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
    near: Callable[[], WSListener] = Recorder,
    far: Callable[[], WSListener] = Recorder,
) -> AsyncIterator[tuple[Any, Any]]:
    """The listeners of both ends of one connection over real sockets: client's, server's."""
    async with served(far, **server or {}) as this:
        transport, listener = await ws_connect(near, this.url, **client or {})
        try:
            yield listener, await this.next()
        finally:
            transport.disconnect(False)
            await ended(transport)


def settings(**options: Any) -> FrameSettings:
    defaults: dict[str, Any] = {
        "disconnect_on_exception": True,
        "logger": logging.getLogger("aiohttp_ws.tests"),
        "enable_auto_ping": False,
        "auto_ping_idle_timeout": 10,
        "auto_ping_reply_timeout": 10,
        "auto_ping_strategy": WSAutoPingStrategy.PING_WHEN_IDLE,
        "enable_auto_pong": True,
        "max_frame_size": 1 << 20,
    }
    return FrameSettings(**{**defaults, **options})


class Bench:
    """One end under test on a transport in memory, and the frames that its peer sends and gets."""

    def __init__(
        self,
        listener: WSListener | None = None,
        *,
        server: bool = True,
        deflate: DeflateParams | None = None,
        rest: bytes = b"",
        preamble: bytes = b"",
        **options: Any,
    ) -> None:
        self.server = server
        self.listener: Any = Recorder() if listener is None else listener
        self.transport = MemoryTransport()
        if deflate is not None:
            options.setdefault("compression", DeflateOptions(threshold=0))
        self.connection = open_frames(
            self.transport,
            self.listener,
            settings(**options),
            server=server,
            deflate=deflate,
            preamble=preamble,
            rest=rest,
        )
        self._reader = FrameReader(server=not server, allow_reserved=True, check_utf8=False)

    def frame(self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
        """A frame as the peer sends it."""
        return encode_frame(opcode, payload, fin=fin, rsv=rsv, mask=MASK if self.server else None)

    def send(self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> None:
        self.transport.feed(self.frame(opcode, payload, fin=fin, rsv=rsv))

    def sent_frames(self) -> list[tuple[int, int, bytes]]:
        """What the end under test has sent since the last call: ``(opcode, flags, payload)``."""
        resources_of(asyncio.get_running_loop()).flush_dirty()
        data = bytes(self.transport.written)
        self.transport.written.clear()
        return self._reader.feed(data)

    def sent(self) -> list[Received]:
        return [(opcode, payload) for opcode, _, payload in self.sent_frames()]
