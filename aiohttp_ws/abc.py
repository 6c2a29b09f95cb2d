"""Abstract base classes: what a replacement of one of our parts has to provide.

The names are those of ``aiohttp.abc``. Nothing here imports the floors above, so any
of them can implement an interface without a circle.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence, Sized
from http.cookies import BaseCookie, CookieError, Morsel, SimpleCookie
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict

from multidict import CIMultiDict
from yarl import URL

from .typedefs import Byteish

if TYPE_CHECKING:
    from .web.application import Application
    from .web.exceptions import HTTPException
    from .web.request import BaseRequest, Request
    from .web.stream_response import StreamResponse

__all__ = (
    "AbstractAccessLogger",
    "AbstractCookieJar",
    "AbstractMatchInfo",
    "AbstractResolver",
    "AbstractRouter",
    "AbstractStreamWriter",
    "AbstractView",
    "ResolveResult",
)


class AbstractRouter(ABC):
    """Finds the handler of a request."""

    def __init__(self) -> None:
        self._frozen = False

    def post_init(self, app: Application) -> None:  # noqa: B027 - optional
        """Called once with the application that the router serves."""

    @property
    def frozen(self) -> bool:
        """Whether routes may no longer be added."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse further routes; called before the application starts."""
        self._frozen = True

    @abstractmethod
    async def resolve(self, request: Request) -> AbstractMatchInfo:
        """Return the match for *request*; a miss is a match that raises 404 or 405."""


class AbstractMatchInfo(ABC):
    """What a router found for one request."""

    __slots__ = ()

    @property
    @abstractmethod
    def handler(self) -> Callable[[Request], Awaitable[StreamResponse]]:
        """The coroutine function that answers the request."""

    @property
    @abstractmethod
    def expect_handler(self) -> Callable[[Request], Awaitable[StreamResponse | None]]:
        """The coroutine function that deals with the request's ``Expect`` header."""

    @property
    @abstractmethod
    def http_exception(self) -> HTTPException | None:
        """The exception that answers when nothing matched, else ``None``."""

    @abstractmethod
    def get_info(self) -> dict[str, Any]:
        """Details of the matched resource, for introspection."""

    @property
    @abstractmethod
    def apps(self) -> tuple[Application, ...]:
        """The nested applications on the way to the handler, outermost first."""

    @abstractmethod
    def add_app(self, app: Application) -> None:
        """Put *app* in front of :attr:`apps`; ``RuntimeError`` after :meth:`freeze`."""

    @abstractmethod
    def freeze(self) -> None:
        """Refuse further :meth:`add_app`; called once the whole nesting is known."""


class AbstractView(ABC):
    """Base of class-based handlers: ``await View(request)`` gives the response."""

    def __init__(self, request: Request) -> None:
        self._request = request

    @property
    def request(self) -> Request:
        """The request being answered."""
        return self._request

    @abstractmethod
    def __await__(self) -> Generator[None, None, StreamResponse]:
        """Run the view."""


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


class AbstractStreamWriter(ABC):
    """The outgoing side of one HTTP message."""

    #: Bytes written since the transport was last waited for.
    buffer_size: int = 0
    #: Bytes of body sent so far, framing included.
    output_size: int = 0
    #: Bytes of body still expected when ``Content-Length`` is known, else ``None``.
    length: int | None = 0
    #: Called with the sizes of a body chunk before and after the framing.
    on_body_write: Callable[[int, int], None] | None = None

    @property
    def transport(self) -> asyncio.WriteTransport | None:
        """The transport written to, or ``None`` when the connection is gone."""
        return None

    @abstractmethod
    async def write(self, chunk: Byteish) -> None:
        """Write a piece of the body."""

    @abstractmethod
    async def write_eof(self, chunk: bytes = b"") -> None:
        """Write the last piece of the body and end the message."""

    @abstractmethod
    async def drain(self) -> None:
        """Wait until the transport's buffer is below its high-water mark."""

    @abstractmethod
    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """Compress what is written from now on."""

    @abstractmethod
    def enable_chunking(self) -> None:
        """Send the body in chunks (RFC 9112 7.1)."""

    @abstractmethod
    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        """Write the head of the message."""

    def send_headers(self) -> None:  # noqa: B027 - optional
        """Send a head that was held back to leave with the first piece of body."""


class AbstractAccessLogger(ABC):
    """Writes one line for each answered request.

    :param logger: where to write.
    :param log_format: the format; its meaning is the subclass's own.
    """

    __slots__ = ("log_format", "logger")

    def __init__(self, logger: logging.Logger, log_format: str) -> None:
        self.logger = logger
        self.log_format = log_format

    @abstractmethod
    def log(self, request: BaseRequest, response: StreamResponse, time: float) -> None:
        """Log *request*, answered by *response* after *time* seconds."""

    @property
    def enabled(self) -> bool:
        """Whether :meth:`log` should be called at all."""
        return True
