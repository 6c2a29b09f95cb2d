"""Links out of a folder of files: none is followed, whenever it came; and clients that go away."""

from __future__ import annotations

import array
import asyncio
import fcntl
import os
import termios

import pytest

from aiohttp_ws import web
from aiohttp_ws.web import static_files
from tests.client.waiting import until
from tests.web.serving import serving

SECRET = b"secret"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"a")
    (root / "sub" / "s.txt").write_bytes(b"s")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "s.txt").write_bytes(SECRET)
    (tmp_path / "out" / "hidden").write_bytes(SECRET)
    return root


def served(folder, **options):
    app = web.Application()
    return app, app.router.add_static("/s", folder, **options)


async def ask(target, folder, *, accept="", **options):
    app, _ = served(folder, **options)
    async with serving(app) as site:
        return await site.ask(target, Accept_Encoding=accept or "identity")


@pytest.mark.parametrize(("suffix", "coding"), [(".gz", "gzip"), (".br", "br")])
async def test_a_precompressed_sibling_that_links_out_of_the_folder_is_not_served(
    folder, suffix, coding
):
    (folder / f"a.txt{suffix}").symlink_to("../out/s.txt")
    answer = await ask("/s/a.txt", folder, accept=coding)
    assert (answer.status, answer.body) == (200, b"a")
    assert "Content-Encoding" not in answer.headers
    answer = await ask("/s/a.txt", folder, accept=coding, follow_symlinks=True)
    assert answer.body == SECRET


async def test_a_precompressed_sibling_that_links_to_a_file_of_the_folder_is_served(folder):
    (folder / "packed").write_bytes(b"packed")
    (folder / "a.txt.gz").symlink_to("packed")
    assert (await ask("/s/a.txt", folder, accept="gzip")).body == b"packed"


def swap_file(folder):
    os.replace(_link(folder, "../out/s.txt"), folder / "a.txt")


def swap_folder(folder):
    (folder / "sub" / "s.txt").unlink()
    (folder / "sub").rmdir()
    (folder / "sub").symlink_to("../out")


def _link(folder, target):
    link = folder / "link"
    link.symlink_to(target)
    return link


@pytest.fixture
def swapped_after_the_check(monkeypatch):
    """Lets a link take the place of what was checked, before it is opened."""
    locate = static_files.StaticResource._locate

    def patch(swap, folder):
        def located(resource, filename):
            path = locate(resource, filename)
            swap(folder)
            return path

        monkeypatch.setattr(static_files.StaticResource, "_locate", located)
        # What is in memory is opened in one step, which nothing can come between.
        monkeypatch.setattr(static_files, "open_file_cached", lambda *args, **kwargs: None)

    return patch


@pytest.mark.parametrize(
    ("swap", "target"), [(swap_file, "/s/a.txt"), (swap_folder, "/s/sub/s.txt")]
)
async def test_a_link_that_comes_after_the_check_is_not_followed(
    folder, swapped_after_the_check, swap, target
):
    swapped_after_the_check(swap, folder)
    answer = await ask(target, folder)
    assert answer.status == 404
    assert SECRET not in answer.body


async def test_a_listing_does_not_follow_a_link_that_comes_after_the_check(
    folder, swapped_after_the_check
):
    swapped_after_the_check(swap_folder, folder)
    answer = await ask("/s/sub", folder, show_index=True)
    assert answer.status == 404
    assert b"hidden" not in answer.body


@pytest.mark.parametrize(("swap", "filename"), [(swap_file, "a.txt"), (swap_folder, "sub/s.txt")])
def test_a_version_is_not_that_of_a_file_outside(folder, swapped_after_the_check, swap, filename):
    swapped_after_the_check(swap, folder)
    _, resource = served(folder)
    assert str(resource.url_for(filename=filename, append_version=True)) == f"/s/{filename}"


async def test_links_within_the_folder_are_followed(folder):
    (folder / "inner").symlink_to("sub")
    (folder / "sub" / "up.txt").symlink_to("../a.txt")
    for target, body in (("/s/inner/s.txt", b"s"), ("/s/inner/up.txt", b"a")):
        assert (await ask(target, folder)).body == body
    assert b"up.txt" in (await ask("/s/inner", folder, show_index=True)).body


async def test_a_folder_that_may_be_entered_and_not_read_serves_its_files(folder, monkeypatch):
    (folder / "sub").chmod(0o311)
    assert (await ask("/s/sub/s.txt", folder)).body == b"s"


# ------------------------------------------------------------------------------- listings


async def test_a_folder_that_cannot_be_listed_is_forbidden(folder, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "supports_fd", {*os.supports_fd, refuse})
    assert (await ask("/s/sub", folder, show_index=True)).status == 403


async def test_a_name_that_is_not_utf8_is_listed(folder):
    (folder / os.fsdecode(b"\xff&.txt")).touch()
    answer = await ask("/s/", folder, show_index=True)
    assert answer.status == 200
    assert (
        '<a href="/s/%FF&amp;.txt">\N{REPLACEMENT CHARACTER}&amp;.txt</a>' in answer.body.decode()
    )
    assert '<a href="/s/a.txt">a.txt</a>' in answer.body.decode()


# ------------------------------------------------------------- clients that go away


def received(writer):
    """Bytes that the kernel holds for a client that does not read."""
    sock = writer.get_extra_info("socket")
    size = array.array("i", [0])
    fcntl.ioctl(sock.fileno(), termios.FIONREAD, size)
    return size[0]


@pytest.mark.parametrize("when", ["before", "while it is sent", "closed under it"])
async def test_a_client_that_goes_away_is_no_error_of_a_file(tmp_path, caplog, when, monkeypatch):
    (tmp_path / "big").write_bytes(bytes(32 * 2**20))
    ended = asyncio.Event()

    async def handler(request):
        transport = request.transport
        if when == "before":
            transport.close()
        elif when == "closed under it":

            def closed(*args):
                transport.abort()
                return 0

            async def failing(*args, **kwargs):
                closed()
                raise OSError(9, "Bad file descriptor")

            monkeypatch.setattr(web.RequestHandler, "send_file", closed)
            monkeypatch.setattr(asyncio.get_running_loop(), "sendfile", failing)
        request.task.add_done_callback(lambda _: ended.set())
        return web.FileResponse(tmp_path / "big")

    app = web.Application()
    app.router.add_get("/", handler)
    async with serving(app) as site:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.transport.pause_reading()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        if when == "while it is sent":
            await until(lambda: received(writer) > 0)
            writer.transport.abort()
        await asyncio.wait_for(ended.wait(), 10)
        writer.close()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
