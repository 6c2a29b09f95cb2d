"""When a call acts: a coroutine function's when it is first awaited, in its loop (and not at all
in a thread of others); a function's at once, in its own thread only."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from tests.programs import ROOT
from tests.ws.raw_end import PING, PONG, TEXT

from .differences import ROWS
from .ends import rounds
from .sides import SIDES, Sides

# What each API's coroutine functions put on the wire.
SENDS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "web": {
        "send_str": lambda ws: ws.send_str("late"),
        "send_bytes": lambda ws: ws.send_bytes(b"late"),
        "send_json": lambda ws: ws.send_json("late"),
        "ping": lambda ws: ws.ping(b"late"),
        "pong": lambda ws: ws.pong(b"late"),
        "close": lambda ws: ws.close(),
    },
    "messages": {
        "send": lambda connection: connection.send("late"),
        "ping": lambda connection: connection.ping(b"late"),
        "pong": lambda connection: connection.pong(b"late"),
        "close": lambda connection: connection.close(),
    },
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "call" in metafunc.fixturenames:
        cases = [(side, call) for side in SIDES for call in SENDS.get(side.api, ())]
        ids = [f"{side}-{call}" for side, call in cases]
        metafunc.parametrize(("side", "call"), cases, ids=ids)


def of_its_api(sides: Sides, call: str) -> Callable[[Any], Any]:
    api = sides.side.api
    assert ROWS["what a call that is not awaited does"][api] == "nothing"
    return SENDS[api][call]


def in_thread(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """What *function* returns and raises in a thread of its own."""
    result: list[Any] = [None, None]

    def run() -> None:
        try:
            result[0] = function()
        except BaseException as exc:
            result[1] = exc

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return result[0], result[1]


@pytest.mark.only(wire=["plain"])
async def test_a_call_acts_when_it_is_awaited(sides: Sides, call: str) -> None:
    made = of_its_api(sides, call)
    end, peer = await sides.open(close_timeout=0.05)
    late = made(end.raw)
    await end.send("first")
    await rounds()
    assert (await peer.receive()).payload == b"first"
    await end.send("second")
    assert (await peer.receive()).payload == b"second"
    task = asyncio.ensure_future(late)
    received = await peer.receive()
    assert received.payload in (b"late", b'"late"', b"\x03\xe8")
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.only(wire=["plain"])
async def test_a_call_that_is_never_awaited_warns_and_does_nothing(sides: Sides, call: str) -> None:
    made = of_its_api(sides, call)
    end, peer = await sides.open(close_timeout=0.05)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forgotten = made(end.raw)
        del forgotten
        gc.collect()
    warned = [each for each in caught if issubclass(each.category, RuntimeWarning)]
    assert len(warned) == 1
    assert call in str(warned[0].message)
    assert "was never awaited" in str(warned[0].message)
    await end.send("the only one")
    assert (await peer.receive()).payload == b"the only one"


@pytest.mark.only(wire=["plain"])
async def test_a_call_made_in_another_thread_acts_in_the_loop(sides: Sides, call: str) -> None:
    made = of_its_api(sides, call)
    end, peer = await sides.open(close_timeout=0.05)
    loop = asyncio.get_running_loop()
    # The loop stands still meanwhile, so that a call which acts harms nothing.
    future, raised = in_thread(lambda: asyncio.run_coroutine_threadsafe(made(end.raw), loop))
    assert raised is None
    await end.send("first")
    assert (await peer.receive()).payload == b"first"
    received = await peer.receive()
    assert received.payload in (b"late", b'"late"', b"\x03\xe8")
    future.cancel()


@pytest.mark.only(wire=["plain"], api=["web", "messages"])
async def test_receiving_acts_when_it_is_awaited(sides: Sides) -> None:
    end, peer = await sides.open()
    receive = end.raw.receive if end.api == "web" else end.raw.recv
    later, raised = in_thread(lambda: receive())
    assert raised is None
    peer.send(TEXT, "one")
    peer.send(TEXT, "two")
    assert await end.receive() == "one"
    received = await later
    assert (received.data if end.api == "web" else received) == "two"


@pytest.mark.only(wire=["plain"], api=["frames"])
async def test_a_function_acts_at_the_call(sides: Sides) -> None:
    assert ROWS["what a call that is not awaited does"]["frames"] == "acts"
    end, peer = await sides.open()
    end.raw.send_ping(b"at once")
    end.raw.send_pong(b"then")
    assert [(await peer.receive()).opcode for _ in range(2)] == [PING, PONG]


@pytest.mark.only(wire=["plain"], api=["frames"])
async def test_a_function_called_in_another_thread_raises(sides: Sides) -> None:
    end, peer = await sides.open()
    _, raised = in_thread(lambda: end.raw.send(TEXT, b"from another thread"))
    assert isinstance(raised, RuntimeError)
    assert "call_soon_threadsafe" in str(raised)
    await end.send("the only one")
    assert (await peer.receive()).payload == b"the only one"


@pytest.mark.parametrize("api", ["web", "messages"])
@pytest.mark.parametrize("role", ["server", "client"])
def test_messages_of_many_threads_arrive_whole(api: str, role: str) -> None:
    """In a process of its own: what is wrong here crashes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.threads_program", api, role],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "all arrived"
