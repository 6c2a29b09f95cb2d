"""A connection's promises, kept towards the real websockets in both roles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aiohttp_ws.websockets import (
    Close,
    ConcurrencyError,
    ConnectionClosedError,
    ConnectionClosedOK,
    State,
)

from .ends import ROLES, connected, rounds, theirs

pytestmark = [pytest.mark.peer("websockets"), pytest.mark.parametrize("role", ROLES)]

BOTH = [{"compression": None}, {}]
COMPRESSIONS = ["plain", "deflated"]


def settings(compression: str) -> dict[str, Any]:
    return {"compression": None if compression == "plain" else "deflate"}


# ------------------------------------------------------------------------- recv


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_recv_returns_text_as_str_and_binary_as_bytes(role: str, compression: str):
    async with connected(role, our=settings(compression)) as (our, their):
        await their.send("é" * 100)
        await their.send(b"\xff" * 100)
        assert await our.recv() == "é" * 100
        assert await our.recv() == b"\xff" * 100


async def test_decode_chooses_the_type(role: str):
    async with connected(role) as (our, their):
        for message in ("é", "é", "é".encode(), "é".encode()):
            await their.send(message)
        assert await our.recv(decode=False) == "é".encode()
        assert await our.recv(True) == "é"
        assert await our.recv(decode=False) == "é".encode()
        assert await our.recv(decode=True) == "é"


async def test_binary_that_is_not_text_closes_with_1007_when_text_is_wanted(role: str):
    async with connected(role) as (our, their):
        await their.send(b"\xff")
        with pytest.raises(ConnectionClosedError) as caught:
            await our.recv(decode=True)
        assert caught.value.sent is not None
        assert caught.value.sent.code == 1007
        assert isinstance(caught.value.__cause__, UnicodeDecodeError)


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_fragments_are_joined(role: str, compression: str):
    async with connected(role, our=settings(compression)) as (our, their):
        await their.send(["a", "", "bc"])
        await their.send([b"\xc3", b"\xa9"], text=True)
        await their.send([b"1", b"2"])
        assert await our.recv() == "abc"
        assert await our.recv() == "é"
        assert await our.recv() == b"12"


async def test_cancelling_recv_loses_no_message(role: str):
    async with connected(role) as (our, their):
        received = []
        for number in range(20):
            waiting = asyncio.ensure_future(our.recv())
            await their.send(str(number))
            await rounds(number % 4)
            waiting.cancel()
            for outcome in await asyncio.gather(waiting, return_exceptions=True):
                if not isinstance(outcome, asyncio.CancelledError):
                    received.append(outcome)
        while len(received) < 20:
            received.append(await our.recv())
        assert received == [str(n) for n in range(20)]


async def test_a_timeout_between_fragments_loses_none(role: str):
    async with connected(role) as (our, their):
        more = asyncio.Event()

        async def pieces() -> AsyncIterator[str]:
            yield "a"
            yield "b"
            await more.wait()
            yield "c"

        sending = asyncio.ensure_future(their.send(pieces()))
        receiving = asyncio.ensure_future(our.recv())
        await (await our.ping())  # both fragments are here now
        receiving.cancel()
        await asyncio.wait([receiving])
        more.set()
        assert await our.recv() == "abc"
        await sending


async def test_wait_for_around_recv_can_be_repeated(role: str):
    async with connected(role) as (our, their):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(our.recv(), 0.001)
        await their.send("later")
        assert await asyncio.wait_for(our.recv(), 10) == "later"


async def test_two_receivers_are_refused(role: str):
    async with connected(role) as (our, their):
        first = asyncio.ensure_future(our.recv())
        await rounds()
        with pytest.raises(ConcurrencyError):
            await our.recv()
        with pytest.raises(ConcurrencyError):
            await our.recv_streaming().__anext__()
        await their.send("for the first")
        assert await first == "for the first"


async def test_async_for_ends_quietly_after_1000(role: str):
    async with connected(role) as (our, their):
        await their.send("1")
        await their.send("2")
        await their.close()
        assert [message async for message in our] == ["1", "2"]


async def test_async_for_raises_after_an_error(role: str):
    async with connected(role) as (our, their):
        await their.send("1")
        await their.close(4000, "no more")
        received = []

        async def receive() -> None:
            async for message in our:
                received.append(message)

        with pytest.raises(ConnectionClosedError) as caught:
            await receive()
        assert received == ["1"]
        assert caught.value.rcvd == Close(4000, "no more")


async def test_messages_before_a_close_can_be_received_after_it(role: str):
    async with connected(role) as (our, their):
        for number in range(3):
            await their.send(str(number))
        await their.close(1000, "bye")
        await our.wait_closed()
        assert [await our.recv() for _ in range(3)] == ["0", "1", "2"]
        for _ in range(2):
            with pytest.raises(ConnectionClosedOK):
                await our.recv()


async def test_messages_can_be_received_after_closing_oneself(role: str):
    async with connected(role) as (our, their):
        for number in range(3):
            await their.send(str(number))
        await (await our.ping())
        await our.close()
        assert [message async for message in our] == ["0", "1", "2"]


async def test_a_subclass_that_changes_recv_changes_the_loop(role: str):
    async with connected(role) as (our, their):
        kind = type(our)

        class Loud(kind):  # type: ignore[misc,valid-type]
            async def recv(self, decode: bool | None = None) -> Any:
                return (await super().recv(decode)).upper()

        our.__class__ = Loud
        await their.send("quiet")
        await their.close()
        assert [message async for message in our] == ["QUIET"]


# -------------------------------------------------------------- recv_streaming


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_streaming_gives_each_fragment_as_it_comes(role: str, compression: str):
    async with connected(role, our=settings(compression)) as (our, their):
        go_on = asyncio.Event()

        async def pieces() -> AsyncIterator[str]:
            yield "first"
            await go_on.wait()
            yield "second"

        sending = asyncio.ensure_future(their.send(pieces()))
        stream = our.recv_streaming()
        assert await stream.__anext__() == "first"
        go_on.set()
        assert [piece async for piece in stream if piece] == ["second"]
        await sending
        await their.send("whole")
        assert [piece async for piece in our.recv_streaming()] == ["whole"]


async def test_streaming_decodes_characters_cut_between_fragments(role: str):
    async with connected(role) as (our, their):
        await their.send([b"\xe2\x82", b"\xac", b"!"], text=True)
        assert "".join([piece async for piece in our.recv_streaming()]) == "€!"
        await their.send(["€", "!"])
        assert b"".join([piece async for piece in our.recv_streaming(False)]) == "€!".encode()


async def test_a_stream_left_before_its_end_cannot_be_taken_up(role: str):
    async with connected(role) as (our, their):
        await their.send(["a", "b"])
        stream = our.recv_streaming()
        assert await stream.__anext__() == "a"
        await stream.aclose()
        with pytest.raises(ConcurrencyError):
            await our.recv()


async def test_a_stream_cancelled_before_its_first_fragment_loses_nothing(role: str):
    async with connected(role) as (our, their):
        stream = our.recv_streaming()
        waiting = asyncio.ensure_future(stream.__anext__())
        await rounds()
        waiting.cancel()
        await asyncio.wait([waiting])
        await their.send(["a", "b"])
        assert await our.recv() == "ab"


async def test_a_stream_ends_with_its_connection(role: str):
    async with connected(role) as (our, their):

        async def broken() -> AsyncIterator[str]:
            yield "a"
            raise ValueError

        with pytest.raises(ValueError, match=r"^$"):
            await their.send(broken())
        stream = our.recv_streaming()
        assert await stream.__anext__() == "a"
        with pytest.raises(ConnectionClosedError) as caught:
            await stream.__anext__()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1011


# ------------------------------------------------------------------------- send


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_types_are_sent_as_they_are(role: str, compression: str):
    async with connected(role, our=settings(compression)) as (our, their):
        sent = ["é", b"\xff", bytearray(b"ab"), memoryview(b"abcdef")[::2], ""]
        for message in sent:
            await our.send(message)
        assert [await their.recv() for _ in sent] == ["é", b"\xff", b"ab", b"ace", ""]


async def test_text_overrides_the_type(role: str):
    async with connected(role) as (our, their):
        await our.send("é".encode(), text=True)
        await our.send("é", text=False)
        await our.send([b"\xc3", b"\xa9"], text=True)
        assert [await their.recv() for _ in range(3)] == ["é", "é".encode(), "é"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_iterables_are_sent_as_fragments(role: str, compression: str):
    async with connected(role, our=settings(compression)) as (our, their):
        await our.send(iter(["a", "b"]))
        pieces = [piece async for piece in their.recv_streaming()]
        assert [piece for piece in pieces if piece] == ["a", "b"]

        async def asynchronous() -> AsyncIterator[bytes]:
            yield b"c"
            yield memoryview(b"d")

        await our.send(asynchronous())
        assert await their.recv() == b"cd"
        await our.send([])
        await our.send({"e": 1, "f": 2}.keys())
        assert await their.recv() == "ef"


async def test_what_cannot_be_sent_raises_and_harms_nothing(role: str):
    async with connected(role) as (our, their):
        for wrong in ({"key": "value"}, 5, None, [5]):
            with pytest.raises(TypeError):
                await our.send(wrong)
        assert our.state is State.OPEN
        await our.send("still here")
        assert await their.recv() == "still here"


async def test_fragments_of_two_types_close_the_connection(role: str):
    async with connected(role) as (our, their):
        with pytest.raises(TypeError, match="uniform"):
            await our.send(["a", b"b"])
        with pytest.raises(theirs.ConnectionClosedError) as caught:
            await their.recv()
        assert caught.value.rcvd.code == 1011


async def test_a_send_waits_until_a_fragmented_message_has_ended(role: str):
    async with connected(role) as (our, their):
        go_on, begun = asyncio.Event(), asyncio.Event()

        async def pieces() -> AsyncIterator[str]:
            yield "a"
            begun.set()
            await go_on.wait()
            yield "b"

        long = asyncio.ensure_future(our.send(pieces()))
        await begun.wait()
        short = asyncio.ensure_future(our.send("short"))
        other = asyncio.ensure_future(our.send(["x", "y"]))
        await rounds()
        assert not short.done()
        go_on.set()
        await asyncio.gather(long, short, other)
        assert [await their.recv() for _ in range(3)] == ["ab", "short", "xy"]


async def test_closing_in_the_middle_of_a_message_says_so(role: str):
    async with connected(role) as (our, _):
        begun = asyncio.Event()

        async def endless() -> AsyncIterator[str]:
            yield "a"
            begun.set()
            await asyncio.Event().wait()

        sending = asyncio.ensure_future(our.send(endless()))
        await begun.wait()
        await our.close()
        sending.cancel()
        await asyncio.wait([sending])
        with pytest.raises(ConnectionClosedError) as caught:
            await our.recv()
        assert caught.value.sent == Close(1011, "close during fragmented message")


async def test_compress_false_sends_a_message_as_it_is(role: str):
    async with connected(role) as (our, their):
        seen = []
        take = their.protocol.extensions[0].decode

        def watched(frame: Any, **kwargs: Any) -> Any:
            seen.append(frame.rsv1)
            return take(frame, **kwargs)

        their.protocol.extensions[0].decode = watched
        await our.send("a" * 100)
        await our.send("a" * 100, compress=False)
        await our.send(["a", "b"], compress=False)
        assert [await their.recv() for _ in range(3)] == ["a" * 100, "a" * 100, "ab"]
        assert seen == [True, False, False, False, False]


async def test_send_waits_while_output_piles_up(role: str):
    ours = {"write_limit": 1024, "compression": None}
    async with connected(role, our=ours, their={"max_queue": 1}) as (our, their):
        message = b"x" * 1_000_000
        sends = 0
        while True:
            sending = asyncio.ensure_future(our.send(message))
            sends += 1
            await rounds()
            if not sending.done():
                break
        assert sends < 100
        for _ in range(sends):
            assert await their.recv() == message
        await sending


async def test_send_after_the_end_raises(role: str):
    async with connected(role) as (our, their):
        await their.close()
        with pytest.raises(ConnectionClosedOK):
            await our.send("too late")
        with pytest.raises(ConnectionClosedOK):
            await our.send(["too", "late"])
        with pytest.raises(ConnectionClosedOK):
            await our.ping()
