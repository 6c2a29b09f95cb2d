"""Multipart messages to send."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

import aiohttp_ws
from aiohttp_ws.http.payload import BytesPayload, StringPayload, get_payload
from tests.http.test_multipart_reader import reader, stream


class Written:
    """A writer that keeps what is written."""

    def __init__(self) -> None:
        self.data = b""
        self.calls = 0

    async def write(self, chunk: bytes) -> None:
        self.data += chunk
        self.calls += 1


async def written(body: Any, **options: Any) -> bytes:
    writer = Written()
    await body.write(writer, **options)
    return writer.data


def filled(library: Any) -> Any:
    body = library.MultipartWriter("related", boundary="b x")
    body.append("tëxt")
    body.append(b"bytes", {"X-A": "1"})
    body.append_json({"a": [1]})
    body.append_form({"a": "é", "b": [1, 2]})
    body.append(io.BytesIO(b"file"))
    with library.MultipartWriter(boundary="inner") as inner:
        inner.append("nested")
    body.append(inner)
    return body


async def test_a_message_is_what_aiohttp_makes_of_the_same_parts() -> None:
    ours, theirs = filled(aiohttp_ws), filled(aiohttp)
    assert await written(ours) == await written(theirs)
    assert await ours.as_bytes() == await written(ours)
    assert ours.headers == theirs.headers
    assert ours.size == len(await written(ours)) == theirs.size
    assert len(ours) == 6


@pytest.mark.parametrize("coding", ["gzip", "deflate", "identity"])
@pytest.mark.parametrize("transfer", ["base64", "quoted-printable", "binary"])
async def test_encoded_parts_are_read_back_by_both(coding: str, transfer: str) -> None:
    content = bytes(range(256)) * 99
    body = aiohttp_ws.MultipartWriter(boundary="b")
    headers = {"Content-Encoding": coding, "Content-Transfer-Encoding": transfer}
    body.append(io.BytesIO(content), headers)
    encoded = await written(body)
    at_once = await reader(await body.as_bytes()).next()
    assert await at_once.read(decode=True) == content
    assert body.size == (len(encoded) if (coding, transfer) == ("identity", "binary") else None)
    assert await (await reader(encoded).next()).read(decode=True) == content
    theirs = aiohttp.MultipartReader(body.headers, stream([encoded], aiohttp.StreamReader))
    assert await (await theirs.next()).read(decode=True) == content


async def test_small_parts_are_written_at_once_and_none_waits_for_a_slow_one() -> None:
    writer = Written()
    before = 0

    async def slow() -> AsyncIterator[bytes]:
        nonlocal before
        before = len(writer.data)
        yield b"late"

    body = aiohttp_ws.MultipartWriter(boundary="b")
    for _ in range(10):
        body.append(io.BytesIO(b"small"))
        body.append("smaller")
    await body.write(writer)
    assert writer.calls == 1
    assert writer.data == await body.as_bytes()
    body.append(slow())
    writer.data = b""
    await body.write(writer)
    # All that precedes it, with its headers.
    assert writer.data[:before].endswith(b"octet-stream\r\n\r\n")
    assert writer.data[before:] == b"late\r\n--b--\r\n"


async def test_the_end_may_be_left_open() -> None:
    body = aiohttp_ws.MultipartWriter("x-mixed-replace", boundary="b")
    body.append(b"1")
    assert (await written(body, close_boundary=False)).endswith(b"\r\n\r\n1\r\n")


def test_fields_of_forms_are_named_and_have_no_length() -> None:
    body = aiohttp_ws.MultipartWriter("form-data")
    part = body.append("x")
    assert part.headers["Content-Disposition"] == 'form-data; name="section-0"'
    assert "Content-Length" not in part.headers
    with pytest.raises(ValueError, match="RFC 7578"):
        body.append("x", {"Content-Length": "1"})


@pytest.mark.parametrize("boundary", ["é", "a\nb"])
def test_boundaries_that_no_header_can_carry_are_refused(boundary: str) -> None:
    with pytest.raises(ValueError, match="boundary"):
        aiohttp_ws.MultipartWriter(boundary=boundary)


def test_what_cannot_be_sent_is_refused() -> None:
    body = aiohttp_ws.MultipartWriter()
    for value in (None, 1, object()):
        with pytest.raises(TypeError, match="Cannot create payload"):
            body.append(value)
    with pytest.raises(RuntimeError, match="snappy"):
        body.append("x", {"Content-Encoding": "snappy"})
    with pytest.raises(RuntimeError, match="x-odd"):
        body.append("x", {"Content-Transfer-Encoding": "x-odd"})
    with pytest.raises(TypeError, match="form is int"):
        body.append_form(5)
    part = body.append("x", {"X-A": "1\r\nX-B: 2"})
    assert "\n" in part.headers["X-A"]
    with pytest.raises(ValueError, match="line break"):
        _ = body.size


async def test_closing_it_closes_the_files_of_its_parts(tmp_path: Any) -> None:
    (tmp_path / "a").write_bytes(b"1")
    body = aiohttp_ws.MultipartWriter()
    with (tmp_path / "a").open("rb") as file:
        body.append(file)
        body.append(StringPayload("x"))
        assert not body.consumed
        await body.close()
        await body.close()
        assert body.consumed


async def test_a_part_that_was_read_can_be_sent_on() -> None:
    sent = aiohttp_ws.MultipartWriter(boundary="b")
    sent.append(b"z" * 10**6, {"Content-Encoding": "gzip"}).set_content_disposition(
        "form-data", name="a", filename="a.txt"
    )
    part = await reader(await sent.as_bytes()).next()
    payload = get_payload(part)
    assert payload.headers["Content-Disposition"] == 'attachment; name="a"; filename="a.txt"'
    with pytest.raises(TypeError):
        payload.decode()
    with pytest.raises(TypeError):
        await payload.as_bytes()
    assert await written(payload) == b"z" * 10**6
    assert payload.consumed


def test_a_payload_appended_keeps_its_own_type() -> None:
    body = aiohttp_ws.MultipartWriter()
    part = body.append(BytesPayload(b"x", content_type="a/b"), {"X-A": "1"})
    assert part.headers == {"Content-Type": "a/b", "X-A": "1", "Content-Length": "1"}
