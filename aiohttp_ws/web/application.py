"""The application: routes, state, signals and middlewares, and the nesting of all four."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar, cast, final, overload

from aiosignal import Signal
from frozenlist import FrozenList

from .. import hdrs
from .app_keys import AppKey, warn_plain_key
from .cleanup import CleanupContext
from .dispatcher import UrlDispatcher
from .interfaces import AbstractRouter, Handler, Middleware
from .match_info import UrlMappingMatchInfo
from .middlewares import is_old_style
from .paths import safe_path
from .request import Request
from .resources import AbstractResource
from .subapps import Domain, MaskDomain, MatchedSubAppResource, PrefixedSubAppResource
from .values import guarded

if TYPE_CHECKING:
    import asyncio

    from ..http.interfaces import AbstractStreamWriter
    from ..http.streams import StreamReader
    from .connection import RequestHandler
    from .request_head import AnyRequestHead
    from .routedef import AbstractRouteDef
    from .routes import AbstractRoute
    from .stream_response import StreamResponse

__all__ = ("Application",)

_T = TypeVar("_T")
_U = TypeVar("_U")
_SubApp = TypeVar("_SubApp", bound=AbstractResource)
#: A route of a plain path, its handler inside the middlewares, and the applications.
_Ready: TypeAlias = "tuple[AbstractRoute, Handler, tuple[Application, ...]]"

_new_match_info = UrlMappingMatchInfo.__new__

web_logger = logging.getLogger("aiohttp_ws.web")


@final
@guarded
class Application(MutableMapping["str | AppKey[Any]", Any]):
    """Routes, state, signals and middlewares of a web application.

    :param logger: where the application's errors go.
    :param middlewares: coroutine functions ``(request, handler)``, the first outermost.
    :param handler_args: arguments for :class:`Server`, such as ``keepalive_timeout``.
    :param client_max_size: bytes that a request's body may have in ``read()``, ``text()``,
        ``json()`` and ``post()``; more is answered with 413. 0 for no limit.
    :param client_max_fields: fields that a form may have in ``post()``.
    :param router: deprecated.
    :param loop: deprecated and not used.
    :param debug: deprecated and not used.

    As a mapping the application holds state, under :class:`AppKey` keys.
    """

    #: Names of the attributes that belong to the application itself.
    ATTRS: ClassVar[frozenset[str]] = frozenset(
        {
            "_chains",
            "_cleanup_ctx",
            "_client_max_fields",
            "_client_max_size",
            "_debug",
            "_find",
            "_frozen",
            "_handler_args",
            "_kinds",
            "_loop",
            "_middlewares",
            "_on_cleanup",
            "_on_response_prepare",
            "_on_shutdown",
            "_on_startup",
            "_pre_frozen",
            "_prefix",
            "_ready",
            "_router",
            "_run_middlewares",
            "_state",
            "_subapps",
            "logger",
        }
    )

    def __init__(
        self,
        *,
        logger: logging.Logger = web_logger,
        router: AbstractRouter | None = None,
        middlewares: Iterable[Middleware] = (),
        handler_args: Mapping[str, Any] | None = None,
        client_max_size: int = 1024**2,
        client_max_fields: int = 1000,
        loop: Any = None,
        debug: Any = ...,
    ) -> None:
        for name, given in (("router", router), ("loop", loop)):
            if given is not None:
                warnings.warn(f"the {name} argument is deprecated", DeprecationWarning, 2)
        if debug is not ...:
            warnings.warn("the debug argument is deprecated", DeprecationWarning, 2)
        if router is None:
            router = UrlDispatcher()
        elif not isinstance(router, AbstractRouter):
            raise TypeError(f"router must be an AbstractRouter, not {router!r}")
        self.logger = logger
        self._router = cast(UrlDispatcher, router)
        self._loop = loop
        self._debug = debug
        self._handler_args = handler_args
        self._client_max_size = client_max_size
        self._client_max_fields = client_max_fields
        self._middlewares: FrozenList[Middleware] = FrozenList(middlewares)
        # With whether each is of the old style, known once frozen.
        self._kinds: list[tuple[Middleware, bool]] = []
        self._state: dict[str | AppKey[Any], Any] = {}
        self._pre_frozen = False
        self._frozen = False
        self._prefix: str | None = None
        self._subapps: list[Application] = []
        # What a request runs through, known once frozen.
        self._run_middlewares = False
        self._find: Callable[[Request, str], UrlMappingMatchInfo] | None = None
        self._chains: dict[tuple[Any, ...], Handler] = {}
        self._ready: dict[str, dict[str, _Ready]] = {}

        self._on_response_prepare: Signal[Request, StreamResponse] = Signal(self)
        self._on_startup: Signal[Application] = Signal(self)
        self._on_shutdown: Signal[Application] = Signal(self)
        self._on_cleanup: Signal[Application] = Signal(self)
        self._cleanup_ctx = CleanupContext()
        self._on_startup.append(self._cleanup_ctx._on_startup)
        self._on_cleanup.append(self._cleanup_ctx._on_cleanup)

    def __init_subclass__(cls) -> None:
        warnings.warn(
            f"{cls.__qualname__} inherits from web.Application, which is not made for it: "
            "keep state under an AppKey",
            DeprecationWarning,
            stacklevel=2,
        )

    # -------------------------------------------------------------------------- state

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    @overload
    def __getitem__(self, key: AppKey[_T]) -> _T: ...

    @overload
    def __getitem__(self, key: str) -> Any: ...

    def __getitem__(self, key: Any) -> Any:
        return self._state[key]

    @overload
    def __setitem__(self, key: AppKey[_T], value: _T) -> None: ...

    @overload
    def __setitem__(self, key: str, value: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None:
        self._warn_if_frozen()
        if not isinstance(key, AppKey):
            warn_plain_key("AppKey")
        self._state[key] = value

    def __delitem__(self, key: str | AppKey[Any]) -> None:
        self._warn_if_frozen()
        del self._state[key]

    def __len__(self) -> int:
        return len(self._state)

    def __iter__(self) -> Iterator[str | AppKey[Any]]:
        return iter(self._state)

    def __bool__(self) -> bool:
        return True

    @overload  # type: ignore[override]
    def get(self, key: AppKey[_T], default: None = ...) -> _T | None: ...

    @overload
    def get(self, key: AppKey[_T], default: _U) -> _T | _U: ...

    @overload
    def get(self, key: str, default: Any = ...) -> Any: ...

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of *key*, or *default*."""
        return self._state.get(key, default)

    def _warn_if_frozen(self) -> None:
        if self._frozen:
            warnings.warn(
                "changing the state of a started or nested application is deprecated: "
                "put a mutable object there before it starts and change that",
                DeprecationWarning,
                stacklevel=3,
            )

    # --------------------------------------------------------------- parts and signals

    @property
    def router(self) -> UrlDispatcher:
        """The router."""
        return self._router

    @property
    def middlewares(self) -> FrozenList[Middleware]:
        """The middlewares, the first outermost."""
        return self._middlewares

    @property
    def on_response_prepare(self) -> Signal[Request, StreamResponse]:
        """Sent with ``(request, response)`` before a response's head leaves."""
        return self._on_response_prepare

    @property
    def on_startup(self) -> Signal[Application]:
        """Sent before the server accepts connections."""
        return self._on_startup

    @property
    def on_shutdown(self) -> Signal[Application]:
        """Sent when the server no longer accepts connections, before it closes them."""
        return self._on_shutdown

    @property
    def on_cleanup(self) -> Signal[Application]:
        """Sent last, when all connections are closed."""
        return self._on_cleanup

    @property
    def cleanup_ctx(self) -> CleanupContext:
        """Contexts entered at startup and left in reverse order at cleanup."""
        return self._cleanup_ctx

    @property
    def loop(self) -> Any:
        """Deprecated; use :func:`asyncio.get_running_loop`."""
        warnings.warn("the loop property is deprecated", DeprecationWarning, stacklevel=2)
        return self._loop

    @property
    def debug(self) -> Any:
        """Deprecated; ask the event loop."""
        warnings.warn("the debug property is deprecated", DeprecationWarning, stacklevel=2)
        return self._debug

    def add_routes(self, routes: Iterable[AbstractRouteDef]) -> list[AbstractRoute]:
        """Add what a :class:`RouteTableDef`, or a list of ``web.get()`` and the like, holds."""
        return self._router.add_routes(routes)

    # ------------------------------------------------------------------------ nesting

    def add_subapp(self, prefix: str, subapp: Application) -> PrefixedSubAppResource:
        """Nest *subapp* under *prefix*; no more can be added to it afterwards.

        :raises ValueError: *prefix* is empty or ``/``, or does not start with a slash.
        :raises RuntimeError: an application is frozen, or *subapp* has a prefix already.
        """
        if not isinstance(prefix, str):
            raise TypeError(f"a prefix must be str, not {prefix!r}")
        prefix = prefix.rstrip("/")
        if not prefix:
            raise ValueError("a prefix cannot be empty: nothing would be left for this application")
        if subapp._prefix is not None:
            raise RuntimeError(f"{subapp!r} is nested already, under {subapp._prefix!r}")
        resource = self._add_subapp(lambda: PrefixedSubAppResource(prefix, subapp), subapp)
        subapp._prefix = prefix
        return resource

    def add_domain(self, domain: str, subapp: Application) -> MatchedSubAppResource:
        """Let *subapp* serve the requests whose ``Host`` is *domain*.

        :param domain: a host name, of any port unless one other than 80 is given; ``*`` in it
            stands for any text.
        :raises ValueError: *domain* is not a host name.
        """
        if not isinstance(domain, str):
            raise TypeError(f"a domain must be str, not {domain!r}")
        rule = MaskDomain(domain) if "*" in domain else Domain(domain)
        return self._add_subapp(lambda: MatchedSubAppResource(rule, subapp), subapp)

    def _add_subapp(self, make: Callable[[], _SubApp], subapp: Application) -> _SubApp:
        if self.frozen:
            raise RuntimeError("cannot add a sub-application to a frozen application")
        if subapp.frozen:
            raise RuntimeError("cannot add a frozen application as a sub-application")
        resource = make()
        self._router.register_resource(resource)
        self._forward_signals(subapp)
        self._subapps.append(subapp)
        subapp.pre_freeze()
        return resource

    def _forward_signals(self, subapp: Application) -> None:
        async def startup(app: Application) -> None:
            await subapp.on_startup.send(subapp)

        async def shutdown(app: Application) -> None:
            await subapp.on_shutdown.send(subapp)

        async def cleanup(app: Application) -> None:
            await subapp.on_cleanup.send(subapp)

        self._on_startup.append(startup)
        self._on_shutdown.append(shutdown)
        self._on_cleanup.append(cleanup)

    # ----------------------------------------------------------------- states of life

    @property
    def pre_frozen(self) -> bool:
        """Whether routes, middlewares and signals can no longer be added."""
        return self._pre_frozen

    def pre_freeze(self) -> None:
        """Refuse further routes, middlewares and signal receivers."""
        if self._pre_frozen:
            return
        self._pre_frozen = True
        self._kinds = [(each, self._checked_kind(each)) for each in self._middlewares]
        self._middlewares.freeze()
        self._router.freeze()
        for signal in (
            self._on_response_prepare,
            self._cleanup_ctx,
            self._on_startup,
            self._on_shutdown,
            self._on_cleanup,
        ):
            signal.freeze()
        for subapp in self._subapps:
            subapp.pre_freeze()
        self._run_middlewares = bool(self._middlewares) or any(
            subapp._run_middlewares for subapp in self._subapps
        )
        router = self._router
        if isinstance(router, UrlDispatcher) and router.is_synchronous and not router.is_overridden:
            self._find = router.find

    @staticmethod
    def _checked_kind(middleware: Middleware) -> bool:
        """Whether *middleware* is of the old style."""
        if not callable(middleware):
            raise TypeError(f"a middleware must be a coroutine function, not {middleware!r}")
        if not is_old_style(middleware):
            return False
        warnings.warn(
            f"old-style middleware {middleware!r} is deprecated: write one of request and handler,"
            " and mark it with @web.middleware",
            DeprecationWarning,
            stacklevel=2,
        )
        return True

    @property
    def frozen(self) -> bool:
        """Whether the application has started, or is about to."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse further changes; done by the runner."""
        if self._frozen:
            return
        self.pre_freeze()
        self._frozen = True
        for subapp in self._subapps:
            subapp.freeze()
        router = self._router
        if isinstance(router, UrlDispatcher) and not router.is_overridden:
            apps = (self,)
            self._ready = {
                # A raw path that is equal to a safe one decodes to it.
                path: {m: (route, _wrap(route.handler, apps), apps) for m, route in routes.items()}
                for path, routes in router.plain_routes.items()
            }

    async def startup(self) -> None:
        """Send :attr:`on_startup`."""
        await self._on_startup.send(self)

    async def shutdown(self) -> None:
        """Send :attr:`on_shutdown`."""
        await self._on_shutdown.send(self)

    async def cleanup(self) -> None:
        """Send :attr:`on_cleanup`; contexts are left even when the startup did not finish."""
        if self._on_cleanup.frozen:
            await self._on_cleanup.send(self)
        else:
            await self._cleanup_ctx._on_cleanup(self)

    def make_handler(self, **kwargs: Any) -> Any:
        """Deprecated; use :class:`AppRunner`."""
        warnings.warn(
            "Application.make_handler() is deprecated, use AppRunner", DeprecationWarning, 2
        )
        return self._make_server(**kwargs)

    def _make_server(self, **kwargs: Any) -> Any:
        """Freeze, and return the :class:`Server` that feeds this application."""
        from .server import Server

        kwargs.pop("loop", None)
        self.freeze()
        return Server(
            self._handle,  # type: ignore[arg-type]
            request_factory=self._make_request,
            **{**(self._handler_args or {}), **kwargs},
        )

    def _make_request(
        self,
        message: AnyRequestHead,
        payload: StreamReader,
        protocol: RequestHandler,
        payload_writer: AbstractStreamWriter | None,
        task: asyncio.Task[None],
    ) -> Request:
        return Request(
            message,
            payload,
            protocol,
            payload_writer,
            task,
            task.get_loop(),
            client_max_size=self._client_max_size,
            client_max_fields=self._client_max_fields,
        )

    def __call__(self) -> Application:
        """Return self, so that an application may stand for its own factory."""
        return self

    def __repr__(self) -> str:
        return f"<Application 0x{id(self):x}>"

    # ---------------------------------------------------------------------- a request

    def _handle(self, request: Request) -> Awaitable[StreamResponse]:
        """Route *request*; what is returned is awaited by the connection.

        Not a coroutine function: a request for a plain path costs two dict look-ups and a
        match, and no coroutine besides the handler's own.
        """
        message = request._message
        if message.expect is not None:
            return self._resolve_and_handle(request)
        path = message.path
        by_method = self._ready.get(path)
        if by_method is not None:
            ready = by_method.get(message.method) or by_method.get(hdrs.METH_ANY)
            if ready is not None:
                match_info = _new_match_info(UrlMappingMatchInfo)
                match_info._route, handler, match_info._apps = ready
                match_info._current_app = self
                match_info._frozen = True
                request._match_info = match_info
                return handler(request)
        if self._find is None:
            return self._resolve_and_handle(request)
        match_info = self._find(request, path if "%" not in path else safe_path(path))
        if type(match_info) is not UrlMappingMatchInfo:
            return self._enter(request, match_info)(request)
        # As _enter() does, written out: this is every request of a dynamic path.
        match_info._apps = (self, *match_info._apps)
        if match_info._current_app is None:
            match_info._current_app = self
        match_info._frozen = True
        request._match_info = match_info
        if self._run_middlewares:
            return self._chain(match_info)(request)
        return match_info.handler(request)

    async def _resolve_and_handle(self, request: Request) -> StreamResponse:
        match_info = await self._router.resolve(request)
        handler = self._enter(request, match_info)
        if request._message.expect is not None:
            answer = await match_info.expect_handler(request)
            if answer is not None:
                return answer
        return await handler(request)

    def _enter(self, request: Request, match_info: UrlMappingMatchInfo) -> Handler:
        """Complete the match and give it to the request; return what handles it."""
        match_info.add_app(self)
        match_info.freeze()
        request._match_info = match_info
        return self._chain(match_info) if self._run_middlewares else match_info.handler

    def _chain(self, match_info: UrlMappingMatchInfo) -> Handler:
        """Return the handler inside its middlewares, built when its route is first met."""
        apps = match_info.apps
        if match_info.http_exception is not None:
            return _wrap(match_info.handler, apps)  # made for this request only
        key = (match_info.route, apps)
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = _wrap(match_info.handler, apps)
        return chain


def _wrap(handler: Handler, apps: tuple[Application, ...]) -> Handler:
    """Put *handler* inside the middlewares of *apps*, those of the last innermost."""
    for app in reversed(apps):
        for middleware, old_style in reversed(app._kinds):
            if old_style:
                handler = _looking_like(handler, _made_by(middleware, app, handler))
            else:
                inside = partial(middleware, handler=handler)  # type: ignore[call-arg]
                handler = _looking_like(handler, inside)
        if len(apps) > 1:
            handler = _entering(app, handler)
    return handler


def _entering(app: Application, handler: Handler) -> Handler:
    """Make ``request.app`` be *app* while *handler* runs."""

    async def inside(request: Request) -> StreamResponse:
        with request.match_info.set_current_app(app):
            return await handler(request)

    return _looking_like(handler, inside)


def _made_by(factory: Any, app: Application, handler: Handler) -> Handler:
    """Let a middleware of the old style make what handles each request."""

    async def made_for_a_request(request: Request) -> StreamResponse:
        made = await factory(app, handler)
        return await made(request)  # type: ignore[no-any-return]

    return made_for_a_request


def _looking_like(handler: Handler, outer: Any) -> Handler:
    """Give *outer* the name and the attributes of *handler*, for middlewares that ask for them."""
    updated = () if isinstance(handler, type) else ("__dict__",)
    return cast("Handler", update_wrapper(outer, handler, updated=updated))
