"""Cookies (RFC 6265, and 6265bis where browsers agree): headers to morsels and back.

Parsing is as lenient as browsers are: a cookie that :mod:`http.cookies` refuses, such as
one with a bracket in its name, does not take the others of the header with it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Any

from .given_values import text_of

__all__ = (
    "CookieMorsel",
    "cookie_header",
    "parse_cookie_header",
    "parse_set_cookie",
    "parse_set_cookie_headers",
    "remove_cookie",
    "set_cookie",
    "unquote",
)

# RFC 6265bis 5.6: a name and value of more bytes together are not stored, and an
# attribute's value of more is ignored.
MAX_PAIR = 4096
# RFC 6265 6.1 asks for as many of a domain; a server that sends more wears the client out.
MOST_OF_A_RESPONSE = 50
MAX_ATTRIBUTE = 1024

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ESCAPE = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)
_NOT_TOKEN = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
# Up to the end of a pair whose value is wholly in quotes.
_QUOTED_VALUE = re.compile(r'[^=;"]*=[ \t]*"[^"\\]*(?:\\.[^"\\]*)*"[ \t]*(?=;|$)', re.DOTALL)
# RFC 6265 4.1.1: cookie-octet.
_NEEDS_QUOTES = re.compile(r"[^!#-+\--:<-\[\]-~]")
_ATTRIBUTES = frozenset({"expires", "path", "domain", "max-age", "samesite"})
_FLAGS = frozenset({"secure", "httponly", "partitioned"})
# What servers send to make every cache and browser agree that the cookie has expired.
LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"


class CookieMorsel(Morsel[str]):
    """A cookie that also knows the ``Partitioned`` attribute, which Python learned in 3.14."""

    _reserved = {**Morsel._reserved, "partitioned": "Partitioned"}  # type: ignore[attr-defined]
    _flags = {*Morsel._flags, "partitioned"}  # type: ignore[attr-defined]

    def __init__(self) -> None:
        super().__init__()
        dict.setdefault(self, "partitioned", "")


def _morsel(name: str, value: str, coded: str) -> CookieMorsel | None:
    morsel = CookieMorsel()
    try:
        # Morsel.set() refuses names that browsers accept.
        morsel.__setstate__(  # type: ignore[attr-defined]
            {"key": name, "value": value, "coded_value": coded}
        )
    except CookieError:
        return None
    return morsel


def unquote(value: str) -> str:
    """Take the quotes and the escapes off a quoted cookie value; others stay as they are."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    inner = value[1:-1]
    if "\\" not in inner:
        return inner
    return _ESCAPE.sub(lambda m: chr(int(m[1], 8)) if m[1] else m[2], inner)


def parse_cookie_header(header: str) -> list[tuple[str, Morsel[str]]]:
    """Parse the value of a ``Cookie`` header, in order (RFC 6265 5.4).

    A quoted value may hold semicolons, and what has no equals sign is a cookie of that name without
    a value. Pairs without a name or with control characters are left out.
    """
    found: list[tuple[str, Morsel[str]]] = []
    at, size = 0, len(header)
    while at < size:
        end = header.find(";", at)
        end = size if end < 0 else end
        opening = _QUOTED_VALUE.match(header, at)
        if opening is not None and opening.end() > end:
            end = opening.end()
        pair, at = header[at:end], end + 1
        name, _, value = pair.partition("=")
        name = name.strip()
        if not name or _CONTROL.search(pair):
            continue
        value = value.strip()
        morsel = _morsel(name, unquote(value), value)
        if morsel is not None:
            found.append((name, morsel))
    return found


def parse_set_cookie(header: str) -> Morsel[str] | None:
    """Parse the value of one ``Set-Cookie`` header (RFC 6265bis 5.6).

    Returns ``None`` for a cookie that a browser would not store: no name, a control
    character, or a name and value of more than 4096 bytes.
    """
    if _CONTROL.search(header):
        return None
    pair, *attributes = header.split(";")
    name, separator, value = pair.partition("=")
    name, value = name.strip(), value.strip()
    if not separator or not name or len(name) + len(value) > MAX_PAIR:
        return None
    morsel = _morsel(name, unquote(value), value)
    if morsel is None:
        return None
    for attribute in attributes:
        key, _, setting = attribute.partition("=")
        key, setting = key.strip().lower(), setting.strip()
        if len(setting) > MAX_ATTRIBUTE:
            continue
        # The last of several wins; what is not known is ignored.
        if key in _FLAGS:
            dict.__setitem__(morsel, key, True)
        elif key in _ATTRIBUTES:
            dict.__setitem__(morsel, key, unquote(setting))
    return morsel


def parse_set_cookie_headers(headers: Iterable[str]) -> list[tuple[str, Morsel[str]]]:
    """Parse the ``Set-Cookie`` headers of a response, in order; at most 50."""
    found: list[tuple[str, Morsel[str]]] = []
    for header in headers:
        if len(found) >= MOST_OF_A_RESPONSE:
            break
        morsel = parse_set_cookie(header)
        if morsel is not None:
            found.append((morsel.key, morsel))
    return found


def quote(value: str) -> str:
    """Quote *value* when it is empty, or RFC 6265 4.1.1 does not allow it bare."""
    if value and not _NEEDS_QUOTES.search(value):
        return value
    escaped = []
    for char in value:
        if char in '"\\':
            escaped.append("\\" + char)
        elif char in ",;" or char < " " or "~" < char < "\u0100":
            escaped.append(f"\\{ord(char):03o}")
        else:
            escaped.append(char)  # above U+00FF as it is: sent in UTF-8
    return f'"{"".join(escaped)}"'


def cookie_header(cookies: Iterable[Morsel[str]]) -> str:
    """Build the value of a ``Cookie`` header (RFC 6265 4.2.1)."""
    return "; ".join(f"{morsel.key}={morsel.coded_value}" for morsel in cookies)


def make_cookie(name: str, value: object, *, quoted: bool = True) -> Morsel[str]:
    """Build a cookie to send to a peer.

    :param value: text, or what ``str()`` makes text of, such as a number.
    :param quoted: quote a value that RFC 6265 4.1.1 does not allow bare.
    :raises TypeError: when the value is bytes or a collection.
    :raises ValueError: when the name is not a token, or the value has control characters that
        stay bare, or a lone surrogate that no bytes stand for.
    """
    value = text_of(value, f"value of cookie {name!r}")
    if not name or _NOT_TOKEN.search(name):
        raise ValueError(f"cookie name {name!r} is not a token (RFC 6265 4.1.1)")
    coded = quote(value) if quoted else value
    if _CONTROL.search(coded) or (not quoted and ";" in coded):
        raise ValueError(f"cookie {name}={value!r} holds a control character or a semicolon")
    if not coded.isascii():
        try:
            coded.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as exc:
            raise ValueError(
                f"cookie {name}={value!r} holds a lone surrogate; pass text that UTF-8 can encode"
            ) from exc
    morsel = _morsel(name, value, coded)
    if morsel is None:
        raise ValueError(f"cookie {name}={value!r} cannot be sent")
    return morsel


def set_cookie(
    cookies: SimpleCookie,
    name: str,
    value: object,
    *,
    expires: str | datetime.datetime | None = None,
    domain: str | None = None,
    max_age: int | str | None = None,
    path: str | None = "/",
    secure: bool | None = None,
    httponly: bool | None = None,
    samesite: str | None = None,
    partitioned: bool | None = None,
    version: str | None = None,
) -> None:
    """Add a cookie to those that a response sets, replacing one of that name.

    :param value: text, or what ``str()`` makes text of, such as a number.
    :param expires: an HTTP date.
    :param max_age: seconds.
    :param version: of RFC 2109, which browsers ignore.
    :raises TypeError: when the value is bytes or a collection.
    :raises ValueError: when the name is not a token or an attribute would end early.
    """
    morsel = make_cookie(name, value)
    if isinstance(expires, datetime.datetime):
        moment = expires.astimezone(datetime.timezone.utc)
        expires = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    attributes: dict[str, Any] = {
        "expires": expires,
        "domain": domain,
        "max-age": None if max_age is None else str(max_age),
        "path": path,
        "secure": secure,
        "httponly": httponly,
        "samesite": samesite,
        "partitioned": partitioned,
        "version": version,
    }
    for key, setting in attributes.items():
        if setting is None:
            continue
        if isinstance(setting, str) and (";" in setting or _CONTROL.search(setting)):
            raise ValueError(
                f"cookie {name!r} has {key}={setting!r}, which holds a semicolon or a control"
                " character"
            )
        morsel[key] = setting
    dict.__setitem__(cookies, name, morsel)


def remove_cookie(
    cookies: SimpleCookie,
    name: str,
    *,
    domain: str | None = None,
    path: str = "/",
    secure: bool | None = None,
    httponly: bool | None = None,
    samesite: str | None = None,
    partitioned: bool | None = None,
) -> None:
    """Tell the browser to forget a cookie; *domain* and *path* as it was set with."""
    cookies.pop(name, None)
    set_cookie(
        cookies,
        name,
        "",
        max_age=0,
        expires=LONG_AGO,
        domain=domain,
        path=path,
        secure=secure,
        httponly=httponly,
        samesite=samesite,
        partitioned=partitioned,
    )
