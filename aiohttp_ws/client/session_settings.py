"""What the requests of a session have in common, and what it means for each."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from multidict import CIMultiDict, istr
from yarl import URL

from .. import hdrs
from ..argument_types import (
    DEFAULT_JSON_ENCODER,
    JSONEncoder,
    LooseCookies,
    LooseHeaders,
    Query,
    StrOrURL,
)
from ..errors import InvalidUrlClientError, NonHttpUrlClientError
from ..http.auth import BasicAuth
from ..http.headers import HttpVersion, HttpVersion11
from ..http.payload import JsonBytesPayload, JsonPayload
from ..ws.listeners.receive import MessageConnection
from .connector import BaseConnector
from .cookiejar import CookieJar, RequestCookies
from .interfaces import AbstractCookieJar
from .plan import Plan
from .prepared import Prepared
from .request import ClientRequest
from .response import ClientResponse
from .sending import ClientMiddlewareType
from .tcp_connector import TCPConnector
from .timeouts import DEFAULT_TIMEOUT, ClientTimeout
from .unset import UNSET, Unset
from .websocket import ClientWebSocketResponse

if TYPE_CHECKING:
    from .tracing import TraceConfig

__all__ = ("RaiseForStatus", "SessionSettings")

#: ``proxy``, ``proxy_auth`` and ``proxy_headers``.
Way: TypeAlias = "tuple[StrOrURL | None, BasicAuth | None, LooseHeaders | None]"
RaiseForStatus: TypeAlias = "bool | Callable[[ClientResponse], Awaitable[None]]"


class SessionSettings:
    """The settings of a :class:`~aiohttp_ws.ClientSession`, which documents them."""

    ATTRS = frozenset(
        {
            "_base_url",
            "_connector",
            "_connector_owner",
            "_cookie_jar",
            "_default_auth",
            "_default_headers",
            "_default_proxy",
            "_default_proxy_auth",
            "_loop",
            "_prepared",
            "_trace_configs",
            "_trust_env",
            "_usual_plan",
            "_version",
        }
    )
    _connector: BaseConnector | None = None  # for __del__, when the constructor fails
    # Whether a subclass has a _prepare_headers() of its own.
    _has_prepare = False

    def __init__(
        self,
        base_url: StrOrURL | None = None,
        *,
        connector: BaseConnector | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        cookies: LooseCookies | None = None,
        headers: LooseHeaders | None = None,
        proxy: StrOrURL | None = None,
        proxy_auth: BasicAuth | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        auth: BasicAuth | None = None,
        json_serialize: JSONEncoder = DEFAULT_JSON_ENCODER,
        json_serialize_bytes: Callable[[Any], bytes] | None = None,
        request_class: type[ClientRequest] = ClientRequest,
        response_class: type[ClientResponse] = ClientResponse,
        ws_response_class: type[ClientWebSocketResponse] = ClientWebSocketResponse,
        version: HttpVersion | str = HttpVersion11,
        cookie_jar: AbstractCookieJar | None = None,
        connector_owner: bool = True,
        raise_for_status: RaiseForStatus = False,
        read_timeout: float | Unset | None = UNSET,
        conn_timeout: float | None = None,
        timeout: ClientTimeout | Unset | None = UNSET,
        auto_decompress: bool = True,
        trust_env: bool = False,
        requote_redirect_url: bool = True,
        trace_configs: list[TraceConfig] | None = None,
        read_bufsize: int = 2**18,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
        fallback_charset_resolver: Callable[[ClientResponse, bytes], str] = (
            lambda response, body: "utf-8"
        ),
        middlewares: Sequence[ClientMiddlewareType] = (),
        ssl_shutdown_timeout: float | Unset | None = UNSET,
    ) -> None:
        if loop is None:
            loop = asyncio.get_running_loop() if connector is None else connector._loop
        self._base_url = _checked_base(base_url)
        self._base_origin = None if self._base_url is None else self._base_url.origin()
        self._usual_plan = Plan(
            _session_timeout(timeout, read_timeout, conn_timeout),
            read_bufsize,
            auto_decompress,
            True,
            (max_line_size, max_field_size, max_headers),
        )
        if connector is None:
            connector = TCPConnector(loop=loop)
            if ssl_shutdown_timeout is not UNSET:
                warnings.warn(
                    "ssl_shutdown_timeout is deprecated: connections end without waiting for"
                    " TLS's close_notify",
                    DeprecationWarning,
                    stacklevel=2,
                )
                connector._ssl_shutdown_timeout = ssl_shutdown_timeout
        elif connector._loop is not loop:
            raise RuntimeError("Session and connector has to use same event loop")
        self._loop = loop
        self._cookie_jar = CookieJar() if cookie_jar is None else cookie_jar
        if cookies:
            self._cookie_jar.update_cookies(cookies)
        self._connector = connector
        self._connector_owner = connector_owner
        #: Connections that an upgrade took out of the connector; they end with the session.
        self._websockets: set[MessageConnection] = set()
        self._default_auth = auth
        self._default_proxy = proxy
        self._default_proxy_auth = proxy_auth
        self._trust_env = trust_env
        self._version = version
        self._json_serialize = json_serialize
        self._json_serialize_bytes = json_serialize_bytes
        self._raise_for_status = raise_for_status
        self._requote_redirect_url = requote_redirect_url
        self._default_headers: CIMultiDict[str] = CIMultiDict(headers or ())
        self._skip_auto_headers = frozenset(istr(name) for name in skip_auto_headers or ())
        self._skip_lower = frozenset(name.lower() for name in self._skip_auto_headers)
        self._request_class = request_class
        self._response_class = response_class
        self._ws_response_class = ws_response_class
        self._prepared = Prepared()
        self._resolve_charset = fallback_charset_resolver
        self._middlewares = tuple(middlewares)
        self._trace_configs = trace_configs or []
        for trace_config in self._trace_configs:
            trace_config.freeze()

    # ----------------------------------------------------------------------- its settings

    @property
    def closed(self) -> bool:
        """Whether the session, or its connector, is closed."""
        return self._connector is None or self._connector.closed

    @property
    def connector(self) -> BaseConnector | None:
        """What makes the connections; ``None`` after :meth:`close` or :meth:`detach`."""
        return self._connector

    @property
    def connector_owner(self) -> bool:
        """Whether :meth:`close` closes the connector."""
        return self._connector_owner

    @property
    def cookie_jar(self) -> AbstractCookieJar:
        """The cookies."""
        return self._cookie_jar

    @property
    def version(self) -> HttpVersion | str:
        """The HTTP version of requests."""
        return self._version

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop; deprecated, use :func:`asyncio.get_running_loop`."""
        warnings.warn(
            "client.loop property is deprecated, use asyncio.get_running_loop()",
            DeprecationWarning,
            stacklevel=2,
        )
        return self._loop

    @property
    def timeout(self) -> ClientTimeout:
        """The limits of requests that bring none."""
        return self._usual_plan.timeout

    @property
    def _timeout(self) -> ClientTimeout:
        # aiohttp's name, which users read and set.
        return self._usual_plan.timeout

    @_timeout.setter
    def _timeout(self, value: ClientTimeout) -> None:
        self._usual_plan = self._usual_plan._replace(timeout=value)

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers of every request."""
        return self._default_headers

    @property
    def skip_auto_headers(self) -> frozenset[istr]:
        """Names of the headers that are not added."""
        return self._skip_auto_headers

    @property
    def auth(self) -> BasicAuth | None:
        """The credentials of every request."""
        return self._default_auth

    @property
    def json_serialize(self) -> JSONEncoder:
        """What makes JSON text of ``json=``."""
        return self._json_serialize

    @property
    def raise_for_status(self) -> RaiseForStatus:
        """What happens to responses of 400 and above."""
        return self._raise_for_status

    @property
    def auto_decompress(self) -> bool:
        """Whether compressed bodies are decoded."""
        return self._usual_plan.auto_decompress

    @property
    def trust_env(self) -> bool:
        """Whether proxies and logins are taken from the environment."""
        return self._trust_env

    @property
    def trace_configs(self) -> list[TraceConfig]:
        """What is told of requests."""
        return self._trace_configs

    @property
    def requote_redirect_url(self) -> bool:
        """Whether ``Location`` is percent-encoded where it needs it."""
        return self._requote_redirect_url

    @requote_redirect_url.setter
    def requote_redirect_url(self, value: bool) -> None:
        warnings.warn(
            "setting session.requote_redirect_url is deprecated, pass it to the constructor",
            DeprecationWarning,
            stacklevel=2,
        )
        self._requote_redirect_url = value

    # -------------------------------------------------------------- the parts of a request

    def _json_body(self, data: Any, json: Any) -> Any:
        if data is not None:
            raise ValueError("data and json parameters can not be used at the same time")
        if self._json_serialize_bytes is not None:
            return JsonBytesPayload(json, dumps=self._json_serialize_bytes)
        return JsonPayload(json, dumps=self._json_serialize)

    def _plan(
        self,
        timeout: ClientTimeout | float | Unset | None,
        read_bufsize: int | None,
        auto_decompress: bool | None,
        read_until_eof: bool,
        limits: tuple[int | None, int | None, int | None],
    ) -> Plan:
        usual = self._usual_plan
        if timeout is UNSET:
            timeout = usual.timeout
        elif not isinstance(timeout, ClientTimeout):
            timeout = ClientTimeout(total=timeout)
        line, field, count = (
            default if given is None else given
            for given, default in zip(limits, usual.limits, strict=True)
        )
        return Plan(
            timeout,
            usual.read_bufsize if read_bufsize is None else read_bufsize,
            usual.auto_decompress if auto_decompress is None else auto_decompress,
            read_until_eof,
            (line, field, count),
        )

    def _build_url(self, str_or_url: StrOrURL) -> URL:
        """Join a URL to the session's; subclasses may make another of it."""
        url = URL(str_or_url)
        if self._base_url is not None and not url.absolute:
            url = self._base_url.join(url)
        return url

    def _asked_url(self, str_or_url: StrOrURL, params: Query, connector: BaseConnector) -> URL:
        try:
            url = self._build_url(str_or_url)
        except ValueError as exc:
            raise InvalidUrlClientError(str_or_url, str(exc)) from exc
        if params:
            url = url.extend_query(params)
        if url.scheme not in connector.allowed_protocol_schema_set:
            raise NonHttpUrlClientError(url)
        if not url.raw_host:
            raise InvalidUrlClientError(url, "it has no host")
        return url

    def _prepare_headers(self, headers: LooseHeaders | None) -> CIMultiDict[str]:
        """Put *headers* over the session's; subclasses may add to the result."""
        merged = self._default_headers.copy()
        if headers:
            given = headers if isinstance(headers, CIMultiDict) else CIMultiDict(headers)
            if merged:
                for name in set(given):
                    merged.popall(name, None)
            merged.extend(given)
        return merged

    def _way(
        self,
        proxy: StrOrURL | None,
        proxy_auth: BasicAuth | None,
        proxy_headers: LooseHeaders | None,
    ) -> Way | None:
        """The arguments of a request about its proxy, or those of the session."""
        proxy = self._default_proxy if proxy is None else proxy
        proxy_auth = self._default_proxy_auth if proxy_auth is None else proxy_auth
        if proxy is None and not self._trust_env:
            return None
        return proxy, proxy_auth, proxy_headers

    def _cookies_for(self, url: URL, cookies: LooseCookies | None) -> Mapping[str, Any] | None:
        jar = self._cookie_jar
        kept = jar.filter_cookies(url) if len(jar) else None
        if not cookies:
            return kept
        own = RequestCookies(
            unsafe=True,
            quote_cookie=jar.quote_cookie,
            treat_as_secure_origin=tuple(jar.treat_as_secure_origin),
        )
        own.update_cookies(cookies)
        chosen: SimpleCookie = SimpleCookie()
        chosen.update(kept or {})
        chosen.update(own.filter_cookies(url))
        return chosen

    def _auth_for(self, url: URL, headers: CIMultiDict[str] | None, first: URL) -> BasicAuth | None:
        """The session's credentials, where they belong: to one origin.

        :param first: the URL of the call, whose redirects may lead elsewhere.
        """
        auth = self._default_auth
        if auth is None or (headers is not None and hdrs.AUTHORIZATION in headers):
            return None
        if url.raw_user is not None:
            return None  # the URL's own credentials are closer
        if self._base_origin is not None:
            return auth if self._base_origin == url.origin() else None
        if url is not first and url.origin() != first.origin():
            return None
        return auth


def _checked_base(base_url: StrOrURL | None) -> URL | None:
    if base_url is None:
        return None
    base = URL(base_url)
    if not base.absolute:
        raise ValueError(f"base_url {str(base)!r} has no host: pass an absolute URL")
    if not base.raw_path.endswith("/"):
        raise ValueError(f"base_url {str(base)!r} must have a trailing '/'")
    return base


def _session_timeout(
    timeout: Any, read_timeout: float | Unset | None, conn_timeout: float | None
) -> ClientTimeout:
    if timeout is UNSET or timeout is None:
        chosen = DEFAULT_TIMEOUT
        if read_timeout is not UNSET:
            warnings.warn(
                "read_timeout is deprecated, use timeout=ClientTimeout(total=...)",
                DeprecationWarning,
                stacklevel=3,
            )
            chosen = attrs.evolve(DEFAULT_TIMEOUT, total=read_timeout, connect=conn_timeout)
        elif conn_timeout is not None:
            warnings.warn(
                "conn_timeout is deprecated, use timeout=ClientTimeout(connect=...)",
                DeprecationWarning,
                stacklevel=3,
            )
            chosen = attrs.evolve(DEFAULT_TIMEOUT, connect=conn_timeout)
        return chosen
    if not isinstance(timeout, ClientTimeout):
        raise ValueError(
            f"timeout is {type(timeout).__name__}, please use timeout=ClientTimeout(...)"
        )
    if read_timeout is not UNSET or conn_timeout is not None:
        raise ValueError("timeout excludes read_timeout and conn_timeout; pass timeout only")
    return timeout
