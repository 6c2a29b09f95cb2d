"""Nothing stays behind in the frame API, with the garbage collector off.

As ``tests/ws/test_leaks.py`` in the message API: it says what is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import DeflateParams, WSListener, WSMsgType, WSProtocolError
from tests.ws.memory_transport import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    close_payload,
    settle,
)
from tests.ws.test_leaks import left_behind

from .ends import Bench

DEFLATE = DeflateParams(False, False, 12, 12)
Use = Callable[[Bench], Awaitable[None]]
uses: list[Use] = []
faults: list[Use] = []


class Answering(WSListener):
    """Keeps its transport, echoes, and raises what it is told to."""

    def __init__(self) -> None:
        self.raises: BaseException | None = None

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if self.raises is not None:
            raise self.raises
        if frame.msg_type is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        else:
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), fin=frame.fin)
            frame.get_payload_as_bytes()
            frame.get_payload_as_utf8_text()


def fault(function: Use) -> Use:
    faults.append(function)
    return use(function)


def use(function: Use) -> Use:
    uses.append(function)
    return function


@use
async def echoes(bench: Bench) -> None:
    for opcode, payload in ((TEXT, b"text"), (BINARY, b"x" * 70000), (PONG, b"pong")):
        bench.send(opcode, payload)
    bench.send(TEXT, b"frag", fin=False)
    bench.send(PING, b"ping")
    bench.send(CONTINUATION, b"ment")
    bench.send(CLOSE, close_payload(1000, b"bye"))


@use
async def messages_of_every_type(bench: Bench) -> None:
    for message in ("text", b"bytes", bytearray(b"array"), memoryview(b"view"), None):
        bench.connection.send(WSMsgType.BINARY, message)
    bench.connection.send_reuse_external_bytearray(WSMsgType.BINARY, bytearray(300), 14)
    bench.connection.send_ping("ping")
    with contextlib.suppress(ValueError):
        bench.connection.send_ping(bytes(126))
    with contextlib.suppress(TypeError):
        bench.connection.send(WSMsgType.TEXT, 5)
    bench.connection.send_close(1001, "gone")


@fault
async def an_exception_of_the_listener(bench: Bench) -> None:
    bench.listener.raises = ValueError("of the listener")
    bench.send(TEXT, b"text")


@fault
async def a_protocol_error_of_the_listener(bench: Bench) -> None:
    bench.listener.raises = WSProtocolError(1008, "not so")
    bench.send(TEXT, b"text")


@fault
async def a_fault_of_the_peer(bench: Bench) -> None:
    bench.send(CONTINUATION, b"of what?")


@fault
async def text_that_is_none(bench: Bench) -> None:
    bench.send(TEXT, b"\xff")


@use
async def frames_in_pieces(bench: Bench) -> None:
    data = bench.frame(BINARY, b"y" * 100000)
    for start in range(0, len(data), 9999):
        bench.transport.feed(data[start : start + 9999])


@use
async def a_frame_that_is_cut(bench: Bench) -> None:
    bench.transport.feed(bench.frame(BINARY, b"y" * 1000)[:500])


@use
async def roundtrips_that_are_cut_and_cancelled(bench: Bench) -> None:
    for _ in range(2):
        task = asyncio.ensure_future(bench.connection.measure_roundtrip_time(2))
        await settle(1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    del task


@use
async def waits_for_the_end_that_are_cancelled(bench: Bench) -> None:
    task = asyncio.ensure_future(bench.connection.wait_disconnected())
    await settle(1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    del task


@pytest.mark.parametrize("deflate", [None, DEFLATE], ids=["plain", "deflate"])
@pytest.mark.parametrize("server", [True, False], ids=["server", "client"])
@pytest.mark.parametrize("used", uses, ids=lambda used: used.__name__)
async def test_a_frame_connection_leaves_nothing_behind(
    used: Use, server: bool, deflate: DeflateParams | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pytest keeps what is logged, exceptions and all that their tracebacks hold.
    monkeypatch.setattr(logging.getLogger("aiohttp_ws.tests"), "propagate", False)

    async def once() -> None:
        bench = Bench(Answering(), server=server, deflate=deflate, enable_auto_ping=True)
        await used(bench)
        bench.transport.lose()
        bench.transport.protocol = None  # as asyncio does
        bench.listener.raises = None
        with contextlib.suppress(Exception):
            await bench.connection.wait_disconnected()

    # A client keeps what ended it, as a future keeps its exception; the traceback of that refers
    # to the connection, and takes the collector.
    assert await left_behind(once, collect=used in faults and not server) == {}
