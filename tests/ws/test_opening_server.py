"""What the opening handshake of a server leaves to the APIs, and what it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from aiohttp_ws.errors import BadHttpMessage
from aiohttp_ws.wire.http1 import RequestHead, RequestParser
from aiohttp_ws.ws.opening.server import Accept, Refuse, ServerOpening, Stage

from .memory_transport import MemoryTransport

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno"


class Opening(ServerOpening):
    """Answers with what a test gave it."""

    def __init__(self, answer: Callable[[], Any], timeout: float | None = None) -> None:
        super().__init__(asyncio.get_running_loop(), timeout, RequestParser())
        self.to_answer = answer
        self.transport = MemoryTransport()
        self.explained: list[Exception] = []

    def decide(self, head: RequestHead) -> Any:
        return self.to_answer()

    def explain(self, exc: Exception) -> Refuse:
        self.explained.append(exc)
        return Refuse(REFUSED)

    def receive(self, data: bytes) -> None:
        self.get_buffer(-1)[: len(data)] = data
        self.buffer_updated(len(data))


class Alarm:
    """Takes the place of a loop that is told when to call."""

    def call_at(self, when: float, callback: Any) -> Any:
        self.when = when
        return self

    def cancel(self) -> None:
        self.when = float("nan")


async def test_the_time_counts_from_the_accepting_of_the_connection():
    loop = asyncio.get_running_loop()
    opening = Opening(lambda: None, 5.0)
    made = loop.time()
    while loop.time() == made:
        pass
    alarm = opening._loop = Alarm()
    opening.connection_made(opening.transport)
    assert alarm.when <= made + 5.0


async def test_a_decision_may_be_an_exception_that_the_api_explains():
    def broken() -> None:
        raise KeyError("x")

    opening = Opening(broken)
    opening.connection_made(opening.transport)
    opening.receive(REQUEST)
    assert [type(exc) for exc in opening.explained] == [KeyError]
    assert opening.stage is Stage.LINGERING
    assert opening.transport.written == REFUSED


async def test_what_is_not_http_is_explained_with_its_status():
    opening = Opening(lambda: None)
    opening.connection_made(opening.transport)
    opening.receive(b"\x16\x03\x01")
    (exc,) = opening.explained
    assert isinstance(exc, BadHttpMessage)
    assert exc.code == 400


@pytest.mark.parametrize("later", [False, True])
async def test_what_came_after_the_request_goes_to_who_begins(later: bool):
    begun: list[tuple[Any, bytes]] = []
    accept = Accept(lambda transport, rest: begun.append((transport, rest)))

    decided = asyncio.Event()

    async def decide() -> Accept:
        await decided.wait()
        return accept

    opening = Opening(decide if later else lambda: accept)
    opening.connection_made(opening.transport)
    opening.receive(REQUEST + b"frames")
    if later:
        assert not opening.transport.is_reading()
        decided.set()
        await opening.task
    assert begun == [(opening.transport, b"frames")]
    assert opening.stage is Stage.OVER
    assert opening.transport.is_reading()


async def test_only_the_first_answer_counts():
    opening = Opening(lambda: Refuse(REFUSED))
    opening.connection_made(opening.transport)
    opening.receive(REQUEST)
    opening.answer(Refuse(b"HTTP/1.1 500 Again\r\n\r\n"))
    assert opening.transport.written == REFUSED


async def test_a_client_that_leaves_cancels_the_decision_and_is_not_answered():
    async def decide() -> None:
        await asyncio.Event().wait()

    opening = Opening(decide)
    opening.connection_made(opening.transport)
    opening.receive(REQUEST)
    task = opening.task
    await asyncio.sleep(0)
    opening.connection_lost(None)
    with pytest.raises(asyncio.CancelledError):
        await task
    opening.answer(Refuse(REFUSED))
    assert opening.transport.written == b""
