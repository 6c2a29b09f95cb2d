"""Values of header fields, parsed and formatted."""

from __future__ import annotations

import datetime

import pytest

from aiohttp_ws.http import dates
from aiohttp_ws.http.headers import (
    ETag,
    HttpVersion,
    HttpVersion11,
    parse_content_type,
    parse_etags,
    parse_forwarded,
    parse_range,
    reason_of,
)

MOMENT = datetime.datetime(1994, 11, 6, 8, 49, 37, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
def test_all_three_forms_of_a_date_are_read(value):
    assert dates.parse_http_date(value) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT"),
        "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        "Sun, 06 Nov 10000 08:49:37 GMT",
        "Sun, 06 Nov 1994 99999999999999999999:49:37 GMT",
        "Sun, \u0660\u0666 Nov 1994 08:49:37 GMT",
    ],
)
def test_what_is_no_date_is_none(value):
    assert dates.parse_http_date(value) is None


def test_dates_are_written_in_one_form():
    assert dates.format_http_date(MOMENT.timestamp()) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert dates.format_http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_the_current_date_moves_with_the_clock(monkeypatch):
    now = MOMENT.timestamp()
    monkeypatch.setattr(dates.time, "time", lambda: now)
    first = dates.current_http_date()
    assert dates.current_http_date() is first
    now += 1
    assert dates.current_http_date() == "Sun, 06 Nov 1994 08:49:38 GMT"


def test_versions_compare_as_numbers():
    assert HttpVersion11 == (1, 1) == HttpVersion(1, 1)
    assert HttpVersion11 > HttpVersion(1, 0)


def test_reasons_of_known_statuses():
    assert reason_of(200) == "OK"
    assert reason_of(599) == ""


@pytest.mark.parametrize(
    ("raw", "media_type", "parameters"),
    [
        ("text/html", "text/html", {}),
        ("Text/HTML; Charset=UTF-8", "text/html", {"charset": "UTF-8"}),
        ('a/b; x="y; z"; q="\\"" ;w=1', "a/b", {"x": "y; z", "q": '"', "w": "1"}),
        ("a/b; x=1; x=2;; =3", "a/b", {"x": "1"}),
        ("", "application/octet-stream", {}),
        ("html", "application/octet-stream", {}),
        ("a/b/c", "application/octet-stream", {}),
    ],
)
def test_content_types_are_split(raw, media_type, parameters):
    assert parse_content_type(raw) == (media_type, parameters)


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        (None, None),
        ("*", (ETag("*"),)),
        ('"a"', (ETag("a"),)),
        ('"a", W/"b" ,"c,d"', (ETag("a"), ETag("b", is_weak=True), ETag("c,d"))),
        ('"a", b, "c"', (ETag("a"),)),
        ("", ()),
    ],
)
def test_entity_tags_are_listed(value, tags):
    assert parse_etags(value) == tags


def test_entity_tags_are_written_as_they_are_read():
    for value in ('"a"', 'W/"b"', "*"):
        assert str(parse_etags(value)[0]) == value


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (None, slice(None, None, 1)),
        ("bytes=0-0", slice(0, 1, 1)),
        ("bytes=5-", slice(5, None, 1)),
        ("bytes=-5", slice(-5, None, 1)),
    ],
)
def test_a_range_is_a_slice(value, part):
    assert parse_range(value) == part


@pytest.mark.parametrize(
    "value", ["bytes=-", "bytes=5-4", "lines=1-2", "bytes=1-2,3-4", "bytes=²-", "bytes=٣-"]
)
def test_what_is_no_single_range_is_refused(value):
    with pytest.raises(ValueError, match="Range"):
        parse_range(value)


@pytest.mark.parametrize(
    ("values", "elements"),
    [
        ([], ()),
        (["for=1.2.3.4"], ({"for": "1.2.3.4"},)),
        (["For=a;PROTO=b"], ({"for": "a", "proto": "b"},)),
        (['for="[::1]:5";by="a\\"b"'], ({"for": "[::1]:5", "by": 'a"b'},)),
        (["for=a, for=b", "for=c:80"], ({"for": "a"}, {"for": "b"}, {"for": "c:80"})),
        (["for=a;nonsense=, for=b"], ({"for": "a"}, {"for": "b"})),
    ],
)
def test_forwarded_gives_one_mapping_for_each_proxy(values, elements):
    assert parse_forwarded(values) == elements
