"""What every client promises of its opening handshake, whatever the server does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any

import pytest
import trustme

from aiohttp_ws import (
    ClientSession,
    TCPConnector,
    WSFrame,
    WSInvalidHeaderError,
    WSInvalidStatusError,
    WSListener,
    WSMsgType,
    WSServerHandshakeError,
    WSTransport,
    ws_connect,
)
from aiohttp_ws.websockets import ConnectionClosed, InvalidStatus, NegotiationError, connect
from aiohttp_ws.ws.opening import client as opening_client
from aiohttp_ws.ws.opening.client import MOST_BODY
from tests.transport_matrix import KINDS, Kind, run
from tests.ws.raw_end import CLOSE, TEXT, closing, frame

from .flight import FlightServer, agree, flying

APIS = ("web", "messages", "frames")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


# ------------------------------------------------------------------ what a client makes of it


class Recorder(WSListener):
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            self.told.append(int(frame.get_close_code()))
        else:
            self.told.append(frame.get_payload_as_utf8_text())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.ended.set_result(None)


async def told_to_web(url: str, tls: Any, fast: bool, on_connect: Any, headers: Any) -> list[Any]:
    connector = TCPConnector(ssl=tls or True, use_aiofastnet=fast)
    async with ClientSession(connector=connector) as session:
        ws = await session.ws_connect(url, on_connect=on_connect, headers=headers)
        told: list[Any] = [message.data async for message in ws]
        return [*told, ws.close_code]


async def told_to_messages(
    url: str, tls: Any, fast: bool, on_connect: Any, headers: Any
) -> list[Any]:
    options = {"ssl": tls} if tls else {}
    ws = await connect(
        url,
        on_connect=on_connect,
        use_aiofastnet=fast,
        additional_headers=headers,
        proxy=None,
        **options,
    )
    told: list[Any] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            told.append(await ws.recv())
    return [*told, ws.close_code]


async def told_to_frames(
    url: str, tls: Any, fast: bool, on_connect: Any, headers: Any
) -> list[Any]:
    _, listener = await ws_connect(
        Recorder,
        url,
        ssl_context=tls,
        on_connect=on_connect,
        use_aiofastnet=fast,
        extra_headers=headers,
    )
    await listener.ended
    return listener.told


TOLD = {"web": told_to_web, "messages": told_to_messages, "frames": told_to_frames}


async def told(
    api: str,
    url: str,
    tls: Any = None,
    fast: bool = False,
    on_connect: Any = None,
    headers: Any = None,
) -> list[Any]:
    """What a client of *api* gets from the server at *url*: messages, then the close code."""
    return await TOLD[api](url, tls, fast, on_connect, headers)


def contexts(
    authority: trustme.CA, kind: Kind
) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """Those of a server and a client."""
    if not kind.tls:
        return None, None
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return serving, trusting


# ------------------------------------------------------------------ subprotocols


BYE = frame(CLOSE, closing(1000))


async def subprotocol_of(api: str, url: str, headers: dict[str, str]) -> str | None:
    """What a client of *api* says was negotiated, that asked with *headers* alone."""
    if api == "web":
        async with ClientSession() as session, session.ws_connect(url, headers=headers) as ws:
            return ws.protocol
    if api == "messages":
        async with connect(url, additional_headers=headers, proxy=None) as ws:
            return ws.subprotocol
    transport, listener = await ws_connect(Recorder, url, extra_headers=headers)
    await listener.ended
    return transport.response.headers.get("Sec-WebSocket-Protocol") or None


@pytest.mark.parametrize("api", APIS)
async def test_a_subprotocol_that_is_asked_for_by_header_may_be_chosen(api: str):
    chosen = "Sec-WebSocket-Protocol: graphql-ws"
    server = FlightServer(lambda request: agree(request, chosen) + BYE, None)
    async with flying(server) as url:
        asked = {"Sec-WebSocket-Protocol": "other, graphql-ws"}
        assert await subprotocol_of(api, url, asked) == "graphql-ws"


@pytest.mark.parametrize("api", APIS)
async def test_a_subprotocol_that_was_not_asked_for_fails_the_handshake(api: str):
    chosen = "Sec-WebSocket-Protocol: graphql-ws"
    server = FlightServer(lambda request: agree(request, chosen), None)
    errors = {
        "web": WSServerHandshakeError,
        "messages": NegotiationError,
        "frames": WSInvalidHeaderError,
    }
    async with flying(server) as url:
        with pytest.raises(errors[api], match="graphql-ws"):
            await subprotocol_of(api, url, {"Sec-WebSocket-Protocol": "other"})


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("asked", [{}, {"Sec-WebSocket-Protocol": "graphql-ws"}])
async def test_an_empty_subprotocol_of_the_server_is_none(api: str, asked: dict[str, str]):
    server = FlightServer(lambda request: agree(request, "Sec-WebSocket-Protocol:") + BYE, None)
    async with flying(server) as url:
        assert await subprotocol_of(api, url, asked) is None


# ------------------------------------------------------------------ refusals


async def refusal_of(api: str, url: str) -> tuple[int, bytes]:
    """The status and the body that a client of *api* shows of a refusal."""
    if api == "web":
        async with ClientSession() as session:
            with pytest.raises(WSServerHandshakeError) as refused:
                await session.ws_connect(url)
        assert refused.value.body is not None
        return refused.value.status, refused.value.body
    if api == "messages":
        with pytest.raises(InvalidStatus) as invalid:
            await connect(url, proxy=None)
        response = invalid.value.response
        return response.status_code, bytes(response.body)
    with pytest.raises(WSInvalidStatusError) as unlike:
        await ws_connect(Recorder, url)
    assert unlike.value.response is not None
    assert unlike.value.raw_body is not None
    return int(unlike.value.response.status), unlike.value.raw_body


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("fields", "body", "shown"),
    [
        ("Content-Length: 5", b"no, I", b"no, I"),
        ("Transfer-Encoding: chunked", b"2\r\nno\r\n3\r\n, I\r\n0\r\n\r\n", b"no, I"),
        ("Content-Length: 0", b"", b""),
        ("Content-Length: 50", b"cut", b"cut"),
        ("Connection: close", b"no, I", b"no, I"),
        ("Content-Length: 1000000", b"x" * 1_000_000, b"x" * MOST_BODY),
    ],
    ids=["length", "chunked", "empty", "cut", "until the end", "long"],
)
async def test_a_refusal_shows_its_body_up_to_one_limit(
    api: str, fields: str, body: bytes, shown: bytes
):
    head = f"HTTP/1.1 403 Forbidden\r\n{fields}\r\n\r\n".encode()
    async with flying(FlightServer(lambda request: head + body, None)) as url:
        assert await refusal_of(api, url) == (403, shown)


@pytest.mark.parametrize("api", APIS)
async def test_a_refusal_whose_body_does_not_end_is_told_with_what_has_come(
    api: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(opening_client, "BODY_PATIENCE", 0.05)
    answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 50\r\n\r\nno"
    async with flying(FlightServer(lambda request: answer, None, ends=False)) as url:
        assert await refusal_of(api, url) == (403, b"no")


# ------------------------------------------------------------------ all in one flight


REJECTED_LOGIN = (
    frame(TEXT, b"who are you?") + frame(TEXT, b"goodbye") + frame(CLOSE, closing(4001, "login"))
)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("shown", [False, "at once", "after the end"])
def test_messages_and_close_code_in_the_flight_of_the_answer_arrive(
    api: str, kind: Kind, shown: Any, authority: trustme.CA
):
    serving, trusting = contexts(authority, kind)

    async def main() -> None:
        server = FlightServer(lambda request: agree(request) + REJECTED_LOGIN, serving)

        async def late(response: Any) -> None:
            await server.left.wait()

        on_connect: dict[Any, Any] = {
            False: None,
            "at once": lambda response: None,
            "after the end": late,
        }
        async with flying(server) as url:
            got = await told(api, url, trusting, kind.fast, on_connect[shown])
        assert got == ["who are you?", "goodbye", 4001]

    run(kind, main)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("count", [2, 4, 10])
def test_more_than_a_client_keeps_in_the_flight_of_the_answer_arrives_too(
    api: str, kind: Kind, count: int, shown: bool, authority: trustme.CA
):
    serving, trusting = contexts(authority, kind)
    texts = [letter * 60_000 for letter in "abcdefghij"[:count]]
    flight = b"".join(frame(TEXT, text.encode()) for text in texts) + frame(CLOSE, closing(4001))

    async def main() -> None:
        server = FlightServer(lambda request: agree(request) + flight, serving)

        async def slow(response: Any) -> None:
            # As many iterations of the event loop as it takes to read all that there is room for.
            for _ in range(50):
                await asyncio.sleep(0)

        async with flying(server) as url:
            got = await told(api, url, trusting, kind.fast, slow if shown else None)
        assert got == [*texts, 4001]

    run(kind, main)
