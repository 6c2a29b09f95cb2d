"""``Cookie`` and ``Set-Cookie``: parsed as leniently as browsers do, built strictly."""

import datetime
from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.http.cookies import (
    cookie_header,
    make_cookie,
    parse_cookie_header,
    parse_set_cookie,
    parse_set_cookie_headers,
    quote,
    remove_cookie,
    set_cookie,
    unquote,
)


def pairs(header: str) -> list[tuple[str, str]]:
    return [(name, morsel.value) for name, morsel in parse_cookie_header(header)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("a=1; b=2", [("a", "1"), ("b", "2")]),
        ("a=1;b=2;", [("a", "1"), ("b", "2")]),
        ("a=1; a=2", [("a", "1"), ("a", "2")]),
        ("a=x=y", [("a", "x=y")]),
        ('a="x y"', [("a", "x y")]),
        (r'a="q\"q\\q\054"', [("a", 'q"q\\q,')]),
        ('a="open', [("a", '"open')]),
        ("[a]{b}=1", [("[a]{b}", "1")]),
        ("path=/x; domain=y", [("path", "/x"), ("domain", "y")]),
        ("novalue; a=1; =x; b=", [("novalue", ""), ("a", "1"), ("b", "")]),
        ("a=1; b=x\x01y; c=3", [("a", "1"), ("c", "3")]),
        ("", []),
        ("ü=é", [("ü", "é")]),
    ],
)
def test_one_odd_cookie_does_not_cost_the_others(header, expected):
    assert pairs(header) == expected


@given(st.text())
def test_parsing_never_fails(text):
    assert isinstance(parse_cookie_header(text), list)
    parse_set_cookie(text)  # None or a cookie: it does not raise.


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_quoting_and_unquoting(value):
    assert unquote(quote(value)) == value or value[:1] == value[-1:] == '"'


def test_attributes_of_a_set_cookie():
    morsel = parse_set_cookie(
        "a=1; PATH=/x; domain=.Example.com; Max-Age=5; Secure; httponly=; Partitioned;"
        " SameSite=Lax; Expires=Wed, 09 Jun 2021 10:18:14 GMT; Unknown=x; path=/last"
    )
    assert morsel.value == "1"
    assert morsel["path"] == "/last"
    assert morsel["domain"] == ".Example.com"
    assert morsel["max-age"] == "5"
    assert morsel["secure"] is morsel["httponly"] is morsel["partitioned"] is True
    assert morsel["samesite"] == "Lax"
    assert morsel["expires"] == "Wed, 09 Jun 2021 10:18:14 GMT"


@pytest.mark.parametrize("header", ["", "a", "=1", "a=\0", "a=1\r\nX: y", "a=" + "x" * 4096])
def test_what_a_browser_would_not_store(header):
    assert parse_set_cookie(header) is None


def test_long_attributes_are_ignored():
    assert parse_set_cookie("a=1; Path=/" + "x" * 1024)["path"] == ""


def test_several_headers():
    found = parse_set_cookie_headers(["a=1", "bad", "b=2"])
    assert [name for name, _ in found] == ["a", "b"]


def test_the_cookie_header():
    morsels = [make_cookie("a", "1"), make_cookie("b", 'say "hi"')]
    header = cookie_header(morsels)
    assert header == r'a=1; b="say \"hi\""'
    assert pairs(header) == [("a", "1"), ("b", 'say "hi"')]


@pytest.mark.parametrize("name", ["", "a b", "a;b", "a=b", "a\n", "ü"])
def test_names_to_send_are_tokens(name):
    with pytest.raises(ValueError, match="token"):
        make_cookie(name, "x")


@pytest.mark.parametrize("value", ["a;b", "a\nb"])
def test_values_to_send_bare_cannot_end_the_cookie(value):
    with pytest.raises(ValueError, match="control character or a semicolon"):
        make_cookie("a", value, quoted=False)
    assert make_cookie("a", value).coded_value.startswith('"')


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_back_from_what_is_sent(value):
    sent = cookie_header([make_cookie("a", value)]).encode()
    assert pairs(sent.decode()) == [("a", value)]


@pytest.mark.parametrize("value", ["日本", "é日", "€ 5", "日;x"])
@pytest.mark.parametrize("quoted", [True, False])
def test_text_of_every_script_is_sent_as_utf_8(value, quoted):
    if ";" in value and not quoted:
        return
    assert "日" in value or "€" in value
    coded = make_cookie("a", value, quoted=quoted).coded_value
    assert "?" not in coded
    assert unquote(coded) == value


@pytest.mark.parametrize("quoted", [True, False])
def test_a_value_that_no_bytes_stand_for_is_refused(quoted):
    with pytest.raises(ValueError, match="lone surrogate"):
        make_cookie("a", "\ud800", quoted=quoted)


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), ["x"], ("x",), {"x": 1}, {"x"}])
def test_bytes_and_collections_are_no_value(value):
    with pytest.raises(TypeError, match="cookie 'a'"):
        make_cookie("a", value)
    with pytest.raises(TypeError, match="cookie 'a'"):
        set_cookie(SimpleCookie(), "a", value)


def test_numbers_are_sent_as_text():
    assert make_cookie("a", 1.5).coded_value == "1.5"


def output(cookies: SimpleCookie) -> list[str]:
    return cookies.output(header="", sep="\n").replace("\n ", "\n").strip().split("\n")


def test_setting_cookies():
    cookies: SimpleCookie = SimpleCookie()
    set_cookie(
        cookies,
        "a",
        "1",
        expires=datetime.datetime(2021, 6, 9, 12, 18, 14, tzinfo=datetime.timezone.utc),
        domain="example.com",
        max_age=5,
        secure=True,
        httponly=True,
        samesite="Strict",
        partitioned=True,
    )
    assert output(cookies) == [
        "a=1; Domain=example.com; expires=Wed, 09 Jun 2021 12:18:14 GMT; HttpOnly; Max-Age=5;"
        " Partitioned; Path=/; SameSite=Strict; Secure"
    ]
    set_cookie(cookies, "a", "2", path=None)
    assert output(cookies) == ["a=2"]
    remove_cookie(cookies, "a", path="/x")
    assert output(cookies) == ['a=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/x']


@pytest.mark.parametrize(
    "attributes", [{"path": "/;x"}, {"domain": "a\r\nb"}, {"samesite": "Lax; Secure"}]
)
def test_attributes_cannot_end_early(attributes):
    with pytest.raises(ValueError, match="semicolon"):
        set_cookie(SimpleCookie(), "a", "1", **attributes)
