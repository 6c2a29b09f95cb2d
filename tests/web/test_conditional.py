"""Preconditions and ranges, by the tables of RFC 9110 13 and 14."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_ws.web.conditional import RangeNotSatisfiable, evaluate_preconditions, requested_range

MODIFIED = 1_000_000_000
DATE = "Sun, 09 Sep 2001 01:46:40 GMT"
BEFORE = "Sun, 09 Sep 2001 01:46:39 GMT"
AFTER = "Sun, 09 Sep 2001 01:46:41 GMT"


def verdict(method="GET", **fields):
    headers = CIMultiDict({name.replace("_", "-"): value for name, value in fields.items()})
    return int(evaluate_preconditions(method, headers, "tag", MODIFIED))


def part(value, size=11, method="GET", **fields):
    headers = CIMultiDict({name.replace("_", "-"): v for name, v in fields.items()})
    headers["Range"] = value
    return requested_range(method, headers, size, "tag", MODIFIED)


def test_without_conditions_the_answer_is_200():
    assert verdict() == 200


@pytest.mark.parametrize(
    ("value", "status"),
    [('"tag"', 200), ("*", 200), ('"x", "tag"', 200), ('W/"tag"', 412), ('"x"', 412), ("x", 412)],
)
def test_if_match_compares_strongly(value, status):
    assert verdict(If_Match=value) == status


@pytest.mark.parametrize(
    ("value", "status"),
    [('"tag"', 304), ("*", 304), ('"x", "tag"', 304), ('W/"tag"', 304), ('"x"', 200), ("x", 200)],
)
def test_if_none_match_compares_weakly(value, status):
    assert verdict(If_None_Match=value) == status
    assert verdict("HEAD", If_None_Match=value) == status
    assert verdict("PUT", If_None_Match=value) == (412 if status == 304 else 200)


@pytest.mark.parametrize(
    ("value", "status"), [(BEFORE, 200), (DATE, 304), (AFTER, 304), ("junk", 200)]
)
def test_if_modified_since(value, status):
    assert verdict(If_Modified_Since=value) == status
    assert verdict("POST", If_Modified_Since=value) == 200


@pytest.mark.parametrize(
    ("value", "status"), [(BEFORE, 412), (DATE, 200), (AFTER, 200), ("junk", 200)]
)
def test_if_unmodified_since(value, status):
    assert verdict(If_Unmodified_Since=value) == status


def test_tags_count_before_dates():
    assert verdict(If_Match='"tag"', If_Unmodified_Since=BEFORE) == 200
    assert verdict(If_None_Match='"x"', If_Modified_Since=AFTER) == 200
    assert verdict(If_Match='"x"', If_None_Match='"tag"') == 412
    assert verdict(If_Match='"tag"', If_None_Match='"tag"') == 304


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-3", range(0, 4)),
        ("bytes=3-", range(3, 11)),
        ("bytes=-3", range(8, 11)),
        ("bytes=0-100", range(0, 11)),
        ("bytes=-100", range(0, 11)),
        ("bytes=10-", range(10, 11)),
        ("BYTES=0-0", range(0, 1)),
    ],
)
def test_one_range_is_taken(value, expected):
    assert part(value) == expected


@pytest.mark.parametrize(
    "value", ["bytes=11-", "bytes=-0", "bytes=5-2", "bytes=a-b", "bytes=", "bytes=--1", "bytes=1"]
)
def test_a_range_without_a_byte_is_416(value):
    with pytest.raises(RangeNotSatisfiable):
        part(value)


@pytest.mark.parametrize("value", ["items=0-1", "bytes=0-1,3-4", "0-1"])
def test_what_is_not_one_range_of_bytes_is_ignored(value):
    assert part(value) is None


def test_nothing_of_an_empty_file_can_be_had():
    for value in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        with pytest.raises(RangeNotSatisfiable):
            part(value, size=0)


def test_ranges_are_for_get_only():
    assert part("bytes=0-1", method="HEAD") is None
    assert part("bytes=0-1", method="POST") is None


@pytest.mark.parametrize(
    ("value", "applies"),
    [
        ('"tag"', True),
        (DATE, True),
        ('W/"tag"', False),
        ('"x"', False),
        (BEFORE, False),
        (AFTER, False),
        ("junk", False),
        ('"', False),
    ],
)
def test_if_range_must_hold_exactly(value, applies):
    assert (part("bytes=0-1", If_Range=value) is not None) is applies


@given(st.text(max_size=30), st.integers(min_value=0, max_value=1000))
def test_any_range_is_within_the_content_or_refused(value, size):
    try:
        found = part(f"bytes={value}", size=size)
    except RangeNotSatisfiable:
        return
    if found is not None:
        assert 0 <= found[0] <= found[-1] < size
