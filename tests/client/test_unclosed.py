"""A session, connector or response that is forgotten: the loop's exception handler is told."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
from typing import Any

import pytest

from aiohttp_ws import ClientSession, TCPConnector

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"


class Told:
    """What the running loop's exception handler is told, and the warnings meanwhile."""

    def __init__(self) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.take(context))
        self.contexts: list[dict[str, Any]] = []

    def take(self, context: dict[str, Any]) -> None:
        # Not what was forgotten: that would be kept.
        self.contexts.append({name: type(value).__name__ for name, value in context.items()})
        self.contexts[-1]["message"] = context["message"]

    def forget(self, held: list[Any]) -> set[str]:
        """Empty *held*; return the beginnings of the warnings."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            held.clear()
            gc.collect()
            return {str(warning.message).partition("<")[0].strip() for warning in caught}


async def test_a_forgotten_session_is_told_to_the_exception_handler(raw: Any) -> None:
    told = Told()
    session = ClientSession()
    async with session.get((await raw(OK)).url) as response:
        await response.read()
    held = [session]
    del session, response
    assert told.forget(held) == {"Unclosed client session"}
    assert told.contexts == [
        {"message": "Unclosed client session", "client_session": "ClientSession"}
    ]


async def test_a_forgotten_connector_is_told_to_the_exception_handler(raw: Any) -> None:
    told = Told()
    connector = TCPConnector()
    session = ClientSession(connector=connector, connector_owner=False)
    async with session.get((await raw(OK)).url) as response:
        await response.read()
    await session.close()
    held = [connector]
    del session, response, connector
    assert told.forget(held) == {"Unclosed connector"}
    assert told.contexts == [{"message": "Unclosed connector", "connector": "TCPConnector"}]


@pytest.mark.parametrize("debug", [True, False])
async def test_a_forgotten_response_is_told_to_the_exception_handler_in_debug_mode(
    debug: bool, raw: Any
) -> None:
    told = Told()
    asyncio.get_running_loop().set_debug(debug)
    async with ClientSession() as session:
        held = [await session.get((await raw(CUT)).url)]
        assert told.forget(held) == {"Unclosed response"}
    contexts = [{"message": "Unclosed response", "client_response": "ClientResponse"}]
    assert told.contexts == (contexts if debug else [])


async def test_what_is_forgotten_is_closed_also_where_the_warning_is_an_error(
    raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[type[BaseException] | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: raised.append(event.exc_type))
    async with ClientSession() as session:
        held = [await session.get((await raw(CUT)).url)]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            held.clear()
            gc.collect()
        assert raised == [ResourceWarning]
        assert session.connector is not None
        assert session.connector._taken == 0
