"""Forms, URL-encoded and multipart."""

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from yarl import URL

from aiohttp_ws.http.forms import FormData
from aiohttp_ws.http.payload import BytesPayload

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"a": "1", "b": "x y"}, b"a=1&b=x+y"),
        ([("a", "1"), ("a", "2")], b"a=1&a=2"),
        (MultiDict([("a", "1"), ("a", "2")]), b"a=1&a=2"),
        ([("a", "1"), MultiDict(b="2")], b"a=1&b=2"),
        ({"n": 5, "f": 1.5, "none": None}, b"n=5&f=1.5&none=None"),
        ({"a": "é&="}, b"a=%C3%A9%26%3D"),
        ({"a": [1, 2], "b": ("x", "y"), "c": []}, b"a=1&a=2&b=x&b=y"),
        ([("a", ["1", 2.5])], b"a=1&a=2.5"),
        ((), b""),
    ],
)
def test_fields_of_every_shape(fields, body):
    form = FormData(fields)
    assert not form.is_multipart
    payload = form()
    assert payload._value == body
    assert payload.content_type == "application/x-www-form-urlencoded"


@given(st.lists(st.tuples(NAMES, TEXT)))
def test_any_text_is_read_back(fields):
    body = FormData(fields)()._value.decode()
    assert list(URL.build(query_string=body, encoded=True).query.items()) == fields


def test_the_charset_can_be_chosen():
    payload = FormData({"a": "é"}, charset="latin1")()
    assert payload._value == b"a=%E9"
    assert payload.content_type == "application/x-www-form-urlencoded; charset=latin1"


def test_fields_can_be_added():
    form = FormData()
    form.add_field("a", "1")
    form.add_fields(("b", "2"), MultiDict(c="3"))
    assert form()._value == b"a=1&b=2&c=3"


@pytest.mark.parametrize("fields", ["text", b"bytes", [("a", "b", "c")], [1]])
def test_what_is_no_field_is_refused(fields):
    with pytest.raises(TypeError, match="add_field"):
        FormData(fields)
    with pytest.raises(TypeError, match="pass str"):
        FormData({1: "x"})


@pytest.mark.parametrize("value", [{"x": 1}, [["x"]], range(3), [{}]])
def test_collections_that_a_form_cannot_hold_are_refused(value):
    with pytest.raises(TypeError, match="field 'a'"):
        FormData({"a": value})


@pytest.mark.parametrize(
    ("value", "options"),
    [
        (io.BytesIO(b""), {}),
        ("x", {"filename": "a.txt"}),
        ("x", {"content_type": "text/plain"}),
        (BytesPayload(b"x"), {}),
    ],
)
def test_some_fields_make_a_form_multipart(value, options):
    form = FormData()
    assert not form.is_multipart
    form.add_field("field", value, **options)
    assert form.is_multipart
    assert form().content_type.startswith("multipart/form-data; boundary=")


def test_bytes_are_a_file_and_that_is_deprecated():
    form = FormData()
    with pytest.warns(DeprecationWarning, match="filename="):
        form.add_field("field", b"x")
    with pytest.warns(DeprecationWarning, match="content_transfer_encoding"):
        form.add_field("other", "x", content_transfer_encoding="base64")
    assert b'name="field"; filename="field"' in asyncio.run(form().as_bytes())


def test_a_form_may_be_multipart_by_default():
    form = FormData({"a": 1}, default_to_multipart=True)
    assert form.is_multipart
    body = asyncio.run(form().as_bytes())
    assert b'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n' in body
    assert b"Content-Length" not in body


def test_a_multipart_form_can_be_sent_again_and_grow():
    form = FormData([io.BytesIO(b"12")])
    form.add_field("text", io.StringIO("34"))
    first = asyncio.run(form().as_bytes())
    assert asyncio.run(form().as_bytes()) == first
    form.add_field("more", "56")
    assert first[:-4] in asyncio.run(form().as_bytes())


@pytest.mark.parametrize("options", [{"filename": "a\nb"}, {"content_type": "a\r"}])
def test_what_would_break_the_headers_of_a_field_is_refused(options):
    with pytest.raises(ValueError, match="line break"):
        FormData().add_field("a", "b", **options)
    with pytest.raises(ValueError, match="line break"):
        FormData().add_field("a\0", "b")
    with pytest.raises(TypeError, match="filename"):
        FormData().add_field("a", "b", filename=5)
    form = FormData()
    form.add_field("a", object(), filename="x")
    with pytest.raises(TypeError, match="object"):
        form()
