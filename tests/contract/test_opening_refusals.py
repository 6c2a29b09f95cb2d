"""Opening handshakes that one side refuses (RFC 6455 4): what is said, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest

from aiohttp_ws import WSServerHandshakeError, websockets
from aiohttp_ws.errors import WSHandshakeError
from tests.ws.raw_end import TEXT, parse_head

from .differences import ROWS
from .peer import Peer, request
from .sides import Options, Served, Sides

# Case: what is wrong with the request, the status, and what the body names.
REQUESTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no Upgrade": ({"replace": {"Upgrade": None}}, 400, "Upgrade"),
    "no Connection": ({"replace": {"Connection": None}}, 400, "Connection"),
    "another Upgrade": ({"replace": {"Upgrade": "h2c"}}, 400, "h2c"),
    "no key": ({"replace": {"Sec-WebSocket-Key": None}}, 400, "Sec-WebSocket-Key"),
    "a short key": ({"replace": {"Sec-WebSocket-Key": "short"}}, 400, "short"),
    "no version": ({"replace": {"Sec-WebSocket-Version": None}}, 426, "Sec-WebSocket-Version"),
    "another version": ({"replace": {"Sec-WebSocket-Version": "12"}}, 426, "12"),
    "another method": ({"method": "POST", "replace": {"Content-Length": "0"}}, 405, "POST"),
    "no Host": ({"replace": {"Host": None}}, 400, "Host"),
    "a header that is not one": ({"headers": [("a b", "c")]}, 400, "field name"),
}
by_case = pytest.mark.parametrize("case", REQUESTS)


def status_of(sides: Sides, case: str) -> int:
    if case in ("no Upgrade", "no Connection", "another Upgrade"):
        return ROWS["the status where no upgrade is asked for"][sides.side.api]  # type: ignore[no-any-return]
    return REQUESTS[case][1]


async def answer(peer: Peer) -> tuple[int, dict[str, str], bytes]:
    start, headers = parse_head(await peer.head())
    body = await peer.exactly(int(headers.get("content-length", 0)))
    return int(start.split()[1]), headers, body


@pytest.mark.only(role=["server"], wire=["plain"])
@by_case
async def test_a_bad_request_is_refused_and_told_why(sides: Sides, case: str) -> None:
    served = await sides.serve(Options())
    peer = await sides.reach(served)
    how, _, named = REQUESTS[case]
    peer.write(request(served.port, **how))
    status, headers, body = await answer(peer)
    assert status == status_of(sides, case)
    assert named in body.decode()
    assert headers["content-type"].startswith("text/plain")
    if "version" in case:
        assert headers["sec-websocket-version"] == "13"
    if status == 405:
        assert headers["allow"] == "GET"
    again = ROWS["a refused connection can be asked again"][sides.side.api]
    if again and "connection" not in headers:
        peer.write(request(served.port))
        assert (await answer(peer))[0] == 101
    else:
        assert headers["connection"] == "close"
        assert await peer.ended() == "fin"
    assert served.opened.qsize() == (headers.get("connection") != "close")


@pytest.mark.only(role=["server"], wire=["plain"])
@by_case
async def test_a_refusal_is_no_warning_in_the_log(
    sides: Sides, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    served = await sides.serve(Options())
    peer = await sides.reach(served)
    peer.write(request(served.port, **REQUESTS[case][0]))
    status, *_ = await answer(peer)
    ours = [each for each in caplog.records if each.name.startswith("aiohttp_ws")]
    assert [each for each in ours if each.levelno >= logging.WARNING] == []
    lines = [each.getMessage() for each in ours]
    if ROWS["a refusal has a line in the log"][sides.side.api]:
        assert sum(re.search(rf"\b{status}\b", line) is not None for line in lines) == 1


@pytest.mark.only(role=["server"])
async def test_a_refused_client_that_goes_on_sending_reads_the_refusal(sides: Sides) -> None:
    served = await sides.serve(Options())
    peer = await sides.reach(served)
    # A socket closed with this unread would reset the connection, and the answer be lost.
    peer.write(request(served.port, headers=[("a b", "c")]) + bytes(4 << 20))
    assert (await answer(peer))[0] == 400
    assert await peer.ended() == ("close_notify" if sides.wire.tls else "fin")


@pytest.mark.only(role=["server"], wire=["plain"])
async def test_a_refusal_to_head_has_no_body(sides: Sides) -> None:
    served = await sides.serve(Options())
    peer = await sides.reach(served)
    peer.write(request(served.port, method="HEAD", headers=[("Connection", "close")]))
    head = await peer.head()
    assert head.startswith(b"HTTP/1.1 405 ")
    peer.fin()
    assert await peer.rest() == b""


ACCEPTED: dict[str, dict[str, Any]] = {
    "an empty Host": {"replace": {"Host": ""}},
    "a subprotocol that is not a token": {"headers": [("Sec-WebSocket-Protocol", "a b, chat")]},
    "other tokens in Connection": {"replace": {"Connection": "keep-alive, upgrade"}},
    "another case": {"replace": {"Upgrade": "WebSocket", "Connection": "UPGRADE"}},
    "an extension nobody knows": {"headers": [("Sec-WebSocket-Extensions", "x-unknown")]},
}


@pytest.mark.only(role=["server"], wire=["plain"])
@pytest.mark.parametrize("case", ACCEPTED)
async def test_a_request_that_is_unusual_is_accepted(sides: Sides, case: str) -> None:
    served = await sides.serve(Options())
    peer = await sides.dial(served, **ACCEPTED[case])
    end = await served.opened.get()
    peer.send(TEXT, "hello")
    assert await end.receive() == "hello"


@pytest.mark.only(role=["server"])
async def test_every_server_answers_in_the_same_words(sides: Sides) -> None:
    served = await sides.serve(Options())
    peer = await sides.reach(served)
    peer.write(request(served.port))
    lines = (await peer.head()).split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 101 Switching Protocols"
    assert b"Upgrade: websocket" in lines
    assert b"Connection: Upgrade" in lines


# ---------------------------------------------------------------------------- the client

REFUSED = {
    "web": WSServerHandshakeError,
    "messages": websockets.InvalidHandshake,
    "frames": WSHandshakeError,
}


async def refusing(sides: Sides, respond: Any) -> tuple[Served, asyncio.Queue[str]]:
    """A server that answers with what *respond* makes of the peer and the request's head."""
    listening = Served()
    left: asyncio.Queue[str] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, masks=False, tls=sides.at_server)
        sides.peers.append(peer)
        await peer.handshake()
        peer.write(respond(peer, await peer.head()))
        left.put_nowait(await peer.ended())

    await sides.listen_raw(listening, serve)
    return listening, left


@pytest.mark.only(role=["client"])
async def test_a_client_shows_why_it_was_refused(sides: Sides) -> None:
    def respond(peer: Peer, head: bytes) -> bytes:
        return b"HTTP/1.1 403 Forbidden\r\nX-Why: login\r\nContent-Length: 8\r\n\r\nno entry"

    listening, left = await refusing(sides, respond)
    with pytest.raises(REFUSED[sides.side.api]) as caught:
        await sides.connect(listening.port)
    error: Any = caught.value
    if sides.side.api == "web":
        assert (error.status, error.headers["X-Why"]) == (403, "login")
    else:
        response = error.response
        status = response.status_code if sides.side.api == "messages" else response.status
        assert (status, response.headers["X-Why"]) == (403, "login")
        assert bytes(response.body) == b"no entry"
    # aiohttp keeps a connection for the next request.
    if sides.side.api != "web":
        await left.get()


ANSWERS: dict[str, dict[str, Any]] = {
    "another accept": {"replace": {"Sec-WebSocket-Accept": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}},
    "no accept": {"replace": {"Sec-WebSocket-Accept": None}},
    "no Upgrade": {"replace": {"Upgrade": None}},
    "another Upgrade": {"replace": {"Upgrade": "h2c"}},
    "no Connection": {"replace": {"Connection": None}},
    "an extension that was not offered": {"headers": [("Sec-WebSocket-Extensions", "x-other")]},
    "a subprotocol that was not offered": {"headers": [("Sec-WebSocket-Protocol", "chat")]},
}


@pytest.mark.only(role=["client"], wire=["plain"])
@pytest.mark.parametrize("case", ANSWERS)
async def test_a_client_refuses_a_bad_answer_and_leaves(sides: Sides, case: str) -> None:
    def respond(peer: Peer, head: bytes) -> bytes:
        return peer.answer(head, **ANSWERS[case])

    listening, left = await refusing(sides, respond)
    with pytest.raises(REFUSED[sides.side.api]):
        await sides.connect(listening.port)
    assert await left.get() in ("fin", "reset")
