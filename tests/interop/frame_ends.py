"""A connection in the frame API whose ends are given as modules: picows or aiohttp_ws.

Programs written with this name neither: the same text runs with each, at either end.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.interop.talk import soon

Module = Any
Closing = tuple[Any, Any, Any]


class Records:
    """Part of a listener: keeps what comes, and calls what a program gave for a callback.

    :param calls: functions by the name of a callback. ``on_ws_frame`` is told the recorder too.
    """

    def __init__(self, **calls: Callable[..., Any]) -> None:
        super().__init__()
        self.calls = calls
        self.events: list[str] = []
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.connected = asyncio.Event()
        self.gone = asyncio.Event()
        self.transport: Any = None

    def _call(self, event: str, *args: Any, default: Any = None) -> Any:
        self.events.append(event)
        call = self.calls.get(event)
        return default if call is None else call(*args)

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport
        self.connected.set()
        self._call("on_ws_connected", transport)

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        self.queue.put_nowait((frame.msg_type.name, bool(frame.fin), frame.get_payload_as_bytes()))
        self._call("on_ws_frame", transport, frame)

    def on_ws_disconnected(self, transport: Any) -> None:
        self.gone.set()
        self._call("on_ws_disconnected", transport)

    def pause_writing(self) -> None:
        self._call("pause_writing")

    def resume_writing(self) -> None:
        self._call("resume_writing")

    async def next(self) -> tuple[str, bool, bytes]:
        """The next frame: the name of its type, its fin bit, its payload."""
        frame: tuple[str, bool, bytes] = await soon(self.queue.get())
        return frame

    async def next_but_pings(self) -> tuple[str, bool, bytes]:
        while (frame := await self.next())[0] == "PING":
            pass
        return frame

    async def ended(self) -> tuple[str | None, Closing | None]:
        """How the connection ended: the name of what ``wait_disconnected`` raised, and what
        ``close_handshake`` says."""
        raised = None
        try:
            await soon(self.transport.wait_disconnected())
        except Exception as exc:
            raised = type(exc).__name__
        assert self.transport.is_disconnected
        return raised, closing_of(self.transport)


def closing_of(transport: Any) -> Closing | None:
    """``close_handshake`` as plain values: received, sent, whether the peer's came first."""
    closing = transport.close_handshake
    if closing is None:
        return None

    def plain(info: Any) -> Any:
        return None if info is None else (int(info.code), info.reason)

    return plain(closing.recv), plain(closing.sent), closing.recv_then_sent


@functools.cache
def recorder_class(module: Module) -> type[Any]:
    """A listener of *module* that records."""
    return type("Recorder", (Records, module.WSListener), {})


def echo(transport: Any, frame: Any) -> None:
    """Give back each frame as it came; answer a close frame, and hang up."""
    kind = type(frame.msg_type)
    if frame.msg_type == kind.CLOSE:
        transport.send_close(frame.get_close_code(), frame.get_close_message())
        transport.disconnect()
    elif frame.msg_type in (kind.TEXT, kind.BINARY, kind.CONTINUATION):
        transport.send(
            frame.msg_type,
            frame.get_payload_as_bytes(),
            fin=frame.fin,
            rsv1=frame.rsv1,
            rsv2=frame.rsv2,
            rsv3=frame.rsv3,
        )


class Ends:
    """The modules of a client and of a server, and connections between them.

    :param near: the client's module.
    :param far: the server's.
    """

    def __init__(self, near: Module, far: Module) -> None:
        self.near = near
        self.far = far

    def listener(self, module: Module, calls: dict[str, Any] | None = None) -> Any:
        calls = dict(calls or {})
        pongs = {name: calls.pop(name) for name in PONGS if name in calls}
        kind = recorder_class(module)
        if pongs:
            kind = type("Ponger", (kind,), pongs)
        return kind(**calls)

    @contextlib.asynccontextmanager
    async def serving(self, factory: Callable[[Any], Any], **options: Any) -> AsyncIterator[int]:
        """Serve with *factory* at the far end; gives the port."""
        server = await self.far.ws_create_server(factory, "127.0.0.1", 0, **options)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def connect(
        self, port: int, calls: Any = None, scheme: str = "ws", **options: Any
    ) -> Any:
        """Connect from the near end; gives the listener."""
        _, listener = await soon(
            self.near.ws_connect(
                lambda: self.listener(self.near, calls),
                f"{scheme}://127.0.0.1:{port}/",
                **options,
            )
        )
        return listener

    @contextlib.asynccontextmanager
    async def talking(
        self,
        near: dict[str, Any] | None = None,
        far: dict[str, Any] | None = None,
        client: dict[str, Any] | None = None,
        server: dict[str, Any] | None = None,
    ) -> AsyncIterator[tuple[Any, Any]]:
        """A connection: the listeners of the client's and of the server's end.

        :param near: what the client's callbacks call; *far* likewise.
        :param client: options of ``ws_connect``; *server* of ``ws_create_server``.
        """
        served: list[Any] = []

        def factory(request: Any) -> Any:
            served.append(self.listener(self.far, far))
            return served[-1]

        async with self.serving(factory, **server or {}) as port:
            listener = await self.connect(port, near, **client or {})
            try:
                await soon(served[0].connected.wait())
                yield listener, served[0]
            finally:
                for each in (listener, served[0]):
                    each.transport.disconnect(False)
                for each in (listener, served[0]):
                    await each.ended()


PONGS = ("send_user_specific_ping", "is_user_specific_pong")
