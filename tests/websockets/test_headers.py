"""Headers of the message API, held against those of websockets."""

from __future__ import annotations

import pytest
import websockets.datastructures as theirs
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.websockets.datastructures import Headers, MultipleValuesError
from aiohttp_ws.websockets.exceptions import InvalidHeaderValue

NAMES = ["Host", "host", "HOST", "Cookie", "cookie", "X-One"]


def seen(headers) -> list:
    """All that can be told of headers by looking."""
    looks = [list(headers), len(headers), list(headers.raw_items()), str(headers)]
    looks += [headers.serialize(), sorted(headers.keys())]
    for name in NAMES:
        looks.append((name in headers, list(headers.get_all(name))))
        try:
            looks.append(headers[name])
        except (KeyError, MultipleValuesError, theirs.MultipleValuesError) as exc:
            looks.append(type(exc).__name__)
    return looks


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["set", "delete", "setdefault", "pop", "update"]),
        st.sampled_from(NAMES),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=3),
    ),
    max_size=12,
)


def play(headers, steps) -> list:
    found = []
    for what, name, value in steps:
        try:
            if what == "set":
                headers[name] = value
            elif what == "delete":
                del headers[name]
            elif what == "setdefault":
                found.append(headers.setdefault(name, value))
            elif what == "pop":
                found.append(headers.pop(name, None))
            else:
                headers.update([(name, value)], other=value)
        except (KeyError, MultipleValuesError, theirs.MultipleValuesError) as exc:
            found.append(type(exc).__name__)
        found.append(seen(headers))
    return found


@given(STEPS)
def test_headers_do_what_those_of_websockets_do(steps):
    assert play(Headers(), steps) == play(theirs.Headers(), steps)


def test_a_name_has_no_case_and_assigning_adds_a_line():
    headers = Headers({"Set-Cookie": "a=1"})
    headers["set-cookie"] = "b=2"
    assert headers.get_all("SET-COOKIE") == ["a=1", "b=2"]
    assert list(headers) == ["set-cookie"]
    with pytest.raises(MultipleValuesError, match="'Set-Cookie'"):
        headers["Set-Cookie"]


@pytest.mark.parametrize(
    "made",
    [
        Headers({"A": "1", "B": "2"}),
        Headers([("A", "1"), ("B", "2")]),
        Headers(Headers(A="1"), B="2"),
        Headers(A="1", B="2"),
    ],
)
def test_headers_are_made_of_anything_like_them(made: Headers):
    assert made == Headers([("b", "2"), ("a", "1")])
    assert list(made.raw_items()) == [("A", "1"), ("B", "2")]


def test_headers_keep_the_lines_of_headers_they_are_made_of():
    double = Headers([("A", "1"), ("a", "2")])
    assert Headers(double).get_all("A") == ["1", "2"]


def test_a_copy_is_independent():
    headers = Headers(A="1")
    copied = headers.copy()
    copied["B"] = "2"
    assert headers == Headers(A="1")


def test_a_list_of_values_is_the_callers():
    headers = Headers(A="1")
    headers.get_all("A").append("2")
    headers.get_all("B").append("2")
    assert headers == Headers(A="1")


def test_headers_and_a_dict_are_not_equal():
    assert Headers(A="1") != {"a": "1"}


@pytest.mark.parametrize("value", ["a\r\nEvil: b", "a\0", "a\x7f", "\u20ac"])
def test_a_value_that_cannot_travel_is_refused(value: str):
    headers = Headers()
    with pytest.raises(InvalidHeaderValue) as caught:
        headers["X"] = value
    assert (caught.value.name, caught.value.value) == ("X", value)
    with pytest.raises(InvalidHeaderValue):
        headers.update(X=value)
    assert len(headers) == 0


def test_bytes_that_are_not_ascii_travel_as_they_are():
    headers = Headers.from_raw(((b"X", b"caf\xe9 \xc3\xa9"),))
    assert headers["X"] == "caf\xe9 \xc3\xa9"
    assert headers.serialize() == b"X: caf\xe9 \xc3\xa9\r\n\r\n"


def test_clear_removes_all():
    headers = Headers(A="1")
    headers.clear()
    assert list(headers.raw_items()) == []
