"""The rules of RFC 6265 that a cookie jar decides by, as functions."""

from __future__ import annotations

import datetime
import ipaddress
import math
import re
from http.cookies import Morsel

from yarl import URL

__all__ = (
    "default_path",
    "domain_matches",
    "expiry",
    "is_ip_address",
    "parse_cookie_date",
    "path_matches",
    "place",
    "prefix_holds",
)

# RFC 6265 5.1.1: the tokens of a cookie date, in whatever order they come.
DATE_TOKENS_RE = re.compile(r"(?P<token>[\x00-\x08\x0A-\x1F0-9:a-zA-Z\x7F-\xFF]+)")
DATE_HMS_TIME_RE = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")
DATE_DAY_OF_MONTH_RE = re.compile(r"([0-9]{1,2})(?![0-9])")
DATE_MONTH_RE = re.compile(
    r"(jan)|(feb)|(mar)|(apr)|(may)|(jun)|(jul)|(aug)|(sep)|(oct)|(nov)|(dec)",
    re.IGNORECASE | re.ASCII,
)
DATE_YEAR_RE = re.compile(r"([0-9]{2,4})(?![0-9])")

# The end of year 9999.
MAX_TIME = 253402300799


def is_ip_address(host: str) -> bool:
    """Whether *host* is an IP address and not a name."""
    if not host or not (host[-1].isdigit() or ":" in host):
        return False  # every IPv4 address ends in a digit: names skip the slow test
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def domain_matches(domain: str, host: str) -> bool:
    """RFC 6265 5.1.3: whether a cookie of *domain* may go to *host*."""
    return host == domain or (
        host.endswith("." + domain) and bool(domain) and not is_ip_address(host)
    )


def path_matches(path: str, request_path: str) -> bool:
    """RFC 6265 5.1.4: whether a cookie of *path* may go to *request_path*."""
    if not request_path.startswith("/"):
        request_path = "/"
    if request_path == path or path == "/":
        return True
    return request_path.startswith(path if path.endswith("/") else path + "/")


def default_path(url: URL) -> str:
    """RFC 6265 5.1.4: the path of a cookie that names none."""
    directory = url.raw_path.rpartition("/")[0]
    return directory if directory.startswith("/") else "/"


def place(morsel: Morsel[str], host: str | None, url: URL) -> tuple[str, str, bool] | None:
    """Where a cookie belongs: domain, path and whether it is host-only; None to refuse it."""
    domain = morsel["domain"].lower()
    if domain.endswith("."):
        domain = ""  # what the attribute means is not defined: ignored, as aiohttp does
    domain = domain.removeprefix(".")
    path = morsel["path"]
    if host is None:
        # The user's own cookie: for every server, unless it names a domain.
        return (domain, path or "/", False) if domain else ("", "", False)
    if not path.startswith("/"):
        path = default_path(url)
    if not domain:
        return host, path, True
    if domain == host and (is_ip_address(host) or "." not in host):
        return host, path, True
    # RFC 6265 5.3: a server speaks for its own domain; a top-level domain belongs to none.
    if "." not in domain or not domain_matches(domain, host):
        return None
    return domain, path, False


def prefix_holds(name: str, morsel: Morsel[str], secure: bool) -> bool:
    """Whether a cookie is what the prefix of its name promises (RFC 6265bis 4.1.3).

    :param secure: whether it came over TLS, or from an origin that counts as such.
    """
    if not name.startswith("__"):
        return True
    prefix = name[:9].lower()
    if prefix == "__secure-":
        return secure and bool(morsel["secure"])
    if prefix.startswith("__host-"):
        return secure and bool(morsel["secure"]) and not morsel["domain"] and morsel["path"] == "/"
    return True


def expiry(morsel: Morsel[str], now: float) -> float:
    """When a cookie ends (seconds since 1970): Max-Age before Expires (RFC 6265 5.3)."""
    max_age = str(morsel["max-age"])
    if re.fullmatch(r"-?[0-9]+", max_age):
        seconds = int(max_age[:20])  # enough for every date
        return min(now + seconds, MAX_TIME) if seconds > 0 else -math.inf
    if morsel["expires"]:
        moment = parse_cookie_date(morsel["expires"])
        if moment is not None:
            return moment.timestamp()
    return math.inf


def parse_cookie_date(text: str) -> datetime.datetime | None:
    """Parse a date of the ``Expires`` attribute (RFC 6265 5.1.1); ``None`` when it is not one."""
    clock: tuple[int, int, int] | None = None
    day = month = year = None
    for found in DATE_TOKENS_RE.finditer(text):
        token = found["token"]
        if clock is None and (match := DATE_HMS_TIME_RE.match(token)):
            hour, minute, second = map(int, match.groups())
            clock = (hour, minute, second)
        elif day is None and (match := DATE_DAY_OF_MONTH_RE.match(token)):
            day = int(match[1])
        elif month is None and (match := DATE_MONTH_RE.match(token)):
            month = match.lastindex
        elif year is None and (match := DATE_YEAR_RE.match(token)):
            year = int(match[1])
    if clock is None or day is None or month is None or year is None:
        return None
    if 70 <= year <= 99:
        year += 1900
    elif year <= 69:
        year += 2000
    if year < 1601:
        return None
    try:
        return datetime.datetime(year, month, day, *clock, tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
