"""Files as responses, over a real connection."""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
import threading

import aiohttp
import pytest
import trustme

from aiohttp_ws import web
from aiohttp_ws.web import open_files
from tests.web.serving import aiohttp_talking_to, serving

TEXT = b"hello world"
BIG = bytes(range(256)) * 8192  # 2 MiB: more than any buffer on the way


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT)
    (tmp_path / "big.bin").write_bytes(BIG)
    (tmp_path / "empty.txt").write_bytes(b"")
    return tmp_path


@pytest.fixture
def app(folder):
    async def handler(request):
        return web.FileResponse(folder / request.match_info["name"], headers={"X-Own": "1"})

    app = web.Application()
    app.router.add_get("/{name:.*}", handler)
    return app


async def test_a_file_is_sent_with_its_validators(app, folder):
    async with serving(app) as site:
        answer = await site.ask("/a.txt")
    info = (folder / "a.txt").stat()
    assert (answer.status, answer.body) == (200, TEXT)
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Content-Length"] == "11"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{info.st_mtime_ns:x}-{info.st_size:x}"'
    assert "GMT" in answer.headers["Last-Modified"]
    assert answer.headers["X-Own"] == "1"
    assert "Vary" not in answer.headers


async def test_head_has_the_headers_of_get_and_no_body(app):
    async with serving(app) as site:
        get, head = await site.ask("/a.txt"), await site.ask("/a.txt", "HEAD")
    assert head.body == b""
    assert head.status == 200
    get.headers.pop("Date"), head.headers.pop("Date")
    assert head.headers == get.headers


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 32 * 1024 + 1, 300_000, len(BIG)])
async def test_files_of_all_sizes_arrive_whole_and_the_connection_goes_on(app, folder, size):
    name = "sized.bin"
    (folder / name).write_bytes(BIG[:size])
    async with aiohttp_talking_to(app) as session:
        for _ in range(2):
            async with session.get(f"/{name}") as response:
                assert await response.read() == (folder / name).read_bytes()
                assert response.headers["Content-Length"] == str((folder / name).stat().st_size)
        assert len(session.connector._conns) == 1


async def test_ranges(app):
    async with serving(app) as site:
        answer = await site.ask("/a.txt", Range="bytes=3-5")
        assert (answer.status, answer.body) == (206, TEXT[3:6])
        assert answer.headers["Content-Range"] == "bytes 3-5/11"
        assert answer.headers["Content-Length"] == "3"
        answer = await site.ask("/big.bin", Range="bytes=1000000-1999999")
        assert answer.body == BIG[1000000:2000000]
        answer = await site.ask("/a.txt", "HEAD", Range="bytes=3-5")
        assert (answer.status, answer.headers["Content-Length"]) == (200, "11")


async def test_a_range_outside_is_416_and_says_the_size(app):
    async with serving(app) as site:
        answer = await site.ask("/a.txt", Range="bytes=11-")
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["Content-Range"] == "bytes */11"


async def test_if_range_decides_between_part_and_whole(app):
    async with serving(app) as site:
        tag = (await site.ask("/a.txt")).headers["ETag"]
        assert (await site.ask("/a.txt", Range="bytes=0-1", If_Range=tag)).body == b"he"
        assert (await site.ask("/a.txt", Range="bytes=0-1", If_Range='"x"')).body == TEXT


async def test_conditions(app):
    async with serving(app) as site:
        first = await site.ask("/a.txt")
        tag, date = first.headers["ETag"], first.headers["Last-Modified"]
        for fields in ({"If_None_Match": tag}, {"If_Modified_Since": date}):
            answer = await site.ask("/a.txt", **fields)
            assert (answer.status, answer.body) == (304, b"")
            assert answer.headers["ETag"] == tag
            assert "Content-Length" not in answer.headers
            assert "Transfer-Encoding" not in answer.headers
        answer = await site.ask("/a.txt", If_Match='"x"')
        assert (answer.status, answer.body) == (412, b"")
        assert (await site.ask("/a.txt", If_None_Match=tag, Range="bytes=0-1")).status == 304


async def test_a_changed_file_has_another_tag(app, folder):
    async with serving(app) as site:
        before = (await site.ask("/a.txt")).headers["ETag"]
        os.utime(folder / "a.txt", (1, 1))
        assert (await site.ask("/a.txt")).headers["ETag"] != before


async def test_a_status_other_than_200_is_kept_and_unconditional(folder):
    async def not_found_page(request):
        return web.FileResponse(folder / "a.txt", status=404, reason="Lost")

    app = web.Application()
    app.router.add_get("/", not_found_page)
    async with serving(app) as site:
        answer = await site.ask("/", If_None_Match="*", Range="bytes=0-1")
    assert (answer.status, answer.reason, answer.body) == (404, "Lost", TEXT)
    assert "ETag" not in answer.headers


# ------------------------------------------------------------------------- what it is


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.txt", "text/plain"),
        ("p.html", "text/html"),
        ("s.js", "text/javascript"),
        ("m.mjs", "text/javascript"),
        ("d.json", "application/json"),
        ("w.wasm", "application/wasm"),
        ("i.webp", "image/webp"),
        ("t.tar.gz", "application/gzip"),
        ("noext", "application/octet-stream"),
    ],
)
async def test_the_type_is_guessed_from_the_name(app, folder, name, content_type):
    (folder / name).write_bytes(b"x")
    async with serving(app) as site:
        answer = await site.ask(f"/{name}")
    assert answer.headers["Content-Type"] == content_type
    assert "Content-Encoding" not in answer.headers


async def test_a_type_that_was_given_is_kept(folder):
    async def handler(request):
        return web.FileResponse(folder / "a.txt", headers={"Content-Type": "text/x-own"})

    app = web.Application()
    app.router.add_get("/", handler)
    async with serving(app) as site:
        assert (await site.ask("/")).headers["Content-Type"] == "text/x-own"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, br", "br"),
        ("GZIP;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0.000, deflate", None),
        ("xgzip", None),
        ("identity", None),
        ("*", None),
    ],
)
async def test_a_precompressed_sibling_is_sent_to_who_accepts_it(app, folder, accepted, encoding):
    (folder / "a.txt.gz").write_bytes(gzip.compress(TEXT))
    (folder / "a.txt.br").write_bytes(b"brotli")
    async with serving(app) as site:
        answer = await site.ask("/a.txt", Accept_Encoding=accepted)
    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Vary"] == "Accept-Encoding"
    expected = {None: TEXT, "gzip": gzip.compress(TEXT), "br": b"brotli"}[encoding]
    assert len(answer.body) == len(expected)


async def test_codings_have_tags_of_their_own(app, folder):
    (folder / "a.txt.gz").write_bytes(gzip.compress(TEXT))
    async with serving(app) as site:
        plain = await site.ask("/a.txt")
        packed = await site.ask("/a.txt", Accept_Encoding="gzip")
    assert plain.headers["ETag"] != packed.headers["ETag"]


@pytest.mark.parametrize(("accepted", "coding"), [("br, gzip", "br"), ("gzip", "gzip")])
async def test_a_sibling_saves_compression_on_the_fly(folder, accepted, coding):
    (folder / "a.txt.br").write_bytes(pytest.importorskip("brotli").compress(TEXT))

    async def handler(request):
        response = web.FileResponse(folder / "a.txt")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    app = web.Application()
    app.router.add_get("/", handler)
    async with (
        aiohttp_talking_to(app) as session,
        session.get("/", headers={"Accept-Encoding": accepted}) as response,
    ):
        assert response.headers["Content-Encoding"] == coding
        assert await response.read() == TEXT


# ------------------------------------------------------------------- what it is not


@pytest.mark.parametrize(("name", "status"), [("zz", 404), ("sub", 403), ("pipe", 403)])
async def test_what_is_no_file_is_refused(app, folder, name, status):
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    async with serving(app) as site:
        answer = await site.ask(f"/{name}")
    assert (answer.status, answer.body) == (status, b"")
    assert answer.headers["Content-Length"] == "0"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all files")
async def test_a_file_that_may_not_be_read_is_403(app, folder):
    (folder / "a.txt").chmod(0)
    async with serving(app) as site:
        assert (await site.ask("/a.txt")).status == 403


def test_a_chunk_has_at_least_one_byte(folder):
    with pytest.raises(ValueError, match="chunk_size=0"):
        web.FileResponse(folder / "a.txt", chunk_size=0)


# ------------------------------------------------------------------------- the way out


async def test_a_file_goes_through_tls(app):
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server)
        await site.start()
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"https://127.0.0.1:{site.port}/big.bin", ssl=client) as response,
        ):
            assert await response.read() == BIG
    finally:
        await runner.cleanup()


async def test_a_file_is_sent_in_chunks_where_the_kernel_cannot(app, monkeypatch):
    async def refuse(*args, **kwargs):
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "sendfile", refuse)
    async with aiohttp_talking_to(app) as session:
        for _ in range(2):
            async with session.get("/big.bin", headers={"Range": "bytes=7-"}) as response:
                assert await response.read() == BIG[7:]


async def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection(folder, monkeypatch):
    async def handler(request):
        response = web.FileResponse(folder / "big.bin")
        return response

    async def shrink(request, response):
        os.truncate(folder / "big.bin", 1000)

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_response_prepare.append(shrink)
    async with aiohttp_talking_to(app) as session, session.get("/") as response:
        assert response.headers["Content-Length"] == str(len(BIG))
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_a_client_that_leaves_while_a_file_is_read_leaves_no_open_file(
    app, folder, monkeypatch
):
    """The read goes on in its thread; the file is closed after it, not under it."""
    reading, go, closed = threading.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    read_at, release = open_files._read_at, open_files.OpenFile._release

    def watched_release(file):
        assert go.is_set()
        release(file)
        closed.set()

    def slow_read(*args):
        reading.set()
        assert go.wait(20)
        return read_at(*args)

    async def refuse(*args, **kwargs):
        raise NotImplementedError

    monkeypatch.setattr(loop, "sendfile", refuse)
    monkeypatch.setattr(open_files, "_read_at", slow_read)
    monkeypatch.setattr(open_files, "holds", lambda *args: False)
    monkeypatch.setattr(open_files, "read_cached", lambda *args: None)
    monkeypatch.setattr(open_files.OpenFile, "_release", watched_release)
    async with serving(app, handler_cancellation=True, shutdown_timeout=0.01) as site:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await loop.run_in_executor(None, reading.wait, 20)
        writer.transport.abort()
    assert not closed.is_set()
    go.set()
    await asyncio.wait_for(closed.wait(), 20)


async def test_the_access_log_counts_the_bytes_of_the_file(app, caplog):
    caplog.set_level("INFO", "aiohttp_ws.access")
    async with serving(app, access_log_format="%b") as site:
        await site.ask("/big.bin")
    (size,) = [r.getMessage() for r in caplog.records if r.name == "aiohttp_ws.access"]
    assert len(BIG) < int(size) < len(BIG) + 500  # the head counts too
