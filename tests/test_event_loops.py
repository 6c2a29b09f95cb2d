"""Our server and client talk in every kind of loop, with every kind of task.

The whole suite runs in one of them with ``make test LOOP=eager``; here is the least that
must hold in all, whatever loop the rest of a run has.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable

import pytest

from aiohttp_ws import ClientSession, WSMsgType, web
from aiohttp_ws.test_utils import TestServer
from tests.loops import LOOPS

Talk = Callable[[ClientSession, TestServer], Awaitable[None]]


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Talk], None]:
    """Run a coroutine, with a session and a server of ours, in a loop of one kind."""
    try:
        loop = LOOPS[request.param]()
    except pytest.UsageError as absent:
        pytest.skip(str(absent))

    async def main(talk: Talk) -> None:
        app = web.Application()
        app.router.add_get("/echo", echo)
        app.router.add_post("/length", length)
        async with TestServer(app) as server, ClientSession(server.make_url("/")) as session:
            await asyncio.wait_for(talk(session, server), 30)

    def in_loop(talk: Talk) -> None:
        # In a thread of its own, which no other loop has used or will use.
        def work() -> None:
            with contextlib.closing(loop):
                try:
                    loop.run_until_complete(main(talk))
                except BaseException as exc:
                    raised.append(exc)

        raised: list[BaseException] = []
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if raised:
            raise raised[0]

    return in_loop


async def echo(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def length(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


def test_messages_pass_both_ways_and_the_connection_closes(run: Callable[[Talk], None]) -> None:
    async def talk(session: ClientSession, server: TestServer) -> None:
        async with session.ws_connect("/echo") as ws:
            for text in ("a", "b" * 70_000):
                await ws.send_str(text)
                assert await ws.receive_str() == text
        assert ws.close_code == 1000

    run(talk)


def test_operations_become_tasks(run: Callable[[Talk], None]) -> None:
    async def talk(session: ClientSession, server: TestServer) -> None:
        async with session.ws_connect("/echo") as ws:
            waiting = asyncio.create_task(ws.receive())
            await asyncio.gather(*[ws.send_str(str(number)) for number in range(3)])
            assert (await waiting).data == "0"
            both = await asyncio.gather(ws.receive_str(), asyncio.sleep(0))
            assert both[0] == "1"
            assert await asyncio.wait_for(ws.receive_str(), 30) == "2"

    run(talk)


def test_a_cancelled_or_late_receive_loses_no_message(run: Callable[[Talk], None]) -> None:
    async def talk(session: ClientSession, server: TestServer) -> None:
        async with session.ws_connect("/echo") as ws:
            waiting = asyncio.create_task(ws.receive())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            with pytest.raises(asyncio.TimeoutError):
                await ws.receive(timeout=0.001)
            await ws.send_str("still here")
            message = await ws.receive()
            assert (message.type, message.data) == (WSMsgType.TEXT, "still here")

    run(talk)


def test_one_task_wakes_another_of_the_same_loop(run: Callable[[Talk], None]) -> None:
    async def talk(session: ClientSession, server: TestServer) -> None:
        async def one(number: int) -> list[str]:
            async with session.ws_connect("/echo") as ws:
                heard = []
                for turn in range(20):
                    await ws.send_str(f"{number}.{turn}")
                    heard.append(await ws.receive_str())
                return heard

        for number, heard in enumerate(await asyncio.gather(*[one(n) for n in range(8)])):
            assert heard == [f"{number}.{turn}" for turn in range(20)]

    run(talk)


def test_requests_are_answered_at_once_and_in_parallel(run: Callable[[Talk], None]) -> None:
    async def talk(session: ClientSession, server: TestServer) -> None:
        async def ask(size: int) -> int:
            async with session.post("/length", data=bytes(size)) as response:
                return int(await response.text())

        sizes = [0, 1, 70_000, 1_000_000]
        assert await asyncio.gather(*[ask(size) for size in sizes]) == sizes

    run(talk)
