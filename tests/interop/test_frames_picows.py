"""The frame API has picows' interface: one program, whichever of both it imports.

Each program runs four times, with picows and with this library at either end, and observes the
same. Where they differ on purpose, the tests at the end say how; ``docs/guide/from_picows.rst``
says why.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Iterator
from typing import Any

import pytest

import aiohttp_ws
from tests.interop import frame_fault_programs as faults  # these modules add to PROGRAMS
from tests.interop.frame_ends import Ends, echo
from tests.interop.frame_opening_programs import UPGRADE, ask
from tests.interop.frame_ping_programs import PERIOD
from tests.interop.frame_programs import PROGRAMS, Program
from tests.interop.talk import Tls, soon
from tests.peers import import_peer

picows = import_peer("picows")
MODULES = (aiohttp_ws, picows)
PAIRS = [Ends(near, far) for near in MODULES for far in MODULES]


def pair_name(ends: Ends) -> str:
    return f"{ends.near.__name__}-to-{ends.far.__name__}"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The programs provoke errors on purpose; what is logged of them is not what is tested."""
    loggers = [logging.getLogger(module.__name__) for module in MODULES]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    yield
    for logger in loggers:
        logger.setLevel(logging.NOTSET)


@pytest.fixture(params=PAIRS, ids=pair_name)
def ends(request: pytest.FixtureRequest) -> Ends:
    pair: Ends = request.param
    return pair


@pytest.mark.parametrize(
    ("program", "expected"), PROGRAMS, ids=lambda each: getattr(each, "__name__", "")
)
async def test_a_program_observes_the_same(program: Program, expected: Any, ends: Ends):
    assert await program(ends) == expected


async def test_both_talk_over_tls(ends: Ends, tls: Tls):
    server = {"ssl": tls.server}
    async with ends.serving(
        lambda request: ends.listener(ends.far, {"on_ws_frame": echo}), **server
    ) as port:
        client = await ends.connect(port, scheme="wss", ssl_context=tls.client)
        assert client.transport.is_secure
        payload = bytes(range(256)) * 1000
        client.transport.send(ends.near.WSMsgType.BINARY, payload)
        assert await client.next() == ("BINARY", True, payload)
        client.transport.send_close(ends.near.WSCloseCode.OK, b"bye")
        assert await client.ended() == (None, ((1000, "bye"), (1000, "bye"), False))


@pytest.mark.parametrize("name", ["ws_connect", "ws_create_server"])
def test_functions_have_the_parameters_and_defaults_of_picows(name: str):
    ours = inspect.signature(getattr(aiohttp_ws, name)).parameters
    for parameter in inspect.signature(getattr(picows, name)).parameters.values():
        assert ours[parameter.name].kind == parameter.kind
        if isinstance(parameter.default, picows.WSAutoPingStrategy):
            assert ours[parameter.name].default.name == parameter.default.name
        else:
            assert ours[parameter.name].default == parameter.default


@pytest.mark.parametrize("name", ["WSMsgType", "WSCloseCode", "WSAutoPingStrategy"])
def test_enumerations_have_the_members_of_picows(name: str):
    ours = getattr(aiohttp_ws, name)
    for member in getattr(picows, name):
        assert ours[member.name].value == member.value


def test_exceptions_have_the_family_of_picows():
    for name in picows.__all__:
        theirs = getattr(picows, name)
        if isinstance(theirs, type) and issubclass(theirs, Exception):
            ours = getattr(aiohttp_ws, name)
            assert names_of(ours.__mro__) == names_of(theirs.__mro__)


def names_of(classes: tuple[type, ...]) -> list[str]:
    return [each.__name__ for each in classes]


# ------------------------------------------------------------- what differs, on purpose


@pytest.mark.parametrize("name", faults.MORE_TO_CLIENTS)
async def test_frames_that_picows_lets_through_are_refused(name: str):
    frames, code = faults.MORE_TO_CLIENTS[name]
    ours = Ends(aiohttp_ws, aiohttp_ws)
    assert await faults.at_a_client(ours, frames) == ("WSProtocolError", code)


async def test_an_answer_of_500_shows_nothing_of_the_exception():
    def factory(request: Any) -> Any:
        raise LookupError("the password is swordfish")

    async with Ends(aiohttp_ws, aiohttp_ws).serving(factory) as port:
        status, _, body = await ask(port, UPGRADE)
    assert status == 500
    assert b"swordfish" not in body


async def test_a_close_frame_without_a_code_has_none():
    async with Ends(aiohttp_ws, aiohttp_ws).talking() as (client, server):
        client.transport.send_close(aiohttp_ws.WSCloseCode.NO_INFO)
        assert await server.next() == ("CLOSE", True, b"")


async def test_control_frames_that_cannot_be_sent_raise():
    async with Ends(aiohttp_ws, picows).talking() as (client, _):
        for call in (client.transport.send_ping, client.transport.send_pong):
            with pytest.raises(ValueError, match="125"):
                call(bytes(126))


async def test_a_pong_may_take_longer_than_the_pings_are_apart():
    ends = Ends(aiohttp_ws, picows)
    client = {
        "enable_auto_ping": True,
        "auto_ping_idle_timeout": PERIOD / 10,
        "auto_ping_reply_timeout": 60,
    }
    async with ends.talking(client=client, server={"enable_auto_pong": False}) as (_, server):
        assert await server.next() == ("PING", True, b"")


@pytest.mark.parametrize("ending", ["disconnects", "raises", "is told to close"])
async def test_frames_behind_the_end_of_a_connection_are_not_shown(ending: str):
    def end(transport: Any, frame: Any) -> None:
        if ending == "disconnects":
            transport.disconnect()
        elif ending == "raises":
            raise LookupError("as the test has it")

    first = b"\x88\x02\x03\xe8" if ending == "is told to close" else b"\x81\x01a"
    async with Ends(aiohttp_ws, picows).talking(near={"on_ws_frame": end}) as (client, server):
        server.transport.underlying_transport.write(first + b"\x81\x01b\x81\x01c")
        server.transport.disconnect()
        await client.ended()
        assert client.queue.qsize() == 1


async def test_text_that_is_none_closes_with_1007():
    def read(transport: Any, frame: Any) -> None:
        frame.get_payload_as_utf8_text()

    async with Ends(aiohttp_ws, picows).talking(near={"on_ws_frame": read}) as (client, server):
        server.transport.send(picows.WSMsgType.TEXT, b"\xff")
        raised, closing = await client.ended()
        assert (raised, closing[1][0]) == ("UnicodeDecodeError", 1007)


async def test_a_server_that_hangs_up_instead_of_answering_is_an_error():
    async def hang_up(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        with pytest.raises(aiohttp_ws.WSInvalidMessageError):
            await Ends(aiohttp_ws, picows).connect(server.sockets[0].getsockname()[1])


async def test_text_may_be_sent_as_str():
    async with Ends(aiohttp_ws, picows).talking(far={"on_ws_frame": echo}) as (client, _):
        client.transport.send(aiohttp_ws.WSMsgType.TEXT, "café")
        assert await client.next() == ("TEXT", True, "café".encode())


async def test_a_factory_may_be_a_coroutine_function():
    allowed = asyncio.Event()
    ends = Ends(picows, aiohttp_ws)

    async def factory(request: Any) -> Any:
        await soon(allowed.wait())
        return ends.listener(aiohttp_ws, {"on_ws_frame": echo})

    async with ends.serving(factory) as port:
        connecting = asyncio.ensure_future(ends.connect(port))
        allowed.set()
        client = await soon(connecting)
        client.transport.send(picows.WSMsgType.TEXT, b"x")
        assert await client.next() == ("TEXT", True, b"x")
        client.transport.disconnect()
        await client.ended()
