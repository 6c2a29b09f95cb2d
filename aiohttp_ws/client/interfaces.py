"""What a replacement of a part of the client has to provide: a resolver, a cookie jar."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from http.cookies import BaseCookie, CookieError, Morsel, SimpleCookie
from types import MappingProxyType
from typing import Any, TypedDict

from yarl import URL

__all__ = ("AbstractCookieJar", "AbstractResolver", "ResolveResult")


class ResolveResult(TypedDict):
    """One address that a name resolves to."""

    #: The name that was asked for.
    hostname: str
    #: The address, as text.
    host: str
    port: int
    #: ``socket.AF_INET`` or ``socket.AF_INET6``.
    family: int
    proto: int
    flags: int


class AbstractResolver(ABC):
    """Turns host names into addresses for a connector."""

    @abstractmethod
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*; raise ``OSError`` when there is none."""

    @abstractmethod
    async def close(self) -> None:
        """Release what the resolver holds."""


class AbstractCookieJar(Sized, Iterable["Morsel[str]"]):
    """Keeps the cookies of a client session."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()

    @property
    @abstractmethod
    def unsafe(self) -> bool:
        """Whether cookies of servers named by an IP address are kept."""

    @property
    @abstractmethod
    def quote_cookie(self) -> bool:
        """Whether values are quoted when sent."""

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins that get ``Secure`` cookies without TLS."""
        return frozenset()

    @property
    @abstractmethod
    def cookies(self) -> MappingProxyType[tuple[str, str], SimpleCookie]:
        """The cookies by ``(domain, path)``, read only."""

    @property
    @abstractmethod
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """``(domain, path, name)`` of the cookies sent to their exact host only."""

    @abstractmethod
    def clear(self, predicate: Callable[[Morsel[str]], bool] | None = None) -> None:
        """Forget all cookies, or those for which *predicate* is true."""

    @abstractmethod
    def clear_domain(self, domain: str) -> None:
        """Forget the cookies of *domain* and of the hosts under it."""

    @abstractmethod
    def update_cookies(
        self,
        cookies: Mapping[str, str | BaseCookie[str] | Morsel[Any]]
        | Iterable[tuple[str, str | BaseCookie[str] | Morsel[Any]]]
        | BaseCookie[str],
        response_url: URL = URL(),
    ) -> None:
        """Keep *cookies* as received from *response_url*."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Keep the cookies of the ``Set-Cookie`` *headers* of a response."""
        received: list[tuple[str, str | BaseCookie[str] | Morsel[Any]]] = []
        for header in headers:
            cookie: SimpleCookie = SimpleCookie()
            try:
                cookie.load(header)
            except CookieError:  # one bad header does not cost the others
                continue
            received.extend(cookie.items())
        if received:
            self.update_cookies(received, response_url)

    @abstractmethod
    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        """Return the cookies to send with a request to *request_url*."""
