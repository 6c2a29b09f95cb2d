"""Which cookies are kept and sent (RFC 6265 5)."""

import asyncio
import datetime
import json
import os
import pickle
import stat
import time
from http.cookies import SimpleCookie

import aiohttp
import pytest
from yarl import URL

from aiohttp_ws.client import ClientSession, CookieJar, DummyCookieJar
from aiohttp_ws.client.cookie_rules import (
    default_path,
    domain_matches,
    is_ip_address,
    parse_cookie_date,
    path_matches,
)

SITE = URL("http://www.example.com/shop/cart")


def sent(jar: CookieJar, url: URL | str) -> dict[str, str]:
    return {name: morsel.value for name, morsel in jar.filter_cookies(URL(url)).items()}


def jar_with(*headers: str, url: URL = SITE, **kwargs) -> CookieJar:
    jar = CookieJar(**kwargs)
    jar.update_cookies_from_headers(headers, url)
    return jar


def test_a_cookie_without_domain_goes_to_its_host_only():
    jar = jar_with("a=1; Path=/")
    assert sent(jar, "http://www.example.com/") == {"a": "1"}
    assert sent(jar, "http://example.com/") == {}
    assert sent(jar, "http://x.www.example.com/") == {}
    assert jar.host_only_cookies == {("www.example.com", "", "a")}


@pytest.mark.parametrize("domain", ["example.com", ".example.com", "EXAMPLE.com"])
def test_a_cookie_with_domain_goes_to_hosts_under_it(domain):
    jar = jar_with(f"a=1; Domain={domain}; Path=/")
    assert sent(jar, "http://example.com/") == {"a": "1"}
    assert sent(jar, "http://www.example.com/") == {"a": "1"}
    assert sent(jar, "http://badexample.com/") == {}
    assert jar.host_only_cookies == frozenset()


@pytest.mark.parametrize("domain", ["other.com", "www2.example.com", "com", "sub.www.example.com"])
def test_a_server_cannot_speak_for_others(domain):
    assert len(jar_with(f"a=1; Domain={domain}")) == 0


@pytest.mark.parametrize(
    ("path", "goes_to", "not_to"),
    [
        ("", ["/shop", "/shop/", "/shop/x/y"], ["/", "/shopping", "/other"]),
        ("; Path=/", ["/", "/x"], []),
        ("; Path=/shop", ["/shop", "/shop/x"], ["/shopping"]),
        ("; Path=/shop/", ["/shop/", "/shop/x"], ["/shop"]),
        ("; Path=relative", ["/shop/x"], ["/"]),
    ],
)
def test_paths(path, goes_to, not_to):
    jar = jar_with("a=1" + path)
    for target in goes_to:
        assert sent(jar, SITE.with_path(target)), target
    for target in not_to:
        assert not sent(jar, SITE.with_path(target)), target


def test_the_longest_path_comes_first_and_wins():
    jar = jar_with("a=root; Path=/", "b=root; Path=/", "a=shop; Path=/shop")
    assert list(sent(jar, SITE).items()) == [("a", "shop"), ("b", "root")]


def test_secure_cookies_need_tls_or_a_trusted_origin():
    jar = jar_with("a=1; Secure; Path=/")
    assert sent(jar, "http://www.example.com/") == {}
    assert sent(jar, "https://www.example.com/") == {"a": "1"}
    assert sent(jar, "wss://www.example.com/") == {"a": "1"}
    jar = jar_with("a=1; Secure; Path=/", treat_as_secure_origin="http://www.example.com")
    assert sent(jar, "http://www.example.com/") == {"a": "1"}
    assert jar.treat_as_secure_origin == {URL("http://www.example.com")}


def test_addresses_have_cookies_only_when_asked():
    url = URL("http://127.0.0.1/")
    assert len(jar_with("a=1", url=url)) == 0
    jar = jar_with("a=1", url=url, unsafe=True)
    assert sent(jar, url) == {"a": "1"}
    assert sent(jar, "http://1.127.0.0.1/") == {}
    assert len(jar_with("a=1; Domain=0.0.1", url=url, unsafe=True)) == 0


def test_cookies_of_the_user_go_everywhere():
    jar = CookieJar()
    jar.update_cookies({"a": "1", "b": "two words"})
    jar.update_cookies([("c", SimpleCookie("c=3")["c"])])
    jar.update_cookies(SimpleCookie("d=4"))
    for url in ("http://example.com/", "http://127.0.0.1/x", "https://other.org/"):
        assert sent(jar, url) == {"a": "1", "b": "two words", "c": "3", "d": "4"}


def test_values_are_quoted_for_the_user_and_left_alone_for_servers():
    jar = CookieJar()
    jar.update_cookies({"a": "two words"})
    assert jar.filter_cookies(SITE)["a"].coded_value == '"two words"'
    jar = CookieJar(quote_cookie=False)
    jar.update_cookies({"a": "two words"})
    assert jar.filter_cookies(SITE)["a"].coded_value == "two words"
    jar = jar_with('a="x y"', "b={json: [1]}")
    assert jar.filter_cookies(SITE)["a"].coded_value == '"x y"'
    assert jar.filter_cookies(SITE)["b"].coded_value == "{json: [1]}"


def test_cookies_end_when_they_say():
    now = time.time()
    jar = jar_with("a=1; Max-Age=100", "b=1; Expires=Wed, 09 Jun 2099 10:18:14 GMT", "c=1")
    assert set(sent(jar, SITE)) == {"a", "b", "c"}
    key = ("www.example.com", "/shop", "a")
    assert now + 99 <= jar._expires[key] <= now + 101
    jar._expires[key] = jar._next_expiry = now - 1
    assert set(sent(jar, SITE)) == {"b", "c"}
    assert len(jar) == 2


@pytest.mark.parametrize(
    "ending", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_a_cookie_that_ended_is_forgotten(ending):
    jar = jar_with("a=1", "b=1", f"a=; {ending}")
    assert sent(jar, SITE) == {"b": "1"}


def test_max_age_comes_before_expires_and_nonsense_is_ignored():
    assert len(jar_with("a=1; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT")) == 1
    assert len(jar_with("a=1; Max-Age=x; Expires=whenever")) == 1
    assert len(jar_with("a=1; Max-Age=99999999999999999999")) == 1


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Wed, 09 Jun 2021 10:18:14 GMT", (2021, 6, 9, 10, 18, 14)),
        ("Wednesday, 09-Jun-21 10:18:14 GMT", (2021, 6, 9, 10, 18, 14)),
        ("Wed Jun  9 10:18:14 2021", (2021, 6, 9, 10, 18, 14)),
        ("9 June 1:2:3 70", (1970, 6, 9, 1, 2, 3)),
        ("9 June 10:18:14 1600", None),
        ("32 June 10:18:14 2021", None),
        ("31 June 10:18:14 2021", None),
        ("9 June 24:00:00 2021", None),
        ("9 June 2021", None),
        ("", None),
    ],
)
def test_dates_of_every_style(text, moment):
    expected = moment and datetime.datetime(*moment, tzinfo=datetime.timezone.utc)
    assert parse_cookie_date(text) == expected


def test_clearing():
    jar = jar_with("a=1", "b=1; Domain=example.com")
    jar.update_cookies_from_headers(["c=1"], URL("http://other.org/"))
    jar.clear(lambda morsel: morsel.key == "a")
    assert {morsel.key for morsel in jar} == {"b", "c"}
    jar.clear_domain("example.com")
    assert [morsel.key for morsel in jar] == ["c"]
    jar.clear()
    assert len(jar) == 0
    assert not jar.cookies


def test_the_callers_morsel_is_not_changed():
    cookie = SimpleCookie("a=1")
    CookieJar().update_cookies(cookie, SITE)
    assert cookie["a"]["domain"] == ""


def test_saving_and_loading(tmp_path):
    path = tmp_path / "cookies.json"
    jar = jar_with(
        "a=1; Path=/; Secure", "b=2; Domain=example.com; Max-Age=1000", 'c="x y"', "[d]=1"
    )
    jar.update_cookies({"e": "mine"})
    jar.save(path)
    json.loads(path.read_text())
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    again = CookieJar()
    again.load(path)
    assert again.cookies == jar.cookies
    assert again.host_only_cookies == jar.host_only_cookies
    assert again._expires == jar._expires
    url = SITE.with_scheme("https")
    assert again.filter_cookies(url).output() == jar.filter_cookies(url).output()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"a|": {"x": {}}}', b'{"a|": {"x": {"key": 1, "value": 2}}}', None],
)
def test_what_is_no_cookie_file_is_refused(tmp_path, content):
    path = tmp_path / "cookies"
    path.write_bytes(pickle.dumps({}) if content is None else content)
    jar = jar_with("a=1")
    with pytest.raises(ValueError, match="not a cookie file"):
        jar.load(path)
    assert len(jar) == 1


def test_the_dummy_keeps_nothing():
    jar = DummyCookieJar()
    jar.update_cookies({"a": "1"})
    jar.update_cookies_from_headers(["a=1"], SITE)
    jar.clear()
    jar.clear_domain("x")
    assert len(jar) == 0
    assert list(jar) == []
    assert not jar.filter_cookies(SITE)
    assert not jar.cookies
    assert not jar.host_only_cookies
    assert (jar.unsafe, jar.quote_cookie) == (False, True)
    assert jar.treat_as_secure_origin == frozenset()


def test_the_rules_one_by_one():
    assert is_ip_address("127.0.0.1")
    assert is_ip_address("::1")
    assert is_ip_address("fe80::1%eth0")
    assert not is_ip_address("example1")
    assert not is_ip_address("")
    assert domain_matches("a.b", "x.a.b")
    assert not domain_matches("0.0.1", "127.0.0.1")
    assert not domain_matches("", "x")
    assert path_matches("/", "")
    assert default_path(URL("http://a")) == "/"
    assert default_path(URL("http://a/b/c")) == "/b"


async def test_a_session_keeps_and_sends_cookies(raw):
    server = await raw(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/b\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        for path in ("", "x", "b"):
            async with session.get(server.url / path if path else server.url):
                pass
        assert len(session.cookie_jar) == 2
    assert [b"Cookie: a=1\r\n" in head for head in server.requests] == [False, True, False]
    assert b"Cookie: b=2; a=1\r\n" in server.requests[2]
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        for _ in range(2):
            async with session.get(server.url):
                pass
    assert b"Cookie" not in server.requests[-1]


def test_a_filtered_cookie_has_no_attributes():
    jar = jar_with("a=1; Path=/; Secure; HttpOnly; Max-Age=9")
    cookies = jar.filter_cookies(URL("https://www.example.com/"))
    assert cookies.output(header="Cookie:") == "Cookie: a=1"


def test_a_host_wins_over_a_namesake_of_its_domain():
    jar = jar_with("a=domain; Domain=example.com; Path=/deep", "a=host; Path=/")
    assert sent(jar, "http://www.example.com/deep/er") == {"a": "host"}


def test_a_domain_keeps_as_many_cookies_as_browsers_do():
    jar = CookieJar()
    url = URL("https://example.com/")
    for number in range(180):
        jar.update_cookies_from_headers([f"c{number}=1; Path=/{number}"], url)
    assert len(jar) == 180
    jar.filter_cookies(url / "0")  # It is the one used last now.
    jar.update_cookies_from_headers(["new=1"], url)
    names = {cookie.key for cookie in jar}
    assert len(jar) == 150
    assert {"c0", "new", "c179"} <= names
    assert "c1" not in names


def test_secure_cookies_do_not_make_room_for_others():
    jar = CookieJar()
    url = URL("https://example.com/")
    for number in range(180):
        jar.update_cookies_from_headers([f"c{number}=1; Secure"], url)
    jar.update_cookies_from_headers(["plain=1"], url)
    assert "plain" not in {cookie.key for cookie in jar}
    jar.update_cookies_from_headers(["new=1; Secure"], url)
    assert len(jar) == 150


def test_a_response_sets_fifty_cookies_at_most():
    jar = CookieJar()
    jar.update_cookies_from_headers([f"c{number}=1" for number in range(60)], URL("http://a.b/"))
    assert len(jar) == 50


def test_a_header_is_not_longer_than_servers_take():
    jar = CookieJar()
    url = URL("https://example.com/")
    jar.update_cookies_from_headers([f"c{number}={'x' * 4000}" for number in range(4)], url)
    header = jar.filter_cookies(url).output(header="Cookie:", sep="; ")
    assert 4000 < len(header) <= 8190


def test_what_aiohttp_has_saved_is_loaded_and_the_other_way_round(tmp_path):
    url = URL("https://www.example.com/")
    headers = ["a=1; Path=/x", "b=2; Domain=example.com; Max-Age=1000"]

    jar = CookieJar()
    jar.update_cookies_from_headers(headers, url)
    jar.save(tmp_path / "ours")

    async def theirs() -> None:
        other = aiohttp.CookieJar()
        other.update_cookies_from_headers(headers, url)
        other.save(tmp_path / "theirs")
        other = aiohttp.CookieJar()
        other.load(tmp_path / "ours")
        found = other.filter_cookies(url / "x")
        assert {name: morsel.value for name, morsel in found.items()} == {"a": "1", "b": "2"}

    asyncio.run(theirs())
    loaded = CookieJar()
    loaded.load(tmp_path / "theirs")
    assert loaded.host_only_cookies == jar.host_only_cookies
    assert sent(loaded, "https://www.example.com/x") == {"a": "1", "b": "2"}
    assert set(loaded._expires) == set(jar._expires)


@pytest.mark.parametrize("end", ["nan", "inf", "soon"])
def test_a_file_that_is_refused_leaves_the_jar_as_it_is(tmp_path, end):
    entry = {"key": "a", "value": "1", "coded_value": "1", "expires_timestamp": end}
    path = tmp_path / "cookies"
    path.write_text(json.dumps({"example.com|": {"a": entry}}))
    jar = jar_with("kept=1")
    with pytest.raises(ValueError, match="finite"):
        jar.load(path)
    assert [cookie.key for cookie in jar] == ["kept"]


def test_a_value_is_quoted_only_where_it_has_to_be():
    jar = CookieJar()
    jar.update_cookies({"a": "val/one", "b": "two words"})
    header = jar.filter_cookies(URL("http://example.com/")).output(header="Cookie:", sep="; ")
    assert header == 'Cookie: a=val/one; Cookie: b="two words"'
