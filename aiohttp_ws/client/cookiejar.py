"""The cookies of a client session: what to keep and what to send back (RFC 6265 5)."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import math
import os
import tempfile
import time
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


class CookieJar(AbstractCookieJar):
    """Keeps cookies as a browser does, in memory.

    :param unsafe: also keep cookies of servers named by an IP address, which RFC 6265 leaves
        out because an address changes hands.
    :param quote_cookie: quote the values of cookies given by the user where RFC 6265 4.1.1
        does not allow them bare. Cookies of servers go back as they came.
    :param treat_as_secure_origin: an origin, or several, that get ``Secure`` cookies without
        TLS.
    """

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
            key = (domain, path, name)
            morsel["domain"] = domain
            morsel["path"] = path or "/"
            expires = expiry(morsel, now)
            if expires <= now:
                self._forget(key)
                continue
            group = self._cookies.setdefault((domain, path), SimpleCookie())
            dict.__setitem__(group, name, morsel)
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
        request_url = URL(request_url)
        host = (request_url.raw_host or "").lower()
        groups = [
            (path, domain)
            for domain, path in self._cookies
            if (domain or path) and self._goes_to(domain, path, host, request_url.raw_path)
        ]
        # RFC 6265 5.4: cookies with longer paths come first, and win over a namesake.
        groups.sort(key=lambda group: len(group[0]), reverse=True)
        groups.append(("", ""))
        secure = self._is_secure(request_url)
        for path, domain in groups:
            for name, morsel in self._cookies.get((domain, path), {}).items():
                if domain != host and (domain, path, name) in self._host_only:
                    continue
                if (morsel["secure"] and not secure) or name in chosen:
                    continue
                dict.__setitem__(chosen, name, morsel)
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
                    entry["expires_at"] = expires
                entries[name] = entry
        target = Path(file_path)
        # Written beside and moved into place: a crash leaves the old cookies, not half of
        # the new ones. mkstemp makes the file readable by its owner alone.
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(stored, file, indent=2)
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
        try:
            stored = json.loads(Path(file_path).read_bytes())
            loaded = [
                (group, name, _restored(entry), entry)
                for group, entries in stored.items()
                for name, entry in entries.items()
            ]
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise ValueError(
                f"{file_path} is not a cookie file of CookieJar.save(): {exc}"
            ) from exc
        self.clear()
        now = time.time()
        for group, name, morsel, entry in loaded:
            domain, _, path = group.partition("|")
            key = (domain, path, name)
            expires = entry.get("expires_at")
            expires = float(expires) if expires is not None else expiry(morsel, now)
            if expires <= now:
                continue
            dict.__setitem__(self._cookies.setdefault((domain, path), SimpleCookie()), name, morsel)
            if entry.get("host_only"):
                self._host_only.add(key)
            if expires != math.inf:
                self._expires[key] = expires
                self._next_expiry = min(self._next_expiry, expires)

    @classmethod
    def _parse_date(cls, text: str) -> datetime.datetime | None:
        return parse_cookie_date(text)


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
