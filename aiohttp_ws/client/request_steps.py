"""The steps of making a request's head and body from what was asked for.

The constructor of a :class:`~aiohttp_ws.ClientRequest` takes them in order; middlewares take some
of them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import BaseCookie
from typing import Any, Final

from multidict import CIMultiDict
from yarl import URL

from .. import hdrs
from ..argument_types import LooseCookies, LooseHeaders, StrOrURL
from ..errors import InvalidURL
from ..http.auth import BasicAuth
from ..http.codings import is_supported, supported_codings
from ..http.cookies import cookie_header, make_cookie, parse_cookie_header
from ..http.forms import FormData
from ..http.headers import HttpVersion, HttpVersion11
from ..http.payload import PAYLOAD_REGISTRY, Payload
from ..http.payload_base import LookupError
from ..http.software import SERVER_SOFTWARE
from .hosts import host_fault, without_zone
from .proxy import Proxy, proxy_of

__all__ = ("RequestSteps",)

_METHODS_WITHOUT_CONTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})


class RequestSteps:
    """What a :class:`~aiohttp_ws.ClientRequest` consists of, and how it comes to be."""

    DEFAULT_HEADERS: Final = {
        hdrs.ACCEPT: "*/*",
        hdrs.ACCEPT_ENCODING: ", ".join(supported_codings()),
        hdrs.USER_AGENT: SERVER_SOFTWARE,
    }

    #: The request's method, in upper case, and its URL without the fragment.
    method = "GET"
    url = URL()
    #: The headers.
    headers: CIMultiDict[str]
    #: The login that the URL named.
    auth: BasicAuth | None = None
    #: The content coding of the body, whether it goes in chunks, and after a 100.
    compress: str | bool | None = None
    chunked: bool | None = None
    expect100 = False
    #: The proxy, the login for it, and what else it is told; set by :meth:`update_proxy`.
    proxy: URL | None = None
    proxy_auth: BasicAuth | None = None
    proxy_headers: CIMultiDict[str] | None = None
    version: HttpVersion = HttpVersion11
    original_url: URL
    _body: Payload | None = None
    _skip: frozenset[str] = frozenset()
    _proxy: Proxy | None = None

    def update_version(self, version: HttpVersion | str) -> None:
        """Set the version of HTTP, given as ``"1.1"`` or an :class:`~aiohttp_ws.HttpVersion`.

        :raises ValueError: for other text.
        """
        if isinstance(version, str):
            major, _, minor = version.partition(".")
            try:
                version = HttpVersion(int(major), int(minor))
            except ValueError:
                raise ValueError(f'version {version!r} is not one of HTTP, such as "1.1"') from None
        self.version = version

    def update_host(self, url: URL) -> None:
        """Check the host of *url*, and take the login that it names.

        :raises InvalidURL: it has no host, or one that cannot be asked.
        """
        host = url.raw_host
        if not host:
            raise InvalidURL(url, "it has no host")
        fault = host_fault(host)
        if fault is not None:
            raise InvalidURL(url, fault)
        if url.raw_user is not None or url.raw_password is not None:
            self.auth = BasicAuth.from_url(url)

    def update_headers(self, headers: LooseHeaders | None) -> None:
        """Begin the headers with ``Host`` and those that are given."""
        host = self.url.host_port_subcomponent or ""
        if "%" in host:
            host = without_zone(host)
        if host.endswith("."):
            host = host.rstrip(".")
        own: CIMultiDict[str] = CIMultiDict()
        self.headers = own
        if not headers:
            own[hdrs.HOST] = host
            return
        given = headers if isinstance(headers, CIMultiDict) else CIMultiDict(headers)
        own[hdrs.HOST] = given.get(hdrs.HOST, host)
        for name, value in given.items():
            if name.lower() != "host":
                own.add(name, value)

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add the headers that every request has, but for *skip_auto_headers*."""
        if skip_auto_headers:
            self._skip = frozenset(map(str.lower, skip_auto_headers))
        skip, headers = self._skip, self.headers
        for auto, value in self.DEFAULT_HEADERS.items():
            if auto not in headers and (not skip or auto.lower() not in skip):
                headers.add(auto, value)

    def update_cookies(self, cookies: LooseCookies | None) -> None:
        """Add *cookies* to the ``Cookie`` header, replacing those of the same name.

        :raises ValueError: for a name or a value that no cookie can have.
        """
        if not cookies:
            return
        chosen: dict[str, Any] = {}
        if hdrs.COOKIE in self.headers:
            for header in self.headers.popall(hdrs.COOKIE):
                chosen.update(parse_cookie_header(header))
        pairs: Iterable[tuple[str, Any]]
        pairs = cookies.items() if hasattr(cookies, "items") else cookies
        for name, value in pairs:
            if isinstance(value, BaseCookie):
                chosen.update(value)
                continue
            chosen[name] = value if hasattr(value, "coded_value") else make_cookie(name, value)
        if chosen:
            self.headers[hdrs.COOKIE] = cookie_header(chosen.values())

    def update_auth(self, auth: BasicAuth | None, trust_env: bool = False) -> None:
        """Set the ``Authorization`` header from *auth*, or else from the URL.

        :param trust_env: of no effect: sessions look up the login.
        :raises TypeError: when *auth* is not a :class:`~aiohttp_ws.BasicAuth`.
        """
        auth = auth or self.auth
        if auth is None:
            return
        if not isinstance(auth, BasicAuth):
            raise TypeError(f"auth is {type(auth).__name__}, pass a BasicAuth")
        self.headers[hdrs.AUTHORIZATION] = auth.encode()
        if self.original_url.raw_user is not None or self.original_url.raw_password is not None:
            self.original_url = self.original_url.with_user(None)
            self.url = self.url.with_user(None)

    def update_proxy(
        self,
        proxy: StrOrURL | None,
        proxy_auth: BasicAuth | None = None,
        proxy_headers: LooseHeaders | None = None,
    ) -> None:
        """Send the request through *proxy*, or directly for ``None``.

        :raises InvalidURL: *proxy* is not the URL of a proxy.
        :raises ValueError: *proxy_auth* is not a :class:`~aiohttp_ws.BasicAuth`.
        """
        if proxy is None:
            self.proxy = self.proxy_auth = self.proxy_headers = self._proxy = None
            return
        # RFC 6455 4.1: WebSockets go through a tunnel, with TLS or without.
        tunnels = self.url.scheme != "http" or hdrs.UPGRADE in self.headers
        self._proxy = proxy_of(proxy, proxy_auth, proxy_headers, tunnels=tunnels)
        self.proxy, self.proxy_auth = URL(proxy), proxy_auth
        self.proxy_headers = None if proxy_headers is None else CIMultiDict(proxy_headers)

    # ------------------------------------------------------------------------------ body

    def update_content_encoding(self, data: Any) -> None:
        """Choose the content coding of the body.

        :raises ValueError: it is unknown, or there is a ``Content-Encoding`` already.
        """
        if not data:
            self.compress = None  # Nothing becomes no smaller.
        if not self.compress:
            return
        if hdrs.CONTENT_ENCODING in self.headers:
            raise ValueError("compress= and a Content-Encoding header: pass one of them")
        if self.compress is True:
            self.compress = "deflate"
        if not is_supported(self.compress):
            known = " or ".join(supported_codings())
            raise ValueError(f"compress={self.compress!r} is not {known}")
        self.headers[hdrs.CONTENT_ENCODING] = self.compress
        self.chunked = True  # its length is known only afterwards

    def update_body_from_data(self, body: Any) -> None:
        """Set the body and the headers that describe it; ``None`` is none."""
        headers = self.headers
        if body is None:
            self._body = None
            if (
                not self.chunked
                and self.method not in _METHODS_WITHOUT_CONTENT
                and hdrs.TRANSFER_ENCODING not in headers
            ):
                # RFC 9110 8.6: the method could have content, and this request has none.
                headers.setdefault(hdrs.CONTENT_LENGTH, "0")
            return
        if isinstance(body, FormData):
            body = body()
        try:
            # A body's own header fields: a file's name belongs into parts of forms only.
            payload = PAYLOAD_REGISTRY.get(body, disposition=None)
        except LookupError:
            payload = FormData(body)()
        self._body = payload
        if not (
            self.chunked or hdrs.CONTENT_LENGTH in headers or hdrs.TRANSFER_ENCODING in headers
        ):
            size = payload.size
            if size is None:
                self.chunked = True
            else:
                headers[hdrs.CONTENT_LENGTH] = str(size)
        for name, value in payload.headers.items():
            # BytesPayload of json= and forms say what they are, unless the caller does.
            if name not in headers and name.lower() not in self._skip:
                headers[name] = value

    def update_transfer_encoding(self) -> None:
        """Decide whether the body is sent in chunks (RFC 9112 6).

        :raises ValueError: headers and arguments contradict each other, or the version of HTTP has
            no chunks.
        """
        headers = self.headers
        codings = headers.getall(hdrs.TRANSFER_ENCODING, ())
        if codings:
            if [coding.lower() for coding in codings] != ["chunked"]:
                raise ValueError(
                    f"Transfer-Encoding {', '.join(codings)!r} is not chunked, the only coding"
                    " of a request (RFC 9112 6.1)"
                )
            if self.chunked:
                raise ValueError("chunked=True and a Transfer-Encoding header: pass one of them")
            self.chunked = True
        if not self.chunked:
            return
        if hdrs.CONTENT_LENGTH in headers:
            # RFC 9112 6.2: two lengths are two messages to somebody.
            raise ValueError("Content-Length header and a chunked body exclude each other")
        if self.version < HttpVersion11:
            raise ValueError("a body of unknown length needs HTTP/1.1, the request is 1.0")
        headers.setdefault(hdrs.TRANSFER_ENCODING, "chunked")

    def update_expect_continue(self, expect: bool = False) -> None:
        """Ask the server before the body is sent, where *expect* or a header says so."""
        if expect:
            self.headers[hdrs.EXPECT] = "100-continue"
        self.expect100 = self.headers.get(hdrs.EXPECT, "").lower() == "100-continue"

    async def update_body(self, body: Any) -> None:
        """Replace the body; for middlewares.

        :param body: as ``data=`` of a request; ``None`` for no body.
        """
        if self._body is not None and body is not self._body:
            await self._body.close()
        self._replace_body(body)

    def _replace_body(self, body: Any) -> None:
        for name in (hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING):
            self.headers.popall(name, None)
        if body is not self._body and body is not None:
            self.headers.popall(hdrs.CONTENT_TYPE, None)
        self._body = None
        self.update_body_from_data(body)
        if self.chunked:
            self.update_transfer_encoding()
