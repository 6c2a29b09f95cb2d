"""Bodies to send: sizes, headers, writing once and again."""

import io
from collections.abc import AsyncIterator

import pytest

from aiohttp_ws.http import payload
from aiohttp_ws.http.payload import (
    AsyncIterablePayload,
    BytesPayload,
    JsonBytesPayload,
    JsonPayload,
    Payload,
    StringPayload,
    TextIOPayload,
    get_payload,
)


class Writer:
    """Collects what is written."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def write(self, chunk) -> None:
        self.pieces.append(bytes(chunk))

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


async def written(body: Payload, length: int | None = None) -> bytes:
    writer = Writer()
    await body.write_with_length(writer, length)
    return writer.body


async def pieces() -> AsyncIterator[bytes]:
    for piece in (b"one", b"two", b"three"):
        yield piece


@pytest.mark.parametrize(
    ("value", "kind", "size", "content_type"),
    [
        (b"body", "BytesPayload", 4, "application/octet-stream"),
        (bytearray(b"body"), "BytesPayload", 4, "application/octet-stream"),
        (memoryview(b"body"), "BytesPayload", 4, "application/octet-stream"),
        ("body", "StringPayload", 4, "text/plain; charset=utf-8"),
        (io.BytesIO(b"body"), "BytesIOPayload", 4, "application/octet-stream"),
        (io.StringIO("body"), "StringIOPayload", 4, "text/plain; charset=utf-8"),
    ],
)
async def test_each_type_has_its_payload(value, kind, size, content_type):
    body = get_payload(value)
    assert type(body).__name__ == kind
    assert body.size == size
    assert body.content_type == body.headers["Content-Type"] == content_type
    assert body.filename is None
    assert await written(body) == b"body"
    assert await written(body) == b"body"  # again, as for a redirect
    assert await written(body, 2) == b"bo"
    assert await body.as_bytes() == b"body"
    assert body.decode() == "body"
    assert not body.consumed
    assert body.autoclose
    await body.close()
    writer = Writer()
    await body.write(writer)
    assert writer.body == b"body"


def test_a_payload_is_its_own():
    body = BytesPayload(b"x")
    assert get_payload(body) is body


async def test_files_are_sent_from_where_they_stand(tmp_path):
    path = tmp_path / "data.json"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.seek(3)
        body = get_payload(file)
        assert body.size == 7
        assert body.filename == "data.json"
        assert body.content_type == "application/json"
        assert body.headers["Content-Disposition"] == 'attachment; filename="data.json"'
        assert await written(body) == b"3456789"
        assert body.size == 7
        assert await written(body, 4) == b"3456"
        assert await body.as_bytes() == b"3456789"
        assert not body.autoclose


async def test_text_files_are_encoded(tmp_path):
    path = tmp_path / "data.txt"
    path.write_text("é\n" * 200_000, encoding="latin-1")
    with path.open(encoding="latin-1") as file:
        body = get_payload(file)
        assert isinstance(body, TextIOPayload)
        assert body.size is None
        assert await written(body) == "é\n".encode() * 200_000
        body = get_payload(file, encoding="utf-16-le", disposition=None)
        assert body.content_type == "text/plain; charset=utf-16-le"
        assert "Content-Disposition" not in body.headers


async def test_what_cannot_seek_is_sent_once():
    class Pipe(io.RawIOBase):
        left = b"piped"

        def readable(self):
            return True

        def readinto(self, buffer):
            size = len(self.left)
            buffer[:size] = self.left
            self.left = b""
            return size

    body = get_payload(Pipe())
    assert body.size is None
    assert await written(body) == b"piped"
    assert body.consumed


async def test_asynchronous_iterables_are_sent_once():
    body = get_payload(pieces())
    assert isinstance(body, AsyncIterablePayload)
    assert body.size is None
    with pytest.raises(TypeError, match="as_bytes"):
        body.decode()
    assert await written(body) == b"onetwothree"
    assert body.consumed
    with pytest.raises(RuntimeError, match="once"):
        await written(body)
    body = get_payload(pieces())
    assert await body.as_bytes() == b"onetwothree"
    assert not body.consumed
    assert body.decode() == "onetwothree"
    assert await written(body) == b"onetwothree"
    assert await written(get_payload(pieces()), 5) == b"onetw"


def test_json():
    assert JsonPayload({"a": "é"})._value == b'{"a": "\\u00e9"}'
    assert JsonPayload([], dumps=lambda value: "x").decode() == "x"
    assert JsonPayload([]).content_type == "application/json"
    assert JsonBytesPayload([], dumps=lambda value: b"y")._value == b"y"


def test_encodings_and_media_types_complete_each_other():
    body = StringPayload("é", encoding="latin-1")
    assert (body._value, body.content_type) == (b"\xe9", "text/plain; charset=latin-1")
    body = StringPayload("é", content_type='text/x; charset="latin-1"')
    assert (body._value, body.encoding) == (b"\xe9", "latin-1")
    body = StringPayload("é", content_type="text/x")
    assert body._value == "é".encode()


def test_headers_can_be_given():
    body = BytesPayload(b"", headers={"Content-Type": "a/b", "X-Y": "z"})
    assert body.content_type == "a/b"
    assert body.headers["X-Y"] == "z"
    body.set_content_disposition("form-data", name="field", filename="a b.txt")
    assert body.headers["Content-Disposition"] == 'form-data; name="field"; filename="a%20b.txt"'


def test_wrong_values_are_refused():
    with pytest.raises(TypeError, match="value is str"):
        BytesPayload("text")
    with pytest.raises(TypeError, match="value is list"):
        AsyncIterablePayload([])
    with pytest.raises(payload.LookupError, match="cannot send object"):
        get_payload(object())


def test_a_large_body_in_memory_is_warned_about():
    with pytest.warns(ResourceWarning, match="1048577 bytes"):
        BytesPayload(bytes(2**20 + 1))


@pytest.fixture
def registry(monkeypatch):
    fresh = payload.PayloadRegistry()
    monkeypatch.setattr(payload, "PAYLOAD_REGISTRY", fresh)
    return fresh


def test_types_of_the_user_are_tried_in_their_order(registry):
    class Mine(bytes):
        pass

    class MinePayload(BytesPayload):
        pass

    registry.register(BytesPayload, bytes)
    assert type(get_payload(Mine(b""))) is BytesPayload
    payload.payload_type(Mine, order=payload.Order.try_first)(MinePayload)
    assert type(get_payload(Mine(b""))) is MinePayload
    assert type(get_payload(b"")) is BytesPayload
    payload.payload_type(bytes, order=payload.Order.try_first)(MinePayload)
    assert type(get_payload(b"")) is MinePayload
    with pytest.raises(ValueError, match="Order"):
        registry.register(BytesPayload, str, order="first")
