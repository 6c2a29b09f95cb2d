"""One call of a session: the request, and those that redirects make of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from multidict import CIMultiDict
from yarl import URL

from .. import hdrs
from ..argument_types import LooseCookies
from ..errors import (
    ClientError,
    ClientOSError,
    ClientPayloadError,
    InvalidURL,
    InvalidUrlClientError,
    TooManyRedirects,
)
from ..http.auth import BasicAuth
from .fingerprint import SSLSetting
from .proxy import login_from_netrc, proxy_from_environment
from .redirects import (
    BODY_HEADERS,
    ORIGIN_HEADERS,
    REDIRECT_STATUSES,
    becomes_get,
    has_login,
    next_url,
)
from .sending import ClientMiddlewareType, send, send_through
from .upload import UploadTracker

if TYPE_CHECKING:
    from .connector import BaseConnector
    from .plan import Plan
    from .request import ClientRequest
    from .response import ClientResponse
    from .session import ClientSession
    from .session_settings import RaiseForStatus, Way
    from .tracing import Trace, TraceConfig

__all__ = ("Call",)


class Call:
    """What is asked for; redirects change it."""

    __slots__ = (
        "auth",
        "chunked",
        "compress",
        "cookies",
        "data",
        "expect100",
        "first",
        "headers",
        "history",
        "method",
        "request",
        "server_hostname",
        "session",
        "skip_auto_headers",
        "ssl",
        "traces",
        "tracker",
        "url",
        "way",
    )

    def __init__(
        self,
        session: ClientSession,
        method: str,
        url: URL,
        data: Any,
        headers: CIMultiDict[str] | None,
        cookies: LooseCookies | None,
        auth: BasicAuth | None,
        skip_auto_headers: frozenset[str],
        compress: str | bool | None,
        chunked: bool | None,
        expect100: bool,
        ssl: SSLSetting,
        server_hostname: str | None,
        tracker: UploadTracker | None,
        way: Way | None,
    ) -> None:
        self.session = session
        self.method = method.upper()
        self.url = self.first = url
        self.data = data
        self.headers = headers
        self.cookies = cookies
        self.auth = auth
        self.skip_auto_headers = skip_auto_headers
        self.compress = compress
        self.chunked = chunked
        self.expect100 = expect100
        self.ssl = ssl
        self.server_hostname = server_hostname
        self.tracker = tracker
        self.way = way
        self.history: list[ClientResponse] | None = None
        self.request: ClientRequest | None = None
        self.traces: list[Trace] | None = None

    async def run(
        self,
        connector: BaseConnector,
        plan: Plan,
        deadline: float,
        middlewares: Sequence[ClientMiddlewareType],
        max_redirects: int | None,
        check: RaiseForStatus,
        answered: ClientResponse | None = None,
        fresh: bool = False,
    ) -> ClientResponse:
        """Send the request, follow redirects, return the last response.

        :param max_redirects: the most to follow; ``None`` follows none and returns the first
            response, whatever it is.
        :param check: ``raise_for_status`` of the call.
        :param answered: the response to the request, where it was sent already.
        :param fresh: send the request on a new connection.
        """
        try:
            while True:
                way, login = self.way, None
                if answered is not None:
                    response, answered = answered, None
                    request = self.request = cast("ClientRequest", response._request)
                else:
                    if self.session._trust_env:
                        way, login = await self._from_environment(connector)
                    request = self._next_request(way, login)
                    if middlewares:
                        response = await send_through(
                            middlewares, connector, request, plan, deadline
                        )
                    else:
                        response = await send(connector, request, plan, deadline, fresh)
                        fresh = False
                keep_cookies(self.session, response)
                if max_redirects is None or response.status not in REDIRECT_STATUSES:
                    break
                if self.traces is not None:
                    await self._tell_of_redirect(self.traces, response)
                target = self._target(response, max_redirects)
                if target is None:
                    break
                await self._redirect(request, response, target)
        except BaseException as exc:
            await self._give_up()
            if isinstance(exc, OSError) and not isinstance(
                exc, (ClientError, asyncio.TimeoutError)
            ):
                raise ClientOSError(*exc.args) from exc
            raise
        if self.history is not None:
            response._history = tuple(self.history)
        body = request._body
        if body is not None and not body.autoclose:
            await self._close_body(request, response)
        if check:
            await check_status(response, check)
        return response

    async def traced(
        self,
        run: Coroutine[Any, Any, ClientResponse],
        configs: Iterable[TraceConfig],
        trace_request_ctx: object,
    ) -> ClientResponse:
        """Await *run*, a call of :meth:`run`, and tell *configs* of it."""
        from .tracing import Trace, tell  # Most sessions have no need of it.

        # A function that is told of the start may change the headers: those of this call alone.
        headers = self.headers = CIMultiDict(self.headers or ())
        self.traces = []  # Those that know of the start, and so hear of the end.
        response: ClientResponse | None = None
        try:
            for config in configs:
                context = config.trace_config_ctx(trace_request_ctx=trace_request_ctx)
                trace = Trace(self.session, config, context)
                await trace.send_request_start(self.method, self.url, headers)
                self.traces.append(trace)
            response = await run
            await tell(
                self.traces, "send_request_end", self.method, self.url, self.headers, response
            )
        except BaseException as exc:
            run.close()
            if response is not None:
                response.close()
            await tell(
                self.traces, "send_request_exception", self.method, self.url, self.headers, exc
            )
            raise
        return response

    async def _tell_of_redirect(self, traces: list[Trace], response: ClientResponse) -> None:
        from .tracing import tell

        try:
            await tell(
                traces, "send_request_redirect", self.method, self.url, self.headers, response
            )
        except BaseException:
            response.close()
            raise

    async def _from_environment(
        self, connector: BaseConnector
    ) -> tuple[Way | None, BasicAuth | None]:
        """The way that the environment names for this URL, and the login, where there is none."""
        way, url = self.way, self.url
        asks = way is not None and way[0] is None and connector._takes_proxies
        # In a thread: there are files to read, and on Windows names to resolve.
        proxy = await asyncio.to_thread(proxy_from_environment, url) if asks else None
        if way is not None and way[0] is None:
            way = None if proxy is None else (proxy, *way[1:])
        login = None
        given = self.auth or self.session._auth_for(url, self.headers, self.first)
        in_url = url.raw_user is not None or url.raw_password is not None
        in_headers = self.headers is not None and hdrs.AUTHORIZATION in self.headers
        if given is None and not in_url and not in_headers and url.host:
            login = await asyncio.to_thread(login_from_netrc, url.host)
        return way, login

    def _next_request(self, way: Way | None, login: BasicAuth | None) -> ClientRequest:
        session, url = self.session, self.url
        if self.auth is not None and has_login(url) and not self.history:
            raise ValueError(
                "Cannot combine AUTH argument with credentials encoded in URL; pass one of them"
            )
        proxied: dict[str, Any] = {}
        if way is not None:
            proxied = dict(zip(("proxy", "proxy_auth", "proxy_headers"), way, strict=True))
        try:
            request = session._request_class(
                self.method,
                url,
                session=session,
                headers=self.headers,
                skip_auto_headers=self.skip_auto_headers,
                data=self.data,
                cookies=session._cookies_for(url, self.cookies),
                auth=self.auth or session._auth_for(url, self.headers, self.first) or login,
                version=session._version,
                compress=self.compress,
                chunked=self.chunked,
                expect100=self.expect100,
                response_class=session._response_class,
                ssl=self.ssl,
                server_hostname=self.server_hostname,
                upload_tracker=self.tracker,
                traces=self.traces,
                **proxied,
            )
        except InvalidURL as exc:
            raise InvalidUrlClientError(exc.url, exc.description) from exc
        self.request = request
        return request

    def _target(self, response: ClientResponse, max_redirects: int) -> URL | None:
        try:
            target = next_url(response, self.url, self.session._requote_redirect_url)
            history = (*(self.history or ()), response)
            if target is not None and len(history) >= max_redirects > 0:
                raise TooManyRedirects(
                    history[0].request_info,
                    history,
                    status=response.status,
                    message=f"max_redirects={max_redirects} redirects came",
                    headers=response.headers,
                )
        except BaseException:
            response.close()
            raise
        return target

    async def _redirect(
        self, request: ClientRequest, response: ClientResponse, target: URL
    ) -> None:
        """Become the request that *response* asks for."""
        if self.history is None:
            self.history = []
        self.history.append(response)
        response.release()
        # The upload that a redirect interrupts may not read the body along with the next one.
        await response.wait_for_close()
        body = request._body
        if becomes_get(response.status, request.method):
            self.method, self.data = "GET", None
            self.compress = self.chunked = None
            self.expect100 = False
            self.headers = _without(self.headers, BODY_HEADERS)
            await request.close()
        elif body is not None:
            if body.consumed:
                raise ClientPayloadError(
                    "cannot follow a redirect that repeats the body: it was read and cannot be"
                    " rewound; pass bytes or a seekable file, or allow_redirects=False"
                )
            self.data = body
        if target.origin() != self.url.origin():
            # Credentials and cookies meant for one origin are not sent to another.
            self.auth = self.cookies = None
            self.headers = _without(self.headers, ORIGIN_HEADERS)
        elif has_login(target):
            # The server's choice of a login comes before that of the request before.
            self.auth = None
            self.headers = _without(self.headers, (hdrs.AUTHORIZATION,))
        self.url = target

    async def _give_up(self) -> None:
        if self.request is not None:
            await self.request.close()

    async def _close_body(self, request: ClientRequest, response: ClientResponse) -> None:
        task = response._upload_task
        if task is None or task.done():
            await request.close()
        else:
            task.add_done_callback(lambda done: asyncio.ensure_future(request.close()))


def keep_cookies(session: ClientSession, response: ClientResponse) -> None:
    """Put the cookies of *response* into the session's jar."""
    head = response._head
    if head is not None and head.first("Set-Cookie") is not None:
        try:
            session._cookie_jar.update_cookies_from_headers(
                response.headers.getall(hdrs.SET_COOKIE), response.url
            )
        except BaseException:
            response.close()  # A jar of the user's may raise anything.
            raise


async def go_on(
    session: ClientSession,
    connector: BaseConnector,
    request: ClientRequest,
    headers: CIMultiDict[str] | None,
    plan: Plan,
    deadline: float,
    max_redirects: int | None,
    response: ClientResponse | None,
) -> ClientResponse:
    """Go on with a call that went straight so far, after *response*, or with another attempt."""
    call = Call(
        session,
        request.method,
        request.original_url,
        request._body,
        headers,
        None,
        None,
        session._skip_lower,
        None,
        None,
        False,
        True,
        None,
        None,
        None,
    )
    check = session._raise_for_status
    fresh = response is None
    return await call.run(connector, plan, deadline, (), max_redirects, check, response, fresh)


async def check_status(response: ClientResponse, check: RaiseForStatus) -> ClientResponse:
    try:
        if callable(check):
            await check(response)
        else:
            response.raise_for_status()
    except BaseException:
        response.release()
        raise
    return response


def _without(headers: CIMultiDict[str] | None, names: Iterable[str]) -> CIMultiDict[str] | None:
    if not headers:
        return headers
    kept = headers.copy()
    for name in names:
        kept.popall(name, None)
    return kept
