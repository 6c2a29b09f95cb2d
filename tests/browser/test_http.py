"""What a browser makes of our HTTP: cookies, forms, uploads, compression, caching, streams."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.browser.devtools import Chromium, Page

pytestmark = pytest.mark.peer("chromium", "websockets")

SEEN = web.AppKey("SEEN", list)
TEXT = "häufig " * 2000


async def page_to_start(request: web.Request) -> web.Response:
    return web.Response(text="<!DOCTYPE html><title>start</title>", content_type="text/html")


async def set_cookies(request: web.Request) -> web.Response:
    response = web.Response()
    response.set_cookie("plain", "1")
    response.set_cookie("odd", 'two words; "quoted", ü')
    response.set_cookie("hidden", "h", httponly=True, samesite="Strict")
    response.set_cookie("apart", "p", secure=True, samesite="None", partitioned=True)
    response.set_cookie("elsewhere", "e", path="/elsewhere")
    response.set_cookie("over", "o", max_age=0)
    response.del_cookie("old")
    return response


async def told_cookies(request: web.Request) -> web.Response:
    return web.json_response(dict(request.cookies))


async def form(request: web.Request) -> web.Response:
    fields: list[Any] = []
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            content = value.file.read()
            fields.append([name, value.filename, value.content_type, len(content)])
        else:  # bytes where the part says that it is no text
            fields.append([name, value if isinstance(value, str) else value.decode()])
    return web.json_response({"type": request.content_type, "fields": fields})


async def compressed(request: web.Request) -> web.Response:
    response = web.Response(text=TEXT)
    coding = request.query["coding"]
    response.enable_compression(web.ContentCoding(coding) if coding else None)
    return response


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(3):
        await response.write(b"%d\n" % number)
    return response


@web.middleware
async def noting(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    request.app[SEEN].append((request.path, dict(request.headers), response))
    return response


@pytest.fixture
async def app(tmp_path: Path) -> web.Application:
    (tmp_path / "file.txt").write_text(TEXT, encoding="utf-8")
    app = web.Application(middlewares=[noting], client_max_size=2**24)
    app[SEEN] = []
    app.add_routes(
        [
            web.get("/", page_to_start),
            web.get("/set", set_cookies),
            web.get("/cookies", told_cookies),
            web.post("/form", form),
            web.get("/compressed", compressed),
            web.get("/stream", stream),
            web.static("/files", tmp_path),
        ]
    )
    return app


@pytest.fixture
async def page(
    chromium: Chromium, app: web.Application, aiohttp_server: AiohttpServer
) -> AsyncIterator[Page]:
    server = await aiohttp_server(app)
    page = await chromium.page(str(server.make_url("/")))
    yield page
    await page.close()


async def asked(page: Page, script: str) -> Any:
    """What an asynchronous function of the page returns."""
    return json.loads(await page.evaluate(f"(async () => JSON.stringify({script}))()"))


async def test_cookies_are_kept_and_sent_back_as_they_were_set(page: Page) -> None:
    await page.evaluate("document.cookie = 'old=1'")
    await asked(page, "await fetch('/set').then(r => r.status)")
    sent = await asked(page, "await fetch('/cookies').then(r => r.json())")
    assert sent == {
        "plain": "1",
        "odd": 'two words; "quoted", ü',
        "hidden": "h",
        "apart": "p",
    }
    seen = await page.evaluate("document.cookie")
    assert "plain=1" in seen
    assert "hidden" not in seen


async def test_forms_of_every_kind_are_read(page: Page) -> None:
    urlencoded = """await fetch('/form', {method: 'POST', body: new URLSearchParams(
        [['a', '1 & 2'], ['a', 'ü=%'], ['', 'empty']])}).then(r => r.json())"""
    assert await asked(page, urlencoded) == {
        "type": "application/x-www-form-urlencoded",
        "fields": [["a", "1 & 2"], ["a", "ü=%"], ["", "empty"]],
    }
    multipart = """await (() => {
        const form = new FormData();
        form.append('text', 'line\\nline');
        form.append('file', new File([new Uint8Array(3000000)], 'a "b" ü.bin', {type: 'x/y'}));
        form.append('empty', new File([], ''));
        return fetch('/form', {method: 'POST', body: form}).then(r => r.json());
    })()"""
    told = await asked(page, multipart)
    assert told["type"] == "multipart/form-data"
    text, file, empty = told["fields"]
    assert empty == ["empty", ""]
    assert text == ["text", "line\r\nline"]
    # Browsers write quotes in names so, and nothing tells them from what was so before.
    assert file == ["file", "a %22b%22 ü.bin", "x/y", 3_000_000]


@pytest.mark.parametrize("coding", ["", "gzip", "deflate", "br", "zstd"])
async def test_compressed_bodies_are_read(page: Page, app: web.Application, coding: str) -> None:
    if coding == "br":
        pytest.importorskip("brotli")
    if coding == "zstd":
        pytest.importorskip("backports.zstd")
    text = await asked(page, f"await fetch('/compressed?coding={coding}').then(r => r.text())")
    assert text == TEXT
    (_, _, response) = app[SEEN][-1]
    assert response.headers["Content-Encoding"] == (coding or "deflate")


async def test_files_are_cached_and_asked_for_again(page: Page, app: web.Application) -> None:
    for _ in range(2):
        text = await asked(
            page, "await fetch('/files/file.txt', {cache: 'no-cache'}).then(r => r.text())"
        )
        assert text == TEXT
    path, headers, response = app[SEEN][-1]
    assert (path, response.status) == ("/files/file.txt", 304)
    assert "If-None-Match" in headers
    options = "{cache: 'no-store', headers: {Range: 'bytes=0-0'}}"
    part = f"await fetch('/files/file.txt', {options}).then(r => r.text())"
    assert await asked(page, part) == "h"
    assert app[SEEN][-1][2].status == 206


async def test_a_stream_is_read_to_its_end(page: Page) -> None:
    assert await asked(page, "await fetch('/stream').then(r => r.text())") == "0\n1\n2\n"
