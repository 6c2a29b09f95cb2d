"""Promises about threads: a transport is for its own, and every thread may have a server."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading

import pytest

from aiohttp_ws import WSMsgType, ws_connect, ws_create_server
from tests.loops import LOOP, LOOPS

from .ends import Recorder, ended, pair, within

CALLS = {
    "send": lambda t: t.send(WSMsgType.TEXT, b"x"),
    "send large": lambda t: t.send(WSMsgType.TEXT, bytes(100_000)),
    "send close": lambda t: t.send(WSMsgType.CLOSE, b""),
    "send_reuse_external_bytearray": lambda t: t.send_reuse_external_bytearray(
        WSMsgType.TEXT, bytearray(20), 14
    ),
    "send_ping": lambda t: t.send_ping(),
    "send_pong": lambda t: t.send_pong(),
    "send_close": lambda t: t.send_close(1000),
    "disconnect": lambda t: t.disconnect(),
    "abort": lambda t: t.disconnect(False),
    "notify": lambda t: t.notify_user_specific_pong_received(),
    "wait_disconnected": lambda t: t.wait_disconnected().send(None),
    "measure_roundtrip_time": lambda t: t.measure_roundtrip_time(1).send(None),
}


def in_thread(function, *args):
    """What *function* raised in a thread of its own."""
    raised = []

    def run():
        try:
            function(*args)
        except BaseException as exc:
            raised.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_from_another_thread_raises_and_does_nothing(name):
    async with pair() as ends:
        for end, other in (ends, ends[::-1]):
            [raised] = in_thread(CALLS[name], end.transport)
            assert isinstance(raised, RuntimeError)
            assert "call_soon_threadsafe" in str(raised)
            assert not end.transport.is_close_frame_sent
            end.transport.send(WSMsgType.TEXT, b"the first")
            assert await other.next() == (WSMsgType.TEXT, b"the first")


async def test_another_thread_may_ask_the_loop_to_send():
    async with pair() as (near, far):
        loop = asyncio.get_running_loop()
        assert (
            in_thread(lambda: loop.call_soon_threadsafe(near.transport.send, WSMsgType.TEXT, b"x"))
            == []
        )
        assert await far.next() == (WSMsgType.TEXT, b"x")


class Serving(threading.Thread):
    """A server in a loop and a thread of its own, on a port that others share."""

    def __init__(self, port):
        super().__init__()
        self.port = port
        self.ready = threading.Event()
        self.served = 0
        self.threads = set()

    def run(self):
        loop = LOOPS[LOOP]()
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self.main())
        finally:
            loop.close()

    async def main(self):
        self.loop = asyncio.get_running_loop()
        self.stop = asyncio.Event()
        self.left = []

        def echo(transport, frame):
            self.threads.add(threading.get_ident())
            transport.send(
                frame.msg_type,
                b"%d " % threading.get_ident() + frame.get_payload_as_bytes(),
            )

        def factory(request):
            self.served += 1
            listener = Recorder(on_ws_frame=echo)
            self.left.append(listener)
            return listener

        server = await ws_create_server(factory, "127.0.0.1", self.port, reuse_port=True)
        self.ready.set()
        await self.stop.wait()
        server.close()
        for listener in self.left:
            await listener.wait_gone()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel spreads connections on Linux only")
async def test_a_server_in_each_thread_serves_from_all_of_them():
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        servers = [Serving(port) for _ in range(3)]
        for server in servers:
            server.start()
        for server in servers:
            assert await asyncio.to_thread(server.ready.wait, 30)
        clients = []
        try:
            answered = set()
            # Each thread is missed by all with a probability of (2/3) ** 100.
            while len(clients) < 100 or len(clients) % 10:
                transport, client = await ws_connect(Recorder, f"ws://127.0.0.1:{port}/")
                clients.append(client)
                transport.send(WSMsgType.TEXT, b"%d" % len(clients))
                transport.send(WSMsgType.BINARY, bytes(40_000))
            for number, client in enumerate(clients, 1):
                kind, payload = await client.next()
                thread, _, echoed = payload.partition(b" ")
                assert (kind, echoed) == (WSMsgType.TEXT, b"%d" % number)
                answered.add(int(thread))
                kind, payload = await client.next()
                assert payload == thread + b" " + bytes(40_000)
            assert len(answered) == 3
            assert sum(server.served for server in servers) == len(clients)
            assert {server.ident for server in servers} == answered
        finally:
            for client in clients:
                client.transport.disconnect()
                await ended(client.transport)
            for server in servers:
                server.loop.call_soon_threadsafe(server.stop.set)
            for server in servers:
                await within(asyncio.to_thread(server.join))
