"""Files that are in memory: served by the event loop's thread, as those are that are not."""

from __future__ import annotations

import asyncio
import hashlib
import os

import pytest

from aiohttp_ws import web
from aiohttp_ws.web import open_files, page_cache
from tests.web.serving import serving

BIG = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(2**18))  # 8 MiB


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.css").write_bytes(b"a" * 100)
    (tmp_path / "big.bin").write_bytes(BIG)
    return tmp_path


@pytest.fixture
def app(folder):
    async def one(request):
        return web.FileResponse(folder / "sub" / "a.css")

    async def by_itself(request):
        return Called(folder / "sub" / "a.css")

    async def more(request):
        headers = {"Cache-Control": "no-cache", "Content-Type": "text/x"}
        return web.FileResponse(folder / "sub" / "a.css", headers=headers)

    async def more_by_itself(request):
        headers = {"Cache-Control": "no-cache", "Content-Type": "text/x"}
        return Called(folder / "sub" / "a.css", headers=headers)

    app = web.Application()
    app.router.add_get("/one", one)
    app.router.add_get("/by-itself", by_itself)
    app.router.add_get("/more", more)
    app.router.add_get("/more-by-itself", more_by_itself)
    app.router.add_static("/s", folder)
    return app


class Called(web.FileResponse):
    """Has to be called in order to be sent: it is not sent in one go."""

    async def prepare(self, request):
        return await super().prepare(request)


@pytest.fixture
def hot(folder):
    fd = page_cache.open_cached(str(folder / "sub" / "a.css"), False)
    if fd < 0:
        pytest.skip("the system cannot open only what is in memory (Linux 5.12 can)")
    os.close(fd)


def without_threads(monkeypatch):
    def refuse(executor, function, *args):
        raise AssertionError(f"{function} in another thread")

    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", refuse)


@pytest.mark.parametrize("target", ["/one", "/s/sub/a.css", "/s/big.bin"])
async def test_what_is_in_memory_is_served_without_another_thread(app, hot, monkeypatch, target):
    async with serving(app) as site:
        first = await site.ask(target)
        without_threads(monkeypatch)
        again = await site.ask(target)
        monkeypatch.undo()
    assert (again.status, again.body) == (200, first.body)
    assert len(again.body) in (100, len(BIG))


@pytest.mark.parametrize("target", ["/one", "/s/sub/a.css", "/s/big.bin"])
async def test_what_is_not_in_memory_is_read_by_another_thread(app, monkeypatch, target):
    async with serving(app) as site:
        first = await site.ask(target)
        monkeypatch.setattr(open_files, "holds", lambda *args: False)
        monkeypatch.setattr(open_files, "read_cached", lambda *args: None)
        assert (await site.ask(target)).body == first.body
        monkeypatch.setattr(open_files, "open_cached", lambda *args: -1)
        assert (await site.ask(target)).body == first.body


@pytest.mark.parametrize(
    ("at_once", "called"), [("/one", "/by-itself"), ("/more", "/more-by-itself")]
)
@pytest.mark.parametrize("accept", ["identity", "gzip"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_file_sent_in_one_go_has_the_same_head(
    app, folder, at_once, called, accept, method
):
    (folder / "sub" / "a.css.gz").write_bytes(b"packed")
    async with serving(app) as site:
        one, other = [
            await site.ask(target, method=method, Accept_Encoding=accept)
            for target in (at_once, called)
        ]
    for answer in (one, other):
        answer.headers.pop("Date")
    assert sorted(one.headers.items()) == sorted(other.headers.items())
    assert (one.status, one.body) == (other.status, other.body)


async def test_a_file_that_was_replaced_or_removed_is_not_served_from_before(app, folder):
    async with serving(app) as site:
        before = await site.ask("/s/sub/a.css")
        (folder / "new").write_bytes(b"b" * 100)
        os.replace(folder / "new", folder / "sub" / "a.css")
        after = await site.ask("/s/sub/a.css")
        assert (before.body, after.body) == (b"a" * 100, b"b" * 100)
        (folder / "sub" / "a.css").write_bytes(b"c" * 100)
        assert (await site.ask("/s/sub/a.css")).body == b"c" * 100
        (folder / "sub" / "a.css").unlink()
        assert (await site.ask("/s/sub/a.css")).status == 404
        (folder / "sub" / "a.css").symlink_to("../../secret")
        (folder.parent / "secret").write_bytes(b"secret")
        assert (await site.ask("/s/sub/a.css")).status == 404


async def test_a_client_that_reads_slowly_gets_all_of_a_file(app):
    """The kernel takes as much as fits; what follows waits for the client."""
    async with serving(app) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1000)
        writer.write(b"GET /s/big.bin HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            got = hashlib.sha256()
            left = len(BIG)
            while left:
                piece = await reader.readexactly(min(left, 50_000))
                got.update(piece)
                left -= len(piece)
            assert got.digest() == hashlib.sha256(BIG).digest()
        writer.close()


async def test_a_range_of_a_large_file_is_that_range(app):
    async with serving(app) as site:
        answer = await site.ask("/s/big.bin", Range="bytes=1000-3000000")
    assert (answer.status, answer.body) == (206, BIG[1000:3000001])


# ------------------------------------------------------------------- what is asked of the system


@pytest.mark.parametrize("what", ["folder", "pipe", "missing", "nul", "link", "linked folder"])
def test_nothing_else_than_a_regular_file_is_opened(folder, what):
    path = folder / what
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to("big.bin")
    elif what == "linked folder":
        path.symlink_to("sub")
        path /= "a.css"
    elif what == "nul":
        path = f"{folder}/big.bin\0"
    assert page_cache.open_cached(str(path), False) == -1


def test_links_are_followed_on_request(folder, hot):
    (folder / "link").symlink_to("sub")
    fd = page_cache.open_cached(str(folder / "link" / "a.css"), True)
    assert os.fstat(fd).st_size == 100
    os.close(fd)


@pytest.mark.parametrize(
    ("start", "size", "expected"),
    [(0, 100, 100), (0, 0, 0), (90, 10, 10), (90, 20, 10), (100, 10, 0), (1000, 10, 0)],
)
def test_a_read_ends_with_the_file(folder, hot, start, size, expected):
    path = folder / "sub" / "a.css"
    path.read_bytes()
    with open(path, "rb") as file:
        assert page_cache.read_cached(file.fileno(), start, size, True) == b"a" * expected
        assert page_cache.holds(file.fileno(), start, size, True)


def test_a_descriptor_that_cannot_be_read_holds_nothing(hot):
    reading, writing = os.pipe()
    try:
        assert page_cache.read_cached(writing, 0, 10, True) is None
        assert not page_cache.holds(writing, 0, 10, True)
    finally:
        os.close(reading)
        os.close(writing)
