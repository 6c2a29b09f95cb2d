"""The cookies of a client session: what to keep and what to send back (RFC 6265 5)."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import math
import os
import re
import stat
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http.cookies import BaseCookie, Morsel, SimpleCookie
from pathlib import Path
from types import MappingProxyType
from typing import Any

from yarl import URL

from ..argument_types import LooseCookies, PathLike
from ..http.cookies import CookieMorsel, make_cookie, parse_set_cookie_headers
from . import cookie_rules
from .cookie_rules import (
    domain_matches,
    expiry,
    is_ip_address,
    parse_cookie_date,
    path_matches,
    place,
    prefix_holds,
)
from .interfaces import AbstractCookieJar

__all__ = ("CookieJar", "DummyCookieJar")

_Key = tuple[str, str, str]  # domain, path, name

# RFC 6265 6.1 has 50 of a domain and 3000 in all as the least that is kept; these are Firefox's.
MOST_PER_DOMAIN = 180
KEPT_PER_DOMAIN = 150
MOST_COOKIES = 3300
KEPT_COOKIES = 3000
# What goes into one request: the number of cookies, and the bytes of the header.
MOST_PER_REQUEST = 150
MOST_IN_HEADER = 8190
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class CookieJar(AbstractCookieJar):
    """Keeps cookies as a browser does, in memory.

    :param unsafe: also keep cookies of servers named by an IP address, which RFC 6265 leaves
        out because an address changes hands.
    :param quote_cookie: quote the values of cookies given by the user where RFC 6265 4.1.1
        does not allow them bare. Cookies of servers go back as they came.
    :param treat_as_secure_origin: an origin, or several, that get ``Secure`` cookies without
        TLS.

    It keeps at most 180 cookies of a domain and 3300 in all; beyond that those go that were not
    used for longest, down to 150 and 3000. A request gets at most 150, in 8190 bytes.
    """

    _is_limited = True
    DATE_TOKENS_RE = cookie_rules.DATE_TOKENS_RE
    DATE_HMS_TIME_RE = cookie_rules.DATE_HMS_TIME_RE
    DATE_DAY_OF_MONTH_RE = cookie_rules.DATE_DAY_OF_MONTH_RE
    DATE_MONTH_RE = cookie_rules.DATE_MONTH_RE
    DATE_YEAR_RE = cookie_rules.DATE_YEAR_RE
    #: The end of year 9999, in seconds since 1970: no cookie lives longer.
    MAX_TIME = cookie_rules.MAX_TIME
    #: One second less, for callers that add a rounding second.
    SUB_MAX_TIME = MAX_TIME - 1

    def __init__(
        self,
        *,
        unsafe: bool = False,
        quote_cookie: bool = True,
        treat_as_secure_origin: str | URL | Sequence[str | URL] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = loop  # type: ignore[assignment]
        self._unsafe = unsafe
        self._quote_cookie = quote_cookie
        if treat_as_secure_origin is None:
            origins: Iterable[str | URL] = ()
        elif isinstance(treat_as_secure_origin, (str, URL)):
            origins = (treat_as_secure_origin,)
        else:
            origins = treat_as_secure_origin
        self._secure_origins = frozenset(URL(origin).origin() for origin in origins)
        self._cookies: dict[tuple[str, str], SimpleCookie] = {}
        # In the order of their last use, which decides who makes room.
        self._used: dict[_Key, None] = {}
        self._count_of: Counter[str] = Counter()
        self._host_only: set[_Key] = set()
        self._expires: dict[_Key, float] = {}
        self._next_expiry = math.inf

    @property
    def unsafe(self) -> bool:
        """Whether cookies of servers named by an IP address are kept."""
        return self._unsafe

    @property
    def quote_cookie(self) -> bool:
        """Whether values given by the user are quoted when needed."""
        return self._quote_cookie

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins that get ``Secure`` cookies without TLS."""
        return self._secure_origins

    @property
    def cookies(self) -> MappingProxyType[tuple[str, str], SimpleCookie]:
        """The cookies by ``(domain, path)``, read only."""
        return MappingProxyType(self._cookies)

    @property
    def host_only_cookies(self) -> frozenset[_Key]:
        """``(domain, path, name)`` of the cookies sent to their exact host only."""
        return frozenset(self._host_only)

    def __iter__(self) -> Iterator[Morsel[str]]:
        self._forget_expired()
        for group in list(self._cookies.values()):
            yield from list(group.values())

    def __len__(self) -> int:
        self._forget_expired()
        return sum(map(len, self._cookies.values()))

    # ------------------------------------------------------------------ forgetting

    def clear(self, predicate: Callable[[Morsel[str]], bool] | None = None) -> None:
        """Forget all cookies, or the expired ones and those for which *predicate* is true."""
        if predicate is None:
            self._cookies.clear()
            self._used.clear()
            self._count_of.clear()
            self._host_only.clear()
            self._expires.clear()
            self._next_expiry = math.inf
            return
        self._forget_expired()
        for (domain, path), group in list(self._cookies.items()):
            for name, morsel in list(group.items()):
                if predicate(morsel):
                    self._forget((domain, path, name))

    def clear_domain(self, domain: str) -> None:
        """Forget the cookies of *domain* and of the hosts under it."""
        self.clear(lambda morsel: domain_matches(domain, morsel["domain"]))

    def _forget(self, key: _Key) -> None:
        domain, path, name = key
        group = self._cookies.get((domain, path))
        if group is not None:
            group.pop(name, None)
            if not group:
                del self._cookies[domain, path]
        if key in self._used:
            del self._used[key]
            self._count_of[domain] -= 1
            if not self._count_of[domain]:
                del self._count_of[domain]
        self._host_only.discard(key)
        self._expires.pop(key, None)

    def _forget_expired(self) -> None:
        now = time.time()
        if now < self._next_expiry:
            return
        for key, when in list(self._expires.items()):
            if when <= now:
                self._forget(key)
        self._next_expiry = min(self._expires.values(), default=math.inf)

    def _make_room(self, domain: str, secure: bool) -> bool:
        """Forget cookies for a new one of *domain*, where there are too many; whether it may stay.

        Those that were not used for longest go, and ``Secure`` ones only for another of that kind:
        a server without TLS cannot push them out.
        """
        if self._count_of[domain] >= MOST_PER_DOMAIN:
            self._forget_expired()
            count = self._count_of[domain]
            excess = count - KEPT_PER_DOMAIN + 1
            if excess <= 0:
                return True
            own = [key for key in self._used if key[0] == domain]
            plain = [key for key in own if not self._cookies[key[:2]][key[2]]["secure"]]
            if not plain and not secure:
                return count < MOST_PER_DOMAIN
            for key in (plain or own)[:excess]:
                self._forget(key)
        elif len(self._used) >= MOST_COOKIES:
            self._forget_expired()
            for key in list(self._used)[: max(0, len(self._used) - KEPT_COOKIES)]:
                self._forget(key)
        return True

    def _use(self, key: _Key) -> None:
        self._used.pop(key, None)
        self._used[key] = None

    # --------------------------------------------------------------------- keeping

    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:
        """Keep *cookies* as received from *response_url*.

        Without a URL they are the user's own and go to every server.

        :raises ValueError: for a name or a value that no cookie can have.
        """
        pairs = cookies.items() if isinstance(cookies, Mapping) else cookies
        received: list[tuple[str, Morsel[str]]] = []
        given: list[tuple[str, Morsel[str]]] = []
        for name, value in pairs:
            if isinstance(value, Morsel):
                received.append((name, value))
            elif isinstance(value, BaseCookie):
                received.extend(value.items())
            else:
                given.append((name, make_cookie(name, value, quoted=self._quote_cookie)))
        self._keep(received, response_url)
        self._keep(given, response_url, from_server=False)

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Keep the cookies of the ``Set-Cookie`` *headers* of a response."""
        self._keep(parse_set_cookie_headers(headers), response_url)

    def _keep(
        self,
        received: Iterable[tuple[str, Morsel[str]]],
        response_url: URL,
        from_server: bool = True,
    ) -> None:
        host = response_url.raw_host
        checked = from_server and host is not None
        secure = not checked or self._is_secure(response_url)
        if host is not None:
            host = host.lower()
            if not self._unsafe and is_ip_address(host):
                return
        now = time.time()
        for name, given in received:
            morsel = _copied(given)
            if checked and not prefix_holds(name, morsel, secure):
                continue
            placed = place(morsel, host, response_url)
            if placed is None:
                continue
            domain, path, host_only = placed
            if not secure and self._overlays_secure(domain, path, name):
                continue
            if not _can_be_sent(morsel):
                continue
            # Without the slash at its end, as the keys of aiohttp's jar.
            key = (domain, path.rstrip("/"), name)
            morsel["domain"] = domain
            morsel["path"] = path or "/"
            expires = expiry(morsel, now)
            if expires <= now:
                self._forget(key)
                continue
            self._store(key, morsel, host_only, expires)

    def _store(self, key: _Key, morsel: Morsel[str], host_only: bool, expires: float) -> None:
        domain, path, name = key
        if key not in self._used:
            if self._is_limited and not self._make_room(domain, bool(morsel["secure"])):
                return
            self._count_of[domain] += 1
        self._use(key)
        dict.__setitem__(self._cookies.setdefault((domain, path), SimpleCookie()), name, morsel)
        if host_only:
            self._host_only.add(key)
        else:
            self._host_only.discard(key)
        if expires == math.inf:
            self._expires.pop(key, None)
        else:
            self._expires[key] = expires
            self._next_expiry = min(self._next_expiry, expires)

    def _overlays_secure(self, domain: str, path: str, name: str) -> bool:
        """Whether a cookie would hide a ``Secure`` one, which plain HTTP may not (RFC 6265bis 5.7).

        Whoever sits between can answer in the name of any server there.
        """
        for (kept_domain, kept_path), group in self._cookies.items():
            morsel = group.get(name)
            if (
                morsel is not None
                and morsel["secure"]
                and (domain_matches(kept_domain, domain) or domain_matches(domain, kept_domain))
                and path_matches(kept_path, path)
            ):
                return True
        return False

    # --------------------------------------------------------------------- sending

    def filter_cookies(self, request_url: URL = URL()) -> SimpleCookie:
        """Return the cookies to send to *request_url*, those of longer paths first."""
        chosen: SimpleCookie = SimpleCookie()
        if not self._cookies:
            return chosen
        self._forget_expired()
        if not isinstance(request_url, URL):
            warnings.warn(
                f"filter_cookies({request_url!r}) is deprecated, pass a yarl.URL",
                DeprecationWarning,
                stacklevel=2,
            )
            request_url = URL(request_url)
        host = (request_url.raw_host or "").lower()
        groups = [
            (path, domain)
            for domain, path in self._cookies
            if (domain or path) and self._goes_to(domain, path, host, request_url.raw_path)
        ]
        # A host's own cookies win over a namesake of its domain; and those of longer paths, which
        # come first (RFC 6265 5.4).
        groups.sort(key=lambda group: (len(group[1]), len(group[0])), reverse=True)
        groups.append(("", ""))
        secure = self._is_secure(request_url)
        longest = max(len(request_url.raw_path), 1)
        size = len("Cookie: ") - len("; ")
        seen: set[str] = set()
        for path, domain in groups:
            for name, morsel in self._cookies.get((domain, path), {}).items():
                if domain != host and (domain, path, name) in self._host_only:
                    continue
                if (morsel["secure"] and not secure) or name in seen:
                    continue
                if len(morsel["path"]) > longest:
                    continue  # It ends with a slash that the request's path has not.
                seen.add(name)
                sent = _as_sent(morsel)
                more = len(f"; {sent.key}={sent.coded_value}".encode("utf-8", "surrogateescape"))
                # A header that the server refuses would lock the user out.
                full = len(chosen) >= MOST_PER_REQUEST or size + more > MOST_IN_HEADER
                if full and self._is_limited:
                    continue
                size += more
                dict.__setitem__(chosen, name, sent)
                self._use((domain, path, name))
        return chosen

    def _goes_to(self, domain: str, path: str, host: str, request_path: str) -> bool:
        if is_ip_address(host) and (not self._unsafe or domain != host):
            return False
        return domain_matches(domain, host) and path_matches(path, request_path)

    def _is_secure(self, url: URL) -> bool:
        if url.scheme in ("https", "wss"):
            return True
        return (
            bool(self._secure_origins) and bool(url.host) and url.origin() in self._secure_origins
        )

    # ---------------------------------------------------------------------- on disk

    def save(self, file_path: PathLike) -> None:
        """Write the cookies to a JSON file that only its owner may read."""
        self._forget_expired()
        stored: dict[str, dict[str, dict[str, Any]]] = {}
        for (domain, path), group in self._cookies.items():
            entries = stored.setdefault(f"{domain}|{path}", {})
            for name, morsel in group.items():
                entry: dict[str, Any] = {
                    "key": morsel.key,
                    "value": morsel.value,
                    "coded_value": morsel.coded_value,
                }
                entry.update({attr: setting for attr, setting in morsel.items() if setting})
                if (domain, path, name) in self._host_only:
                    entry["host_only"] = True
                if (expires := self._expires.get((domain, path, name))) is not None:
                    entry["expires_timestamp"] = expires
                entries[name] = entry
        target = Path(file_path)
        # Written beside and moved into place: a crash leaves the old cookies, not half of
        # the new ones. mkstemp makes the file readable by its owner alone.
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(stored, file, indent=2)
            with contextlib.suppress(FileNotFoundError):
                # Whoever made the file before has decided who may read it.
                os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def load(self, file_path: PathLike) -> None:
        """Replace the cookies by those of a file that :meth:`save` wrote.

        :raises ValueError: when the file is not one; pickles are never read, because
            reading one runs whatever its author wanted.
        """
        now = time.time()
        try:
            stored = json.loads(Path(file_path).read_bytes())
            loaded = [
                (group, name, _restored(entry), bool(entry.get("host_only")), _end(entry, now))
                for group, entries in stored.items()
                for name, entry in entries.items()
            ]
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise ValueError(
                f"{file_path} is not a cookie file of CookieJar.save(): {exc}"
            ) from exc
        self.clear()
        for group, name, morsel, host_only, expires in loaded:
            domain, _, path = group.partition("|")
            key = (domain, path.rstrip("/"), name)
            if expires <= now or not _can_be_sent(morsel):
                continue
            self._store(key, morsel, host_only, expires)

    @classmethod
    def _parse_date(cls, text: str) -> datetime.datetime | None:
        return parse_cookie_date(text)


class RequestCookies(CookieJar):
    """The cookies of one request, all of which its caller wants to be sent."""

    _is_limited = False


class DummyCookieJar(AbstractCookieJar):
    """Keeps no cookies and sends none: for programs that do without, such as proxies."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop  # type: ignore[assignment]

    @property
    def unsafe(self) -> bool:
        """Always false."""
        return False

    @property
    def quote_cookie(self) -> bool:
        """Always true."""
        return True

    @property
    def cookies(self) -> MappingProxyType[tuple[str, str], SimpleCookie]:
        """Always empty."""
        return MappingProxyType({})

    @property
    def host_only_cookies(self) -> frozenset[_Key]:
        """Always empty."""
        return frozenset()

    def __iter__(self) -> Iterator[Morsel[str]]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def clear(self, predicate: Callable[[Morsel[str]], bool] | None = None) -> None:
        """Nothing to forget."""

    def clear_domain(self, domain: str) -> None:
        """Nothing to forget."""

    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:
        """Keep nothing."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Keep nothing."""

    def filter_cookies(self, request_url: URL) -> SimpleCookie:
        """Return no cookies."""
        return SimpleCookie()


def _can_be_sent(morsel: Morsel[str]) -> bool:
    """Whether a ``Cookie`` header can hold it."""
    pair = f"{morsel.key}={morsel.coded_value}"
    if _CONTROL.search(pair):
        return False
    try:
        pair.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _as_sent(morsel: Morsel[str]) -> Morsel[str]:
    """The cookie without its attributes, which are not for the server."""
    sent = CookieMorsel()
    sent.__setstate__(  # type: ignore[attr-defined]
        {"key": morsel.key, "value": morsel.value, "coded_value": morsel.coded_value}
    )
    return sent


def _end(entry: dict[str, Any], now: float) -> float:
    """When a saved cookie ends."""
    expires = entry.get("expires_timestamp")
    if expires is None:
        return expiry(_restored(entry), now)
    if isinstance(expires, str) or not math.isfinite(expires):
        raise ValueError(f"expires_timestamp {expires!r} must be a finite number")
    return float(expires)


def _copied(morsel: Morsel[str]) -> Morsel[str]:
    # The jar fills in domain and path: not in the caller's object.
    copy = CookieMorsel()
    copy.__setstate__(  # type: ignore[attr-defined]
        {"key": morsel.key, "value": morsel.value, "coded_value": morsel.coded_value}
    )
    dict.update(copy, morsel)
    return copy


def _restored(entry: dict[str, Any]) -> Morsel[str]:
    morsel = CookieMorsel()
    fields = {name: entry[name] for name in ("key", "value", "coded_value")}
    if not all(isinstance(field, str) for field in fields.values()):
        raise ValueError(f"cookie {entry!r} has a field that is not text")
    morsel.__setstate__(fields)  # type: ignore[attr-defined]
    for attribute in list(morsel):
        if attribute in entry:
            dict.__setitem__(morsel, attribute, entry[attribute])
    return morsel
