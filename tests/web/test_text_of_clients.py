"""What a client sends reaches no function that is laxer or harsher than HTTP."""

from __future__ import annotations

import gzip
import logging
import zlib

import pytest

from aiohttp_ws import web
from tests.web.raw_server import get, post, running, status_of

FORM = "Content-Type: application/x-www-form-urlencoded; charset="
TEXT = "Content-Type: text/plain; charset="


async def answered(handler, data):
    async with running(handler) as server, server.connect() as peer:
        head, body = await peer.ask(data)
        return status_of(head), body


async def reads_text(request):
    return web.Response(text=await request.text())


async def reads_json(request):
    return web.json_response(await request.json())


async def reads_form(request):
    return web.Response(text=repr(dict(await request.post())))


@pytest.mark.parametrize(
    ("handler", "field"), [(reads_text, TEXT), (reads_json, TEXT), (reads_form, FORM)]
)
@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "utf-7", "hex", "x-no"])
async def test_a_charset_that_is_not_of_the_web_is_415(handler, field, charset, caplog):
    status, _ = await answered(handler, post(b"1", field + charset))
    assert status == 415
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("handler", "field"), [(reads_text, TEXT), (reads_json, TEXT), (reads_form, FORM)]
)
@pytest.mark.parametrize(
    ("charset", "data"), [("utf-8", b"a=\xff"), ("ascii", b"\xe9"), ("utf-16", b"\x00\xd8x")]
)
async def test_a_body_that_is_not_in_its_charset_is_400(handler, field, charset, data, caplog):
    status, body = await answered(handler, post(data, field + charset))
    assert status == 400
    assert charset.encode() in body
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since", "If-Range"])
@pytest.mark.parametrize(
    "date",
    [
        "Sun, 06 Nov 10000 08:49:37 GMT",
        "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        "Sun, 06 Nov 1994 99999999999999999999:49:37 GMT",
        "Sun, 0٦ Nov 1994 08:49:37 GMT",
    ],
)
async def test_a_date_that_is_none_is_ignored(name, date, tmp_path):
    async def handler(request):
        assert request.if_modified_since is None
        assert request.if_unmodified_since is None
        assert request.if_range is None
        return web.FileResponse(tmp_path / "file")

    (tmp_path / "file").write_bytes(b"content")
    assert await answered(handler, get("/", f"{name}: {date}")) == (200, b"content")


async def test_digits_of_other_scripts_are_no_range():
    async def handler(request):
        with pytest.raises(ValueError, match="Range"):
            request.http_range  # noqa: B018
        return web.Response()

    assert await answered(handler, get("/", "Range: bytes=٣-")) == (200, b"")


@pytest.mark.parametrize("weight", ["inf", "nan", "1_0", "٣", "-1", "0x1", "1e5", ""])
async def test_a_weight_that_is_not_a_number_of_http_offers_nothing(weight):
    async def handler(request):
        response = web.Response(body=b"x" * 5000)
        response.enable_compression()
        return response

    async with running(handler) as server, server.connect() as peer:
        head, _ = await peer.ask(get("/", f"Accept-Encoding: gzip;q={weight}"))
        assert b"content-encoding" not in head.lower()
        head, _ = await peer.ask(get("/", "Accept-Encoding: deflate;q=0.2, gzip ; q=0.3"))
        assert b"content-encoding: gzip" in head.lower()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_every_member_of_a_compressed_body_is_read(coding):
    async def handler(request):
        return web.Response(body=await request.read())

    pack = {"gzip": gzip.compress, "deflate": zlib.compress}[coding]
    parts = [b"one", b"", b"two" * 100_000, b"three"]
    data = post(b"".join(map(pack, parts)), f"Content-Encoding: {coding}")
    assert await answered(handler, data) == (200, b"".join(parts))
