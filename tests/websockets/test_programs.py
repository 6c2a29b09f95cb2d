"""Programs as websockets documents them, with only the import changed, on either side.

Each program is a function of its library; the one on the other side may be of the other.
"""

# ruff: noqa: SIM117 (as that documentation is written)

from __future__ import annotations

import asyncio
import json
from types import ModuleType
from typing import Any

import pytest

from .ends import LIBRARIES, SIDES, url_of

pytestmark = [
    pytest.mark.peer("websockets"),
    pytest.mark.parametrize(
        ("at_server", "at_client"),
        [pytest.param(*(LIBRARIES[name] for name in pair), id="-".join(pair)) for pair in SIDES],
    ),
]


async def test_hello(at_server: ModuleType, at_client: ModuleType):
    async def hello(websocket: Any) -> None:
        name = await websocket.recv()
        await websocket.send(f"Hello {name}!")

    async with at_server.serve(hello, "127.0.0.1", 0) as server:
        async with at_client.connect(url_of(server)) as websocket:
            await websocket.send("you")
            assert await websocket.recv() == "Hello you!"


async def test_consumer_and_producer(at_server: ModuleType, at_client: ModuleType):
    consumed = []
    all_there = asyncio.Event()

    async def consumer_handler(websocket: Any) -> None:
        async for message in websocket:
            consumed.append(message)
            if len(consumed) == 3:
                all_there.set()

    async def producer_handler(websocket: Any) -> None:
        try:
            for number in range(3):
                await websocket.send(str(number))
            await websocket.wait_closed()
        except at_server.ConnectionClosed:
            pass

    async def handler(websocket: Any) -> None:
        done, pending = await asyncio.wait(
            [
                asyncio.create_task(consumer_handler(websocket)),
                asyncio.create_task(producer_handler(websocket)),
            ],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in pending:
            task.cancel()
        await asyncio.gather(*done)

    async with at_server.serve(handler, "127.0.0.1", 0) as server:
        async with at_client.connect(url_of(server)) as websocket:
            for number in range(3):
                await websocket.send(str(number))
            assert [await websocket.recv() for _ in range(3)] == ["0", "1", "2"]
            await all_there.wait()


async def test_counter_with_broadcast(at_server: ModuleType, at_client: ModuleType):
    users: set[Any] = set()
    value = 0

    async def counter(websocket: Any) -> None:
        nonlocal value
        try:
            users.add(websocket)
            at_server.broadcast(users, json.dumps({"type": "users", "count": len(users)}))
            await websocket.send(json.dumps({"type": "value", "value": value}))
            async for message in websocket:
                value += {"plus": 1, "minus": -1}[json.loads(message)["action"]]
                at_server.broadcast(users, json.dumps({"type": "value", "value": value}))
        finally:
            users.remove(websocket)
            at_server.broadcast(users, json.dumps({"type": "users", "count": len(users)}))

    async with at_server.serve(counter, "127.0.0.1", 0) as server:
        async with at_client.connect(url_of(server)) as one:
            assert json.loads(await one.recv()) == {"type": "users", "count": 1}
            assert json.loads(await one.recv()) == {"type": "value", "value": 0}
            async with at_client.connect(url_of(server)) as two:
                assert json.loads(await one.recv()) == {"type": "users", "count": 2}
                assert json.loads(await two.recv()) == {"type": "users", "count": 2}
                assert json.loads(await two.recv()) == {"type": "value", "value": 0}
                await two.send(json.dumps({"action": "plus"}))
                for websocket in (one, two):
                    assert json.loads(await websocket.recv()) == {"type": "value", "value": 1}
            assert json.loads(await one.recv()) == {"type": "users", "count": 1}


async def test_per_client_queues(at_server: ModuleType, at_client: ModuleType):
    clients: set[asyncio.Queue[str]] = set()
    registered = asyncio.Event()

    async def relay(queue: asyncio.Queue[str], websocket: Any) -> None:
        while True:
            await websocket.send(await queue.get())

    async def handler(websocket: Any) -> None:
        queue: asyncio.Queue[str] = asyncio.Queue()
        relaying = asyncio.create_task(relay(queue, websocket))
        clients.add(queue)
        registered.set()
        try:
            await websocket.wait_closed()
        finally:
            clients.remove(queue)
            relaying.cancel()

    async with at_server.serve(handler, "127.0.0.1", 0) as server:
        async with at_client.connect(url_of(server)) as websocket:
            await registered.wait()
            for queue in clients:
                queue.put_nowait("news")
            assert await websocket.recv() == "news"


async def test_authentication_in_the_first_message(at_server: ModuleType, at_client: ModuleType):
    async def handler(websocket: Any) -> None:
        token = await asyncio.wait_for(websocket.recv(), 10)
        if token != "sesame":
            await websocket.close(at_server.CloseCode.INTERNAL_ERROR, "authentication failed")
            return
        await websocket.send("open")

    async with at_server.serve(handler, "127.0.0.1", 0) as server:
        async with at_client.connect(url_of(server)) as websocket:
            await websocket.send("sesame")
            assert await websocket.recv() == "open"
        websocket = await at_client.connect(url_of(server))
        await websocket.send("guess")
        with pytest.raises(at_client.ConnectionClosedError) as caught:
            await websocket.recv()
        assert caught.value.rcvd == at_client.Close(1011, "authentication failed")
        assert str(caught.value).startswith("received 1011 (internal error) authentication failed")


async def test_health_check_beside_the_websocket(at_server: ModuleType, at_client: ModuleType):
    def health_check(connection: Any, request: Any) -> Any:
        if request.path == "/healthz":
            return connection.respond(200, "OK\n")
        return None

    async def echo(websocket: Any) -> None:
        async for message in websocket:
            await websocket.send(message)

    async with at_server.serve(echo, "127.0.0.1", 0, process_request=health_check) as server:
        with pytest.raises(at_client.InvalidStatus) as caught:
            await at_client.connect(url_of(server, "/healthz"))
        assert caught.value.response.body == b"OK\n"


async def test_reconnecting_client(at_server: ModuleType, at_client: ModuleType):
    times = 0

    async def handler(websocket: Any) -> None:
        nonlocal times
        times += 1
        await websocket.send(str(times))
        if times < 3:
            await websocket.close(1001)
        await websocket.wait_closed()

    received = []
    async with at_server.serve(handler, "127.0.0.1", 0) as server:
        async for websocket in at_client.connect(url_of(server)):
            try:
                async for message in websocket:
                    received.append(message)
                    if message == "3":
                        break
                else:
                    continue
            except at_client.ConnectionClosed:
                continue
            break
        await websocket.close()
    assert received == ["1", "2", "3"]


async def test_server_that_stops_on_an_event(at_server: ModuleType, at_client: ModuleType):
    stop = asyncio.Event()
    serving: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def echo(websocket: Any) -> None:
        async for message in websocket:
            await websocket.send(message)

    async def main() -> None:
        async with at_server.serve(echo, "127.0.0.1", 0) as server:
            serving.set_result(server)
            await stop.wait()

    running = asyncio.ensure_future(main())
    async with at_client.connect(url_of(await serving)) as websocket:
        await websocket.send("still there?")
        assert await websocket.recv() == "still there?"
        stop.set()
        assert [message async for message in websocket] == []
        assert websocket.close_code == 1001
    await running


async def test_streamed_messages(at_server: ModuleType, at_client: ModuleType):
    async def handler(websocket: Any) -> None:
        async for _ in websocket.recv_streaming():
            pass

        async def lines() -> Any:
            for number in range(3):
                yield f"line {number}\n"

        await websocket.send(lines())

    async with at_server.serve(handler, "127.0.0.1", 0) as server:
        async with at_client.connect(url_of(server)) as websocket:
            await websocket.send(b"chunk" for _ in range(10))
            assert await websocket.recv() == "line 0\nline 1\nline 2\n"


async def test_latency_and_pings(at_server: ModuleType, at_client: ModuleType):
    async def handler(websocket: Any) -> None:
        pong = await websocket.ping()
        await websocket.send(str(await pong))

    async with at_server.serve(handler, "127.0.0.1", 0) as server:
        async with at_client.connect(url_of(server)) as websocket:
            assert float(await websocket.recv()) >= 0
