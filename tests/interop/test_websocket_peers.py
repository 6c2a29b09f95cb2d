"""Real WebSocket peers: their clients with our server, our client with their servers."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest

import aiohttp_ws
import aiohttp_ws.web
import aiohttp_ws.websockets
from tests.interop import node_peer
from tests.interop.aiohttp_peer import AiohttpPeer
from tests.interop.talk import Closing, Connect, Link, Serve, Server, Setting, Tls, soon
from tests.interop.websockets_peer import WebsocketsPeer
from tests.peers import require

MIB = 1024 * 1024


def load(name: str) -> Any:
    """Return a peer by its name in the table; skip the test when it is absent."""
    if name == "ours":
        return AiohttpPeer(aiohttp_ws, aiohttp_ws.web)
    if name == "messages":
        return WebsocketsPeer(aiohttp_ws.websockets)
    if name == "node":
        return node_peer
    if name == "autobahn":
        require("autobahn")
        return import_module("tests.interop.autobahn_peer")
    if name == "aiohttp":
        return AiohttpPeer(import_module(require("aiohttp")), import_module("aiohttp.web"))
    if name == "picows":
        require("picows")
        return import_module("tests.interop.picows_peer")
    require(name.partition(".")[0])
    return WebsocketsPeer(import_module(name))


@dataclass(frozen=True)
class Pair:
    """Who talks to whom, and what the peer can do."""

    client: str
    server: str
    compresses: bool = True
    fragments: bool = True
    subprotocols: bool = True
    biggest: int = 16 * MIB
    codes: tuple[int, ...] = (1000, 1001, 3000, 4999)

    def __str__(self) -> str:
        return f"{self.client}-to-{self.server}"


# aiohttp's interface has no way to send a message in fragments; picows leaves extensions, and
# on the server subprotocols too, to its user.
PAIRS = [
    Pair("aiohttp", "ours", fragments=False),
    Pair("websockets", "ours"),
    Pair("picows", "ours", compresses=False),
    Pair("picows.websockets", "ours"),
    Pair("node", "ours"),
    Pair("ours", "aiohttp", fragments=False),
    Pair("ours", "websockets"),
    Pair("ours", "picows", compresses=False, subprotocols=False),
    Pair("ours", "picows.websockets"),
    Pair("ours", "node"),
    Pair("ours", "ours", fragments=False),
    # The message API, serve() and connect(); tests/websockets has it with websockets itself.
    # Autobahn's interface lets no program close with 1001.
    Pair("aiohttp", "messages", fragments=False, biggest=MIB + 3),
    Pair("node", "messages", biggest=MIB + 3, codes=(1001, 4999)),
    Pair("autobahn", "messages", biggest=MIB + 3, codes=(1000, 3000, 4999)),
    Pair("messages", "aiohttp", biggest=MIB + 3),
    Pair("messages", "node", biggest=MIB + 3, codes=(1001, 4999)),
    Pair("messages", "autobahn", biggest=MIB + 3, codes=(1000, 3000, 4999)),
]


def pairs(**needs: bool) -> pytest.MarkDecorator:
    """Parametrise with the pairs that can do what the test needs."""
    able = [
        pair for pair in PAIRS if all(getattr(pair, name) == need for name, need in needs.items())
    ]
    return pytest.mark.parametrize("pair", able, ids=str)


def pairs_with_and_without_compression(**needs: bool) -> pytest.MarkDecorator:
    cases = [
        pytest.param(pair, compress, id=f"{pair}-{'deflate' if compress else 'plain'}")
        for pair in PAIRS
        if all(getattr(pair, name) == need for name, need in needs.items())
        for compress in ((False, True) if pair.compresses else (False,))
    ]
    return pytest.mark.parametrize(("pair", "compress"), cases)


@dataclass
class Talk:
    """A client connected to a server."""

    link: Link
    server: Server


class Opener:
    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def __call__(self, pair: Pair, setting: Setting = Setting()) -> Talk:
        connect: Connect = load(pair.client).connect
        serve: Serve = load(pair.server).serve
        server = await self._stack.enter_async_context(serve(setting))
        link = await self._stack.enter_async_context(connect(server.url, setting))
        return Talk(link, server)


@pytest.fixture
async def talk() -> AsyncIterator[Opener]:
    async with AsyncExitStack() as stack:
        yield Opener(stack)


# On each side of every length encoding (RFC 6455 5.2), and text of every UTF-8 length.
SMALL_MESSAGES = [
    "",
    b"",
    "text",
    b"\x00\xff",
    "\N{LATIN SMALL LETTER E WITH ACUTE}\N{EURO SIGN}\N{GRINNING FACE}",
    *(b"b" * length for length in (125, 126, 127, 65535, 65536)),
    *("t" * length for length in (125, 126, 127, 65535, 65536)),
]


@pairs_with_and_without_compression()
async def test_messages_come_back_as_they_were_sent(
    talk: Opener, pair: Pair, compress: bool
) -> None:
    both = await talk(pair, Setting(compress=compress))
    assert both.link.opened.compressed is compress
    assert (await soon(both.server.opened.get())).compressed is compress
    for message in SMALL_MESSAGES:
        await both.link.send(message)
        assert await both.link.receive() == message


@pairs_with_and_without_compression()
async def test_messages_in_flight_keep_their_order(
    talk: Opener, pair: Pair, compress: bool
) -> None:
    both = await talk(pair, Setting(compress=compress))
    for number in range(200):
        await both.link.send(f"message {number} " * (number % 7))
    for number in range(200):
        assert await both.link.receive() == f"message {number} " * (number % 7)


@pairs_with_and_without_compression()
async def test_a_big_message_passes_both_ways(talk: Opener, pair: Pair, compress: bool) -> None:
    both = await talk(pair, Setting(compress=compress))
    # Partly random, so that the deflated stream is longer than any window or buffer too.
    binary = random.Random(6455).randbytes(1 * MIB) + b"\x00\x01\x02\x03" * (15 * MIB // 4)
    text = "\N{EURO SIGN}a" * (4 * MIB)
    for message in (binary[: pair.biggest], text[: pair.biggest // 2]):
        await both.link.send(message)
        # Not in the assertion: no one reads a difference of 16 MiB.
        same = await both.link.receive() == message
        assert same


@pairs_with_and_without_compression(fragments=True)
async def test_a_fragmented_message_arrives_whole(talk: Opener, pair: Pair, compress: bool) -> None:
    both = await talk(pair, Setting(compress=compress))
    if pair.client == "ours":
        await both.link.send("fragments")
        assert await both.link.receive() == "three fragments"
    else:
        await both.link.send_fragments(["one \N{EURO SIGN}", "", " of ", "four"])
        assert await both.link.receive() == "one \N{EURO SIGN} of four"


@pairs()
async def test_pings_are_answered(talk: Opener, pair: Pair) -> None:
    both = await talk(pair, Setting(watch_pongs=True))
    await both.link.ping("are you there?")  # Returns when the pong with this payload has come.


@pairs(subprotocols=True)
async def test_both_ends_agree_on_the_subprotocol(talk: Opener, pair: Pair) -> None:
    both = await talk(pair, Setting(subprotocols=("chat.v2", "chat.v1")))
    assert both.link.opened.subprotocol == "chat.v2"
    assert (await soon(both.server.opened.get())).subprotocol == "chat.v2"


def answer_of(peer: str, code: int) -> int:
    """The code with which a peer answers a close: RFC 6455 5.5.1 says typically the same."""
    return 1000 if peer in ("aiohttp", "autobahn") else code


CODES = pytest.mark.parametrize(
    ("pair", "code"),
    [pytest.param(pair, code, id=f"{pair}-{code}") for pair in PAIRS for code in pair.codes],
)


@CODES
async def test_client_closes_and_both_ends_know_why(talk: Opener, pair: Pair, code: int) -> None:
    both = await talk(pair)
    answer = await both.link.close(code, "so long \N{EURO SIGN}")
    assert await soon(both.server.closings.get()) == Closing(code, "so long \N{EURO SIGN}")
    assert answer.code == answer_of(pair.server, code)


@CODES
async def test_server_closes_and_both_ends_know_why(talk: Opener, pair: Pair, code: int) -> None:
    both = await talk(pair)
    await both.link.send(f"close {code} go away \N{EURO SIGN}")
    assert await both.link.closed() == Closing(code, "go away \N{EURO SIGN}")
    assert (await soon(both.server.closings.get())).code == answer_of(pair.client, code)


@pairs_with_and_without_compression()
async def test_everything_passes_over_tls(
    talk: Opener, pair: Pair, compress: bool, tls: Tls
) -> None:
    both = await talk(pair, Setting(compress=compress, tls=tls))
    for message in (*SMALL_MESSAGES, b"8 bytes." * (pair.biggest // 8)):
        await both.link.send(message)
        same = await both.link.receive() == message
        assert same
    assert (await both.link.close(4000, "over TLS")).code == answer_of(pair.server, 4000)
    assert await soon(both.server.closings.get()) == Closing(4000, "over TLS")
