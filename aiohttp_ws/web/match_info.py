"""What the router found for one request: parameters, route and applications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .exceptions import HTTPException
from .interfaces import AbstractMatchInfo, ExpectHandler, Handler

if TYPE_CHECKING:
    from .application import Application
    from .routes import AbstractRoute

__all__ = ("MatchInfoError", "UrlMappingMatchInfo")


class UrlMappingMatchInfo(dict[str, str], AbstractMatchInfo):
    """The parameters of the matched path, and the way to the handler.

    One is made per request, so its slots are filled directly.
    """

    __slots__ = ("_apps", "_current_app", "_frozen", "_route")

    def __init__(self, match_dict: Mapping[str, str], route: AbstractRoute) -> None:
        super().__init__(match_dict)
        self._route = route
        self._apps: tuple[Application, ...] = ()
        self._current_app: Application | None = None
        self._frozen = False

    @property
    def handler(self) -> Handler:
        return self._route.handler

    @property
    def route(self) -> AbstractRoute:
        """The matched route."""
        return self._route

    @property
    def expect_handler(self) -> ExpectHandler:
        return self._route.handle_expect_header

    @property
    def http_exception(self) -> HTTPException | None:
        return None

    def get_info(self) -> dict[str, Any]:
        return self._route.get_info()

    @property
    def apps(self) -> tuple[Application, ...]:
        return self._apps

    def add_app(self, app: Application) -> None:
        if self._frozen:
            raise RuntimeError("the match is frozen: add_app() is for routers only")
        if self._current_app is None:
            self._current_app = app
        self._apps = (app, *self._apps)

    @property
    def current_app(self) -> Application:
        """The application whose middleware or handler is running."""
        app = self._current_app
        if app is None:
            raise RuntimeError("the match belongs to no application yet")
        return app

    @current_app.setter
    def current_app(self, app: Application) -> None:
        if app not in self._apps:
            raise RuntimeError(f"{app!r} is not among the applications {self._apps!r}")
        self._current_app = app

    @contextmanager
    def set_current_app(self, app: Application) -> Iterator[None]:
        """Make *app* the :attr:`current_app` inside the ``with`` block."""
        previous = self._current_app
        self.current_app = app
        try:
            yield
        finally:
            self._current_app = previous

    def freeze(self) -> None:
        self._frozen = True

    def __repr__(self) -> str:
        return f"<MatchInfo {dict.__repr__(self)}: {self._route}>"


class MatchInfoError(UrlMappingMatchInfo):
    """The match of a request that nothing matches: its handler raises the answer."""

    __slots__ = ("_exception",)

    def __init__(self, http_exception: HTTPException, route: AbstractRoute) -> None:
        self._exception = http_exception
        super().__init__({}, route)

    @property
    def http_exception(self) -> HTTPException:
        return self._exception

    def __repr__(self) -> str:
        return f"<MatchInfoError {self._exception.status}: {self._exception.reason}>"
