"""Promises of ``check_utf8=True``: text that is not UTF-8 never reaches the listener."""

from __future__ import annotations

import pytest

from aiohttp_ws import WSMsgType
from tests.ws.raw_end import BINARY, CONTINUATION, TEXT, frame, open_raw

from .ends import pair, served

GOOD = "grün €"
BAD = b"gr\xc3\x28n"
CUT = "€".encode()[:2]


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_good_text_arrives_whole_and_in_fragments_cut_anywhere(compression):
    options = {"check_utf8": True, "compression": compression}
    async with pair(client=options, server=options) as (near, far):
        data = GOOD.encode()
        near.transport.send(WSMsgType.TEXT, data)
        assert await far.next() == (TEXT, data)
        for index in range(len(data)):
            piece, last = data[index : index + 1], index == len(data) - 1
            kind = WSMsgType.CONTINUATION if index else WSMsgType.TEXT
            near.transport.send(kind, piece, fin=last)
            assert await far.next() == (CONTINUATION if index else TEXT, piece)
        near.transport.send(WSMsgType.BINARY, BAD)
        assert await far.next() == (BINARY, BAD)


@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("pieces", [[BAD], [CUT], [b"ok", BAD], [CUT, b"x"], [b"ok", CUT]])
async def test_bad_text_closes_with_1007_and_is_not_handed_out(pieces, compression):
    async with pair(
        client={"compression": compression},
        server={"compression": compression, "check_utf8": True},
    ) as (near, _):
        for index, piece in enumerate(pieces):
            kind = WSMsgType.CONTINUATION if index else WSMsgType.TEXT
            near.transport.send(kind, piece, fin=index == len(pieces) - 1)
        opcode, payload = await near.next()
        assert (opcode, payload[:2]) == (8, (1007).to_bytes(2, "big"))


async def test_bad_text_is_refused_before_its_frame_is_whole():
    async with served(check_utf8=True) as this:
        raw, _ = await open_raw("127.0.0.1", this.port)
        raw.send_bytes(frame(TEXT, BAD + bytes(1000), mask=True)[:20])
        assert (await raw.receive_close())[0] == 1007
        raw.cut()


async def test_by_default_text_is_the_listeners_to_judge():
    async with pair() as (near, far):
        near.transport.send(WSMsgType.TEXT, BAD)
        assert await far.next() == (TEXT, BAD)
