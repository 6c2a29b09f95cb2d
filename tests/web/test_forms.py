"""Forms that a server reads: fields, files, and what is wrong with them."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import aiohttp_ws
from aiohttp_ws import web
from aiohttp_ws.web import uploads
from tests.client.waiting import until
from tests.web.raw_server import get, post, running, status_of
from tests.web.serving import aiohttp_talking_to

FORM = "Content-Type: multipart/form-data; boundary=b"


def field(name: str, content: bytes, more: str = "", headers: str = "") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n{headers}\r\n'
    return head.encode() + content + b"\r\n"


async def asked(handler: Any, body: bytes, *headers: str) -> tuple[int, bytes]:
    async with running(handler) as server, server.connect() as peer:
        head, answer = await peer.ask(post(body, *(headers or (FORM,))))
    return status_of(head), answer


async def test_fields_and_files_of_a_form() -> None:
    kept: dict[str, Any] = {}

    async def handler(request: web.BaseRequest) -> web.Response:
        form = await request.post()
        assert await request.post() is form
        kept.update(form)
        file = form["file"]
        assert isinstance(file, web.FileField)
        assert file.file.read() == b"\0\1"
        return web.Response()

    body = (
        field("text", "é".encode())
        + field("latin", b"\xe9", headers="Content-Type: text/plain; charset=latin-1\r\n")
        + field("bytes", b"\xff", headers="Content-Type: image/png\r\n")
        + field("base64", b"eHl6", headers="Content-Transfer-Encoding: base64\r\n")
        + field("file", b"\0\1", '; filename="a.bin"', "Content-Type: image/png\r\n")
        + field("unnamed", b"", '; filename=""')
        + b"--b--"
    )
    assert (await asked(handler, body))[0] == 200
    file = kept.pop("file")
    assert kept == {"text": "é", "latin": "é", "bytes": b"\xff", "base64": "xyz", "unnamed": ""}
    assert (file.name, file.filename, file.content_type) == ("file", "a.bin", "image/png")
    assert file.headers["content-type"] == "image/png"
    # It was closed with the request.
    assert file.file.closed


async def test_a_large_file_goes_to_disk_and_is_closed_with_the_request() -> None:
    content = bytes(range(256)) * 8192  # 2 MiB
    files = []

    async def handler(request: web.BaseRequest) -> web.Response:
        form = await request.clone(client_max_size=0).post()
        request._post = form  # of the clone
        files.append(form["a"].file)
        assert not isinstance(files[0], io.BytesIO)
        assert files[0].read() == content
        return web.Response()

    app = web.Application(client_max_size=0)
    app.router.add_post("/", handler)
    async with aiohttp_talking_to(app) as session:
        data = aiohttp.FormData()
        data.add_field("a", io.BytesIO(content), filename="a")
        async with session.post("/", data=data) as response:
            assert response.status == 200
    await until(lambda: files[0].closed)


async def test_nothing_is_left_on_disk_of_a_form_that_breaks_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(uploads, "SPOOL_AT", 10)
    files = []
    real = tempfile.TemporaryFile

    def made() -> Any:
        files.append(real())
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", made)

    async def handler(request: web.BaseRequest) -> web.Response:
        await request.clone(client_max_size=2**20).post()
        return web.Response()

    first = field("a", bytes(400_000), '; filename="a"')
    broken = first + field("b", bytes(400_000), '; filename="b"')
    status, answer = await asked(handler, broken)
    assert (status, answer[:16]) == (400, b"400 Bad Request:")
    assert b"without boundary" in answer
    assert len(files) == 2
    await until(lambda: all(file.closed for file in files))
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("multipart/form-data", b"--b--", b"boundary"),
        (f"multipart/form-data; boundary={'b' * 7000}", b"--b--", b"too long"),
        ("multipart/form-data; boundary=b", b"", b"starting boundary"),
        ("multipart/form-data; boundary=b", field("a", b"1"), b"without boundary"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--", b"no name"),
        (
            "multipart/form-data; boundary=b",
            field("a", b"1", headers="X: " + "x" * 9000 + "\r\n"),
            b"max_field_size",
        ),
        (
            "multipart/form-data; boundary=b",
            field("a", b"1", headers="X: 1\r\n" * 200),
            b"max_headers",
        ),
        (
            "multipart/form-data; boundary=b",
            field("a", b"1", '; filename="../../etc/passwd"') + b"--b--",
            b"path",
        ),
        (
            "multipart/form-data; boundary=b",
            field("a", b"1", '; filename="C:\\\\x\\\\a.txt"') + b"--b--",
            b"path",
        ),
        ("multipart/form-data; boundary=b", field("a", b"\xff") + b"--b--", b"utf-8 encoding"),
        (
            "multipart/form-data; boundary=b",
            field("a", b"x", headers="Content-Type: multipart/mixed; boundary=c\r\n") + b"--b--",
            b"multipart",
        ),
    ],
)
async def test_bad_forms_are_400_with_the_reason(kind: str, body: bytes, reason: bytes) -> None:
    async def reading(request: web.BaseRequest) -> web.Response:
        await request.post()
        return web.Response()

    status, answer = await asked(reading, body, f"Content-Type: {kind}")
    assert (status, reason in answer) == (400, True)

    async def streaming(request: web.BaseRequest) -> web.Response:
        async for part in await request.multipart():
            assert isinstance(part, aiohttp_ws.BodyPartReader)
            await part.text()
        return web.Response()

    if b"path" not in reason and b"name" not in reason and b"multipart" not in reason:
        status, answer = await asked(streaming, body, f"Content-Type: {kind}")
        assert (status, reason.split()[0] in answer) == (400, True)


async def test_a_handler_may_catch_what_is_wrong() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        with pytest.raises(ValueError, match="content type expected"):
            await request.multipart()
        return web.Response(text="caught")

    assert await asked(handler, b"x", "Content-Type: text/plain") == (200, b"caught")

    async def posting(request: web.BaseRequest) -> web.Response:
        with pytest.raises(web.HTTPBadRequest) as caught:
            await request.post()
        assert isinstance(caught.value, ValueError)
        assert "no name" in (caught.value.text or "")
        return web.Response(text="caught")

    assert await asked(posting, b"--b\r\n\r\n\r\n--b--") == (200, b"caught")


async def test_forms_have_at_most_client_max_size_bytes_and_client_max_fields_fields() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(
            text=str(len(await request.clone(client_max_size=300, client_max_fields=3).post()))
        )

    three = field("a", b"1") * 3 + b"--b--"
    assert await asked(handler, three) == (200, b"3")
    status, answer = await asked(handler, field("a", b"1") + three)
    assert (status, b"client_max_fields=3" in answer) == (413, True)
    for more in ("", '; filename="a"'):
        assert (await asked(handler, field("a", bytes(301), more) + b"--b--"))[0] == 413
        chunk = field("a", bytes(301), more)
        head = get("/", FORM, "Transfer-Encoding: chunked", method="POST")
        raw = b"%b%x\r\n%b\r\n0\r\n\r\n" % (head, len(chunk), chunk)
        async with running(handler) as server, server.connect() as peer:
            assert status_of((await peer.ask(raw))[0]) == 413


async def test_a_part_is_limited_to_client_max_size_when_it_is_read_at_once() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        size = 0
        message = await request.clone(client_max_size=100).multipart()
        part = await message.next()
        while chunk := await part.read_chunk():
            size += len(chunk)
        await (await message.next()).read()
        return web.Response(text=str(size))

    assert await asked(handler, field("a", bytes(500)) + field("b", b"") + b"--b--") == (
        200,
        b"500",
    )
    assert (await asked(handler, field("a", b"") + field("b", bytes(101)) + b"--b--"))[0] == 413


async def test_the_number_of_parts_can_be_limited() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        await (await request.multipart(max_parts=2)).release()
        return web.Response()

    assert (await asked(handler, field("a", b"") * 2 + b"--b--"))[0] == 200
    status, answer = await asked(handler, field("a", b"") * 3 + b"--b--")
    assert (status, b"max_parts=2" in answer) == (400, True)
