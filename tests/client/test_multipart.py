"""Forms, multipart messages and files: our client and aiohttp's server, and the other way round."""

from __future__ import annotations

import io
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.web
import pytest

import aiohttp_ws
from aiohttp_ws import web
from tests.client.waiting import until
from tests.web.serving import aiohttp_talking_to, serving

pytestmark = pytest.mark.peer("aiohttp")


def seen_by(library: Any, form: Any) -> list[tuple[Any, ...]]:
    """What a server found in a form, in a shape that can be compared and sent."""
    found: list[tuple[Any, ...]] = []
    for name, value in form.items():
        if isinstance(value, library.FileField):
            found.append((name, value.filename, value.content_type, value.file.read().decode()))
        else:
            found.append((name, value if isinstance(value, str) else value.decode("latin-1")))
    return found


def form_of(library: Any) -> Any:
    form = library.FormData({"text": "täxt & more"})
    form.add_field("number", "1", content_type="text/plain; charset=latin-1")
    form.add_field("file", io.BytesIO(b"in memory"), filename='a "b" c.txt')
    form.add_field("bytes", b"bytes", filename="b.bin", content_type="image/png")
    form.add_field("string", io.StringIO("text file"), filename="s.txt")
    return form


EXPECTED = [
    ("text", "täxt & more"),
    ("number", "1"),
    ("file", "a%20%22b%22%20c.txt", "application/octet-stream", "in memory"),
    ("bytes", "b.bin", "image/png", "bytes"),
    ("string", "s.txt", "text/plain; charset=utf-8", "text file"),
]


async def theirs(request: aiohttp.web.Request) -> aiohttp.web.Response:
    return aiohttp.web.Response(text=repr(seen_by(aiohttp.web, await request.post())))


async def ours(request: web.Request) -> web.Response:
    return web.Response(text=repr(seen_by(web, await request.post())))


async def test_forms_with_files_arrive_whole_at_aiohttp(session: Any, serve: Any) -> None:
    url = await serve(theirs)
    form = form_of(aiohttp_ws)
    for _ in range(2):
        async with session.post(url, data=form) as response:
            assert await response.text() == repr(EXPECTED)


async def test_forms_with_files_arrive_whole_from_aiohttp() -> None:
    app = web.Application()
    app.router.add_post("/", ours)
    async with (
        aiohttp_talking_to(app) as client,
        client.post("/", data=form_of(aiohttp)) as response,
    ):
        assert await response.text() == repr(EXPECTED)


async def test_data_with_bytes_or_a_file_is_a_multipart_form(
    session: Any, serve: Any, tmp_path: Path
) -> None:
    url = await serve(theirs)
    (tmp_path / "on disk.txt").write_text("disk")
    with (tmp_path / "on disk.txt").open("rb") as file, pytest.deprecated_call():
        async with session.post(url, data={"f": b"1", "g": file, "t": 5}) as response:
            found = await response.text()
    assert found == repr(
        [
            ("f", "f", "application/octet-stream", "1"),
            ("g", "on%20disk.txt", "text/plain", "disk"),
            ("t", "5"),
        ]
    )


async def nested(library: Any) -> Any:
    message = library.MultipartWriter("mixed")
    message.append("one", {"X-A": "1"})
    with library.MultipartWriter("related") as inner:
        inner.append_json({"a": 1})
        inner.append(b"z" * 5000, {"Content-Encoding": "gzip"})
    message.append(inner)
    message.append(b"\xff\0", {"Content-Transfer-Encoding": "base64"})
    return message


async def outline(library: Any, message: Any) -> list[Any]:
    found: list[Any] = []
    async for part in message:
        if isinstance(part, library.BodyPartReader):
            found.append(bytes(await part.read(decode=True)).decode("latin-1"))
        else:
            found.append(await outline(library, part))
    return found


OUTLINE = ["one", ['{"a": 1}', "z" * 5000], "\xff\0"]


async def test_nested_messages_arrive_whole(session: Any, serve: Any) -> None:
    async def read_theirs(request: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.json_response(await outline(aiohttp, await request.multipart()))

    async def read_ours(request: web.Request) -> web.Response:
        return web.json_response(await outline(aiohttp_ws, await request.multipart()))

    url = await serve(read_theirs)
    async with session.post(url, data=await nested(aiohttp_ws)) as response:
        assert await response.json() == OUTLINE
    app = web.Application()
    app.router.add_post("/", read_ours)
    async with (
        aiohttp_talking_to(app) as client,
        client.post("/", data=await nested(aiohttp)) as response,
    ):
        assert await response.json() == OUTLINE


async def test_messages_in_responses_are_read_by_both(session: Any, serve: Any) -> None:
    async def send_theirs(request: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.Response(body=await nested(aiohttp))

    async def send_ours(request: web.Request) -> web.Response:
        return web.Response(body=await nested(aiohttp_ws))

    url = await serve(send_theirs)
    for _ in range(2):
        async with session.get(url) as response:
            message = aiohttp_ws.MultipartReader.from_response(response)
            assert await outline(aiohttp_ws, message) == OUTLINE
            # It was released with its last part.
            assert response.connection is None
    app = web.Application()
    app.router.add_get("/", send_ours)
    async with aiohttp_talking_to(app) as client, client.get("/") as response:
        assert await outline(aiohttp, aiohttp.MultipartReader.from_response(response)) == OUTLINE


async def test_a_redirect_sends_a_form_with_a_file_again(
    session: Any, serve: Any, tmp_path: Path
) -> None:
    async def away(request: aiohttp.web.Request) -> aiohttp.web.Response:
        await request.read()
        raise aiohttp.web.HTTPTemporaryRedirect("/there")

    url = await serve({"/": away, "/there": theirs})
    path = tmp_path / "a.txt"
    path.write_bytes(b"skipped, sent")
    file = path.open("rb")
    file.seek(9)
    form = aiohttp_ws.FormData()
    form.add_field("a", file)
    async with session.post(url, data=form) as response:
        assert await response.text() == repr([("a", "a.txt", "text/plain", "sent")])
    await until(lambda: file.closed)


async def test_a_file_is_read_in_a_thread(session: Any, serve: Any, tmp_path: Path) -> None:
    loop_thread = threading.get_ident()
    readers: set[int] = set()

    class Noted(io.FileIO):
        def readinto(self, buffer: Any) -> Any:
            readers.add(threading.get_ident())
            return super().readinto(buffer)

        def readall(self) -> bytes:
            readers.add(threading.get_ident())
            return super().readall()

    path = tmp_path / "a"
    path.write_bytes(bytes(600_000))
    form = aiohttp_ws.FormData()
    file = io.BufferedReader(Noted(path))
    form.add_field("a", file, filename="a")
    url = await serve(theirs)
    async with session.post(url, data=form) as response:
        assert len(await response.text()) > 600_000
    await until(lambda: file.closed)
    assert readers
    assert loop_thread not in readers


async def test_a_body_that_is_received_can_be_sent_on(session: Any, serve: Any) -> None:
    async def echo(request: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.Response(body=await request.read())

    url = await serve(echo)

    async def pass_on(request: web.Request) -> web.Response:
        async with session.post(url, data=request.content) as response:
            return web.Response(body=await response.read())

    async def pass_part_on(request: web.Request) -> web.Response:
        message = await request.multipart()
        async with session.post(url, data=await message.next()) as response:
            return web.Response(body=await response.read())

    app = web.Application()
    app.router.add_post("/body", pass_on)
    app.router.add_post("/part", pass_part_on)
    async with serving(app) as site:
        async with session.post(f"{site.url}/body", data=b"x" * 100_000) as response:
            assert await response.read() == b"x" * 100_000
        message = aiohttp_ws.MultipartWriter()
        message.append(b"y" * 100_000, {"Content-Transfer-Encoding": "base64"})
        async with session.post(f"{site.url}/part", data=message) as response:
            assert await response.read() == b"y" * 100_000


async def test_a_type_of_the_users_own_can_be_sent(session: Any, serve: Any) -> None:
    class Thing:
        pass

    @aiohttp_ws.payload_type(Thing)
    class ThingPayload(aiohttp_ws.Payload):
        def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
            return "a thing"

        async def write(self, writer: Any) -> None:
            await writer.write(b"a thing")

    url = await serve(theirs)
    form = aiohttp_ws.FormData(default_to_multipart=True)
    form.add_field("thing", Thing(), filename="thing")
    async with session.post(url, data=form) as response:
        assert "a thing" in await response.text()


async def test_an_asynchronous_field_is_sent_as_it_comes(session: Any, serve: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"1"
        yield b"2"

    form = aiohttp_ws.FormData()
    form.add_field("a", pieces(), filename="a.txt", content_type="text/plain")
    url = await serve(theirs)
    async with session.post(url, data=form) as response:
        assert await response.text() == repr([("a", "a.txt", "text/plain", "12")])
