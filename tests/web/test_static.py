"""Folders of files, and that nothing outside of them can be had."""

from __future__ import annotations

import os
import socket

import pytest

from aiohttp_ws import web
from tests.web.serving import serving


@pytest.fixture
def folder(tmp_path):
    """A folder with files and links, beside a secret."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "b c.txt").write_text("b c")
    (root / "<i>&.txt").write_text("i")
    (root / "sub" / "s.txt").write_text("s")
    (tmp_path / "root-secret.txt").write_text("beside")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret.txt").write_text("secret")
    (root / "inner.txt").symlink_to("a.txt")
    (root / "outer.txt").symlink_to("../out/secret.txt")
    (root / "outer").symlink_to("../out")
    (root / "circle").symlink_to("circle")
    os.mkfifo(root / "pipe")
    return root


async def ask(target, folder, method="GET", **options):
    app = web.Application()
    app.router.add_static("/s", folder, **options)
    async with serving(app) as site:
        return await site.ask(target, method)


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/s/a.txt", b"a"),
        ("/s/b%20c.txt", b"b c"),
        ("/s/sub/s.txt", b"s"),
        ("/s/sub%2Fs.txt", b"s"),
        ("/s/inner.txt", b"a"),
        ("/s/./a.txt", b"a"),
        ("/s/a.txt?v=1", b"a"),
    ],
)
async def test_files_are_served(folder, target, body):
    answer = await ask(target, folder)
    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize(
    "target",
    [
        "/s/zz",
        "/s/a.txt/",
        "/s/a.txt/x",
        "/s/../root-secret.txt",
        "/s/%2e%2e/root-secret.txt",
        "/s/..%2froot-secret.txt",
        "/s/sub/../../out/secret.txt",
        "/s/sub%2f..%2f..%2fout%2fsecret.txt",
        "/s/..%5cout%5csecret.txt",
        "/s/%252e%252e/root-secret.txt",
        "/s//etc/passwd",
        "/s/%2Fetc%2Fpasswd",
        "/s-secret.txt",
        "/s%2Fa.txt",
        "/s/outer.txt",
        "/s/outer/secret.txt",
        "/s/circle",
        "/s/a.txt%00",
        "/s/%00",
        "/s/" + "n" * 300,
        "/s/%ff%fe",
        "/s/~root",
    ],
)
@pytest.mark.parametrize("show_index", [False, True])
async def test_nothing_else_is(folder, target, show_index):
    answer = await ask(target, folder, show_index=show_index)
    assert answer.status == 404
    assert b"secret" not in answer.body


@pytest.mark.parametrize("target", ["/s", "/s/", "/s/sub", "/s/pipe"])
async def test_folders_and_special_files_are_forbidden(folder, target):
    assert (await ask(target, folder)).status == 403


async def test_a_socket_file_is_forbidden(tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    with listener:
        listener.bind(str(tmp_path / "sock"))
        assert (await ask("/s/sock", tmp_path)).status == 403


async def test_links_out_of_the_folder_are_served_when_asked_for(folder):
    for target in ("/s/outer.txt", "/s/outer/secret.txt"):
        assert (await ask(target, folder, follow_symlinks=True)).body == b"secret"
    for target in ("/s/../out/secret.txt", "/s/..%2fout%2fsecret.txt", "/s/%2Fetc%2Fpasswd"):
        assert (await ask(target, folder, follow_symlinks=True)).status == 404


async def test_an_index_lists_the_folder(folder):
    answer = await ask("/s/", folder, show_index=True)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = answer.body.decode()
    assert '<a href="/s/a.txt">a.txt</a>' in page
    assert '<a href="/s/b%20c.txt">b c.txt</a>' in page
    assert '<a href="/s/sub/">sub/</a>' in page
    assert "&lt;i&gt;&amp;.txt" in page
    assert "<i>" not in page
    page = (await ask("/s/sub", folder, show_index=True)).body.decode()
    assert "Index of /sub/" in page
    assert '<a href="/s/sub/s.txt">s.txt</a>' in page


async def test_a_folder_can_be_served_at_the_root(folder):
    app = web.Application()
    app.router.add_static("/", folder)
    async with serving(app) as site:
        assert (await site.ask("/a.txt")).body == b"a"
        assert (await site.ask("//a.txt")).status == 404


async def test_head_and_other_methods(folder):
    assert (await ask("/s/a.txt", folder, "HEAD")).headers["Content-Length"] == "1"
    answer = await ask("/s/a.txt", folder, "POST")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")


async def test_options_can_be_given_a_handler(folder):
    async def preflight(request):
        return web.Response(headers={"Access-Control-Allow-Origin": "*"})

    app = web.Application()
    resource = app.router.add_static("/s", folder)
    resource.set_options_route(preflight)
    with pytest.raises(RuntimeError, match="OPTIONS"):
        resource.set_options_route(preflight)
    async with serving(app) as site:
        answer = await site.ask("/s/a.txt", "OPTIONS")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_urls_are_quoted_and_versioned(folder):
    router = web.UrlDispatcher()
    static = router.add_static("/s", folder, name="s")
    assert str(static.url_for(filename="sub/b c.txt")) == "/s/sub/b%20c.txt"
    assert str(static.url_for(filename=folder.__class__("/a.txt"))) == "/s/a.txt"
    first = static.url_for(filename="a.txt", append_version=True)
    assert len(first.query["v"]) == 44
    assert static.url_for(filename="a.txt", append_version=True) == first
    (folder / "a.txt").write_text("changed")
    assert static.url_for(filename="a.txt", append_version=True) != first
    for name in ("zz", "sub", "outer.txt", "../root-secret.txt"):
        assert "v" not in static.url_for(filename=name, append_version=True).query
    versioned = router.add_static("/v", folder, append_version=True)
    assert "v" in versioned.url_for(filename="a.txt").query
    assert "v" not in versioned.url_for(filename="a.txt", append_version=False).query


def test_the_folder_must_be_there(folder):
    for path, reason in ((folder / "zz", "exist"), (folder / "a.txt", "directory")):
        with pytest.raises(ValueError, match=reason):
            web.UrlDispatcher().add_static("/s", path)


def test_info_describes_the_folder(folder):
    resource = web.UrlDispatcher().add_static("/s/", folder, name="s")
    info = resource.get_info()
    assert (info["directory"], info["prefix"]) == (folder.resolve(), "/s")
    assert set(info["routes"]) == {"GET", "HEAD"}
    assert len(resource) == 2
    assert str(folder) in repr(resource)
