"""fsspec: files at HTTP URLs, read by ranges and whole, listed and written."""

import asyncio
import threading

import fsspec
import pytest
from aiohttp import web

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def server():
    """A server in a thread of its own, since fsspec is used by blocking calls."""
    written = {}

    async def content(request):
        written["ranges"] = [*written.get("ranges", []), request.headers.get("Range")]
        return web.FileResponse(written["path"])

    async def put(request):
        written["put"] = await request.read()
        return web.Response(status=201)

    async def page(request):
        return web.Response(
            text='<a href="/files/one.bin">one</a> <a href="/files/two.bin">two</a>',
            content_type="text/html",
        )

    started = threading.Event()
    loop = asyncio.new_event_loop()

    async def serve():
        app = web.Application()
        app.add_routes(
            [web.get("/files/", page), web.get("/files/{name}", content), web.put("/put", put)]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        written["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def run():
        asyncio.set_event_loop(loop)
        written["runner"] = loop.run_until_complete(serve())
        started.set()
        loop.run_forever()
        loop.run_until_complete(written["runner"].cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(10)
    yield written
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def files(server, tmp_path):
    server["path"] = tmp_path / "content.bin"
    server["path"].write_bytes(CONTENT)
    return fsspec.filesystem("http", skip_instance_cache=True)


def test_file_is_read_by_ranges(server, files):
    with files.open(f"{server['url']}/files/one.bin", block_size=1000) as file:
        file.seek(50_000)
        assert file.read(100) == CONTENT[50_000:50_100]
        assert file.size == len(CONTENT)
    assert any(asked and "-" in asked for asked in server["ranges"])


def test_whole_file_and_several_at_once(server, files):
    urls = [f"{server['url']}/files/{name}.bin" for name in ("one", "two", "three")]
    assert files.cat_file(urls[0], start=10, end=20) == CONTENT[10:20]
    assert files.cat(urls) == dict.fromkeys(urls, CONTENT)


def test_file_is_streamed(server, files):
    with files.open(f"{server['url']}/files/one.bin", block_size=0) as file:
        assert file.read(10) == CONTENT[:10]
        assert file.read() == CONTENT[10:]


def test_links_of_a_page_are_its_files(server, files):
    found = files.ls(f"{server['url']}/files/", detail=False)
    assert sorted(found) == [f"{server['url']}/files/{name}.bin" for name in ("one", "two")]


def test_file_is_downloaded_and_uploaded(server, files, tmp_path):
    target = tmp_path / "copy.bin"
    files.get_file(f"{server['url']}/files/one.bin", str(target))
    assert target.read_bytes() == CONTENT
    files.put_file(str(target), f"{server['url']}/put", method="put")
    assert server["put"] == CONTENT


def test_what_is_absent_is_not_found(server, files):
    assert files.exists(f"{server['url']}/files/one.bin")
    assert not files.exists(f"{server['url']}/absent")
    with pytest.raises(FileNotFoundError):
        files.cat_file(f"{server['url']}/absent")
