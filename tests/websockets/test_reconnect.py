"""``async for connection in connect(...)``: when it connects again, and where to.

Nothing is waited for: ``reconnecting.sleep`` and ``reconnecting.draw`` are the tests' own.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from aiohttp_ws.websockets import (
    ConnectionClosedError,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    connect,
    serve,
)
from aiohttp_ws.websockets.asyncio import reconnecting
from aiohttp_ws.websockets.client import backoff, process_exception

from .ends import stay, url_of


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was slept instead; every draw is 0.5."""
    delays: list[float] = []

    async def sleep(delay: float) -> None:
        delays.append(delay)
        if len(delays) > 50:
            raise AssertionError("it goes on and on")

    monkeypatch.setattr(reconnecting, "sleep", sleep)
    monkeypatch.setattr(reconnecting, "draw", lambda: 0.5)
    return delays


async def test_it_connects_each_time_the_body_has_ended(slept: list[float]):
    connections = []
    async with serve(stay, "127.0.0.1", 0) as server:
        async for connection in connect(url_of(server)):
            await (await connection.ping())
            connections.append(connection)
            if len(connections) == 3:
                break
            if len(connections) == 2:
                continue
        assert [each.close_code for each in connections[:2]] == [1000, 1000]
        await connections[2].close()
    assert slept == []


async def test_it_connects_again_when_the_connection_is_lost(slept: list[float]):
    async def cut(connection: Any) -> None:
        connection.transport.abort()

    seen = 0
    async with serve(cut, "127.0.0.1", 0) as server:
        async for connection in connect(url_of(server)):
            with pytest.raises(ConnectionClosedError):
                await connection.recv()
            seen += 1
            if seen == 3:
                break
    assert slept == []


async def test_failures_are_retried_with_growing_delays(slept: list[float]):
    answers = iter([503, 502, 500, 504, None, 503, None])

    def process(connection: Any, request: Any) -> Any:
        status = next(answers)
        return None if status is None else connection.respond(status, "")

    seen = 0
    async with serve(stay, "127.0.0.1", 0, process_request=process) as server:
        async for _ in connect(url_of(server)):
            seen += 1
            if seen == 2:
                break
    # A success begins the series anew.
    assert slept == [2.5, 3.1, pytest.approx(3.1 * 1.618), pytest.approx(3.1 * 1.618**2), 2.5]


async def test_network_errors_are_retried(slept: list[float]):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        delays = iter([0.1, 0.2])

        async def attempt() -> None:
            async for _ in connect(f"ws://127.0.0.1:{port}", reconnect_delays=lambda: delays):
                pytest.fail("nobody listens there")

        with pytest.raises(RuntimeError, match="StopIteration"):
            await attempt()
    assert slept == [0.1, 0.2]


async def test_fatal_errors_are_raised(slept: list[float]):
    async with serve(stay, "127.0.0.1", 0, process_request=refuse(403)) as server:
        with pytest.raises(InvalidStatus):
            await first_of(connect(url_of(server)))
    with pytest.raises(InvalidURI):
        await first_of(connect("http://a.test"))
    assert slept == []


async def test_process_exception_decides(slept: list[float]):
    attempts = []

    def process(exc: Exception) -> Exception | None:
        attempts.append(exc)
        return KeyError("enough") if len(attempts) == 2 else None

    async with serve(stay, "127.0.0.1", 0, process_request=refuse(403)) as server:
        with pytest.raises(KeyError) as caught:
            await first_of(connect(url_of(server), process_exception=process))
    assert caught.value.__cause__ is attempts[1]
    assert slept == [2.5]


async def test_after_1012_it_waits_5_to_30_seconds(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
):
    draws = iter([0.0, 0.5, 1.0])
    monkeypatch.setattr(reconnecting, "draw", lambda: next(draws))
    seen = 0
    async with serve(closing_with(1012), "127.0.0.1", 0) as server:
        async for connection in connect(url_of(server)):
            await connection.wait_closed()
            seen += 1
            if seen == 4:
                break
    assert slept == [5.0, 17.5, 30.0]


async def test_after_1013_it_does_not_return_to_the_address(slept: list[float]):
    seen = 0

    async def attempts(url: str) -> None:
        nonlocal seen
        async for connection in connect(url):
            await connection.wait_closed()
            seen += 1

    async with serve(closing_with(1013), "127.0.0.1", 0) as server:
        with pytest.raises(ConnectionClosedError) as caught:
            await attempts(url_of(server))
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1013
    assert seen == 1
    assert slept == []


async def test_after_1013_it_goes_to_another_address(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
):
    seen = []
    async with serve(closing_with(1013), "127.0.0.1", 0) as full:
        port = next(iter(full.sockets)).getsockname()[1]

        async def addresses(host: str, port: int, family: int) -> list[Any]:
            return [("127.0.0.1", port), ("127.0.0.2", port)]

        monkeypatch.setattr(reconnecting, "addresses", addresses)
        async with serve(stay, "127.0.0.2", port):
            async for connection in connect(f"ws://service.test:{port}", host="127.0.0.1"):
                seen.append(connection.remote_address[0])
                if len(seen) == 2:
                    break
                await connection.wait_closed()
            await connection.close()
    assert seen == ["127.0.0.1", "127.0.0.2"]
    assert slept == []


async def test_after_1013_it_returns_when_told_to(slept: list[float]):
    seen = 0
    async with serve(closing_with(1013), "127.0.0.1", 0) as server:
        async for connection in connect(url_of(server), try_again_after=60):
            await connection.wait_closed()
            seen += 1
            if seen == 3:
                break
    assert slept == [pytest.approx(60, abs=5), pytest.approx(60, abs=5)]


def closing_with(code: int) -> Any:
    async def handler(connection: Any) -> None:
        await connection.close(code)

    return handler


def refuse(status: int) -> Any:
    return lambda connection, request: connection.respond(status, "")


async def first_of(attempt: connect) -> Any:
    async for connection in attempt:
        return connection


@pytest.mark.parametrize(
    ("exc", "retried"),
    [
        (ConnectionRefusedError(), True),
        (asyncio.TimeoutError(), True),
        (InvalidMessage("no answer"), False),
        (ValueError(), False),
    ],
)
def test_which_errors_are_worth_another_attempt(exc: Exception, retried: bool):
    assert (process_exception(exc) is None) == retried


def test_a_server_that_hangs_up_is_worth_another_attempt():
    exc = InvalidMessage("no answer")
    exc.__cause__ = EOFError()
    assert process_exception(exc) is None


def test_delays_grow_up_to_90_seconds(monkeypatch: pytest.MonkeyPatch):
    delays = backoff()
    assert 0 <= next(delays) <= 5
    rest = [next(delays) for _ in range(12)]
    assert rest == sorted(rest)
    assert rest[0] == 3.1
    assert rest[-1] == 90
    monkeypatch.setenv("WEBSOCKETS_BACKOFF_MIN_DELAY", "1")
    monkeypatch.setenv("WEBSOCKETS_BACKOFF_FACTOR", "2")
    delays = backoff()
    assert [next(delays) for _ in range(4)][1:] == [1, 2, 4]
