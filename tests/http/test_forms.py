"""URL-encoded forms."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from yarl import URL

from aiohttp_ws.http.forms import FormData

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


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


@given(st.lists(st.tuples(TEXT, TEXT)))
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
        ([b"bytes"], {}),
        (b"bytes", {}),
        ("x", {"filename": "a.txt"}),
        ("x", {"content_type": "text/plain"}),
        ("x", {"content_transfer_encoding": "base64"}),
    ],
)
def test_what_needs_multipart_is_refused_by_name(value, options):
    with pytest.raises(ValueError, match=r"'field'.*multipart"):
        FormData().add_field("field", value, **options)


def test_multipart_by_default_is_refused():
    with pytest.raises(ValueError, match="multipart"):
        FormData(default_to_multipart=True)
    with pytest.raises(TypeError, match="filename=5"):
        FormData().add_field("a", "b", filename=5)
    with pytest.raises(ValueError, match="multipart"):
        FormData([io.BytesIO(b"")])
