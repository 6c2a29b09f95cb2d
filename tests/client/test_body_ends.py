"""Bodies that end in one flight with the connection: all of them is read, however slowly."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from aiohttp_ws import ClientPayloadError, ClientSession, TCPConnector
from tests.contract.flight import FlightServer, flying
from tests.transport_matrix import KINDS, Kind, run

BODY = bytes(range(251)) * 12_000  # 3 MB: more than anything keeps unread


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return serving, trusting


def chunked(body: bytes, size: int = 50_000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


ANSWERS = {
    "length": b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY),
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY),
    "until the end": b"Connection: close\r\n\r\n" + BODY,
}


async def read_slowly(session: ClientSession, url: str) -> bytes:
    """Read a little at a time, and let the event loop do all it can in between."""
    got = bytearray()
    async with session.get(url.replace("ws", "http", 1)) as response:
        while piece := await response.content.read(40_000):
            got += piece
            for _ in range(10):
                await asyncio.sleep(0)
    return bytes(got)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("framing", ANSWERS)
def test_a_body_that_ends_with_the_connection_is_read_whole_by_a_slow_reader(
    kind: Kind, framing: str, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
):
    serving, trusting = contexts if kind.tls else (None, True)

    async def main() -> None:
        answer = b"HTTP/1.1 200 OK\r\n" + ANSWERS[framing]
        connector = TCPConnector(ssl=trusting, use_aiofastnet=kind.fast)
        async with (
            flying(FlightServer(lambda request: answer, serving)) as url,
            ClientSession(connector=connector) as session,
        ):
            got = await read_slowly(session, url)
        assert len(got) == len(BODY)
        assert got == BODY

    run(kind, main)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_is_cut_is_read_to_the_cut_and_then_an_error(
    kind: Kind, framing: str, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
):
    serving, trusting = contexts if kind.tls else (None, True)

    async def main() -> None:
        answer = b"HTTP/1.1 200 OK\r\n" + ANSWERS[framing][:-100_000]
        connector = TCPConnector(ssl=trusting, use_aiofastnet=kind.fast)
        async with (
            flying(FlightServer(lambda request: answer, serving)) as url,
            ClientSession(connector=connector) as session,
        ):
            with pytest.raises(ClientPayloadError):
                await read_slowly(session, url)

    run(kind, main)
