"""Pings, the end, the limits and the facts of a connection, in both roles."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from aiohttp_ws.websockets import (
    Close,
    ConnectionClosedError,
    ConnectionClosedOK,
    PayloadTooBig,
    ProtocolError,
    State,
)
from aiohttp_ws.websockets.asyncio.connection import Connection
from aiohttp_ws.wire.frames import encode_frame

from .ends import ROLES, connected, rounds, theirs
from .reference import RELEASE

pytestmark = [pytest.mark.peer("websockets"), pytest.mark.parametrize("role", ROLES)]

COMPRESSIONS = ["plain", "deflated"]


def settings(compression: str) -> dict[str, Any]:
    return {"compression": None if compression == "plain" else "deflate"}


# ------------------------------------------------------------------- ping, pong


async def test_a_ping_tells_the_latency(role: str):
    async with connected(role) as (our, _):
        pong = await our.ping()
        latency = await pong
        assert 0 < latency == our.latency


# ---------------------------------------------------------------------- closing


async def test_who_closes_and_who_is_closed_know_how(role: str):
    async with connected(role) as (our, _):
        await our.close(4321, "because")
        with pytest.raises(ConnectionClosedError) as caught:
            await our.recv()
        error = caught.value
        assert (error.rcvd, error.sent) == (Close(4321, "because"), Close(4321, "because"))
        assert error.rcvd_then_sent is False
        assert (our.close_code, our.close_reason) == (4321, "because")
        assert our.state is State.CLOSED
    async with connected(role) as (our, their):
        assert (our.close_code, our.close_reason) == (None, None)
        await their.close(1001)
        with pytest.raises(ConnectionClosedOK) as caught_ok:
            await our.recv()
        assert caught_ok.value.rcvd_then_sent is True
        assert our.close_code == 1001


async def test_a_lost_connection_has_no_close_frame(role: str):
    async with connected(role) as (our, their):
        their.transport.abort()
        with pytest.raises(ConnectionClosedError) as caught:
            await our.recv()
        assert (caught.value.rcvd, caught.value.sent) == (None, None)
        assert (our.close_code, our.close_reason) == (1006, "")


async def test_close_can_be_called_again_and_by_many(role: str):
    async with connected(role) as (our, _):
        await asyncio.gather(our.close(), our.close(), our.wait_closed())
        await our.close(4000)
        assert our.close_code == 1000


async def test_what_a_close_frame_cannot_carry_is_refused(role: str):
    async with connected(role) as (our, _):
        for code, reason in ((999, ""), (1005, ""), (1000, "é" * 62)):
            with pytest.raises(ProtocolError):
                await our.close(code, reason)
        assert our.state is State.OPEN


async def test_closing_gets_past_a_peer_that_floods(role: str):
    async with connected(role, our={"compression": None}) as (our, their):

        async def flood() -> None:
            with contextlib.suppress(theirs.ConnectionClosed):
                while True:
                    await their.send("x" * 1000)

        flooding = asyncio.ensure_future(flood())
        await our.recv()
        await our.close()
        assert our.close_code == 1000
        await flooding


async def test_the_block_of_a_connection_closes_it(role: str):
    async with connected(role) as (our, their):
        async with our as same:
            assert same is our
        assert our.close_code == 1000
    async with connected(role) as (our, their):
        with pytest.raises(KeyError):
            async with our:
                raise KeyError
        await their.wait_closed()
        assert their.close_code == 1011


async def test_close_exc_waits_for_the_end(role: str):
    async with connected(role) as (our, _):
        with pytest.raises(RuntimeError):
            _ = our.close_exc
        await our.close()
        assert isinstance(our.close_exc, ConnectionClosedOK)


# ----------------------------------------------------------------------- limits


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_a_message_beyond_max_size_closes_with_1009(role: str, compression: str):
    our_settings = {"max_size": 100, **settings(compression)}
    async with connected(role, our=our_settings) as (our, their):
        await their.send("x" * 100)
        await their.send(["x" * 50, "x" * 50])
        await their.send(["x" * 50, "x" * 51])
        assert await our.recv() == await our.recv() == "x" * 100
        with pytest.raises(ConnectionClosedError) as caught:
            await our.recv()
        assert caught.value.sent is not None
        assert caught.value.sent.code == 1009
        assert "max_size" in caught.value.sent.reason


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_fragments_have_a_limit_of_their_own(role: str, compression: str):
    our_settings = {"max_size": (1000, 100), **settings(compression)}
    async with connected(role, our=our_settings) as (our, their):
        await their.send(["x" * 100] * 10)
        assert await our.recv() == "x" * 1000
        await their.send("x" * 101)
        with pytest.raises(ConnectionClosedError):
            await our.recv()
        assert our.close_exc.sent.code == 1009


async def test_no_limit_is_none(role: str):
    async with connected(role, our={"max_size": None, "max_queue": None}) as (our, their):
        await their.send(b"x" * 3_000_000)
        assert len(await our.recv()) == 3_000_000


@pytest.mark.parametrize("max_queue", [1, (4, 0), 0])
async def test_a_full_queue_stops_the_peer_and_loses_nothing(role: str, max_queue: Any):
    ours = {"max_queue": max_queue, "compression": None}
    async with connected(role, our=ours) as (our, their):
        sending = asyncio.ensure_future(flood_with(their, 60))
        await rounds(50)
        assert not sending.done()
        for number in range(60):
            assert (await our.recv()).startswith(f"{number} ")
        await sending


async def flood_with(connection: Any, count: int) -> None:
    for number in range(count):
        await connection.send(f"{number} " + "x" * 500_000)


async def test_many_small_messages_of_one_read_all_arrive(role: str):
    async with connected(role, their={"compression": None}) as (our, their):
        await asyncio.gather(*(their.send(str(number)) for number in range(5000)))
        assert [await our.recv() for _ in range(5000)] == [str(n) for n in range(5000)]


# ---------------------------------------------------------------- what it knows


async def test_a_connection_knows_its_handshake_and_its_ends(role: str):
    async with connected(role, our={"subprotocols": ["a", "b"]}, their={"subprotocols": ["b"]}) as (
        our,
        their,
    ):
        assert our.subprotocol == their.subprotocol == "b"
        assert our.request.path == "/"
        assert (
            our.request.headers["Sec-WebSocket-Key"] == their.request.headers["Sec-WebSocket-Key"]
        )
        assert our.response.status_code == 101
        assert our.local_address == their.remote_address
        assert our.remote_address == their.local_address
        assert our.id != their.id
        assert our.id == our.id
        assert our.state is State.OPEN
        assert our.transport.get_extra_info("peername") == our.remote_address
        our.anything = "a program's own"
        assert our.anything
        assert our.loop is asyncio.get_running_loop()
        assert "OPEN" in repr(our)


async def test_the_logger_adds_the_connection(role: str, caplog: pytest.LogCaptureFixture):
    async with connected(role) as (our, _):
        our.logger.warning("here")
    assert next(r for r in caplog.records if r.message == "here").websocket is our


async def test_the_small_methods_do_what_they_say(role: str):
    async with connected(role) as (our, their):
        assert isinstance(our, Connection)
        async with our.send_context():
            pass
        await our.drain()
        our.send_data()
        if role == "client":
            our.data_received(b"\x81\x02hi")
            assert await our.recv() == "hi"
        await their.close()
        await our.wait_closed()
        with pytest.raises(ConnectionClosedOK):
            async with our.send_context():
                pytest.fail("it is closed")


async def test_a_connection_lost_without_a_close_frame_names_the_end_of_tcp_as_its_cause(role: str):
    async with connected(role) as (our, their):
        their.transport.abort()
        with pytest.raises(ConnectionClosedError) as caught:
            await our.recv()
        assert isinstance(caught.value.__cause__, EOFError)
        assert isinstance(our.protocol.parser_exc, EOFError)
        with pytest.raises(theirs.ConnectionClosedError) as expected:
            await their.recv()
        if RELEASE >= 17:  # 16, the last for Python 3.10, names no cause
            assert isinstance(expected.value.__cause__, EOFError)


@pytest.mark.parametrize(
    ("opcode", "data", "cause"),
    [
        (3, b"", ProtocolError),
        (1, b"\xff", UnicodeError),
        (8, b"\x03\xe8\xff", UnicodeError),
        (1, b"x" * 101, PayloadTooBig),
    ],
)
async def test_a_fault_of_the_peer_is_the_cause_of_what_is_raised(
    role: str, opcode: int, data: bytes, cause: type[Exception]
):
    async with connected(role, our={"max_size": 100}) as (our, their):
        key = bytes(4) if role == "server" else None
        their.transport.write(encode_frame(opcode, data, mask=key))
        with pytest.raises(ConnectionClosedError) as caught:
            await our.recv()
        assert type(caught.value.__cause__) is cause
        assert type(our.protocol.parser_exc) is cause
