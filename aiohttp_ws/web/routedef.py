"""Routes as data: ``web.get("/", handler)``, and decorators that collect them."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .. import hdrs
from ..argument_types import PathLike

if TYPE_CHECKING:
    from .dispatcher import UrlDispatcher
    from .routes import AbstractRoute

__all__ = (
    "AbstractRouteDef",
    "RouteDef",
    "RouteTableDef",
    "StaticDef",
    "delete",
    "get",
    "head",
    "options",
    "patch",
    "post",
    "put",
    "route",
    "static",
    "view",
)

_Handler = TypeVar("_Handler", bound=Any)


class AbstractRouteDef(abc.ABC):
    """A route, or several, to be registered."""

    __slots__ = ()

    @abc.abstractmethod
    def register(self, router: UrlDispatcher) -> list[AbstractRoute]:
        """Add the routes to *router* and return them."""


@dataclass(frozen=True, repr=False, slots=True)
class RouteDef(AbstractRouteDef):
    """A handler of a method at a path."""

    method: str
    path: str
    handler: Any
    kwargs: dict[str, Any]

    def register(self, router: UrlDispatcher) -> list[AbstractRoute]:
        # add_get() knows of allow_head, add_route() does not.
        add = getattr(router, f"add_{self.method.lower()}", None)
        if self.method in hdrs.METH_ALL and add is not None:
            return [add(self.path, self.handler, **self.kwargs)]
        return [router.add_route(self.method, self.path, self.handler, **self.kwargs)]

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in sorted(self.kwargs.items()))
        handler = getattr(self.handler, "__name__", repr(self.handler))
        return f"<RouteDef {self.method} {self.path} -> {handler!r}{options}>"


@dataclass(frozen=True, repr=False, slots=True)
class StaticDef(AbstractRouteDef):
    """A folder of files under a prefix."""

    prefix: str
    path: PathLike
    kwargs: dict[str, Any]

    def register(self, router: UrlDispatcher) -> list[AbstractRoute]:
        resource = router.add_static(self.prefix, self.path, **self.kwargs)
        return list(resource)

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in sorted(self.kwargs.items()))
        return f"<StaticDef {self.prefix} -> {self.path}{options}>"


def route(method: str, path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A handler of *method* at *path*; *kwargs* are those of ``UrlDispatcher.add_route()``."""
    return RouteDef(method, path, handler, kwargs)


def head(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A handler of HEAD."""
    return route(hdrs.METH_HEAD, path, handler, **kwargs)


def options(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A handler of OPTIONS."""
    return route(hdrs.METH_OPTIONS, path, handler, **kwargs)


def get(
    path: str, handler: Any, *, name: str | None = None, allow_head: bool = True, **kwargs: Any
) -> RouteDef:
    """A handler of GET, and of HEAD too unless *allow_head* is false."""
    return route(hdrs.METH_GET, path, handler, name=name, allow_head=allow_head, **kwargs)


def post(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A handler of POST."""
    return route(hdrs.METH_POST, path, handler, **kwargs)


def put(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A handler of PUT."""
    return route(hdrs.METH_PUT, path, handler, **kwargs)


def patch(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A handler of PATCH."""
    return route(hdrs.METH_PATCH, path, handler, **kwargs)


def delete(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A handler of DELETE."""
    return route(hdrs.METH_DELETE, path, handler, **kwargs)


def view(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A :class:`View` for all methods that it defines."""
    return route(hdrs.METH_ANY, path, handler, **kwargs)


def static(prefix: str, path: PathLike, **kwargs: Any) -> StaticDef:
    """A folder of files; *kwargs* are those of ``UrlDispatcher.add_static()``."""
    return StaticDef(prefix, path, kwargs)


class RouteTableDef(Sequence[AbstractRouteDef]):
    """Collects routes with decorators: ``@routes.get("/")``; see ``app.add_routes()``."""

    def __init__(self) -> None:
        self._items: list[AbstractRouteDef] = []

    @overload
    def __getitem__(self, index: int) -> AbstractRouteDef: ...

    @overload
    def __getitem__(self, index: slice) -> list[AbstractRouteDef]: ...

    def __getitem__(self, index: int | slice) -> AbstractRouteDef | list[AbstractRouteDef]:
        return self._items[index]

    def __iter__(self) -> Iterator[AbstractRouteDef]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __repr__(self) -> str:
        return f"<RouteTableDef count={len(self._items)}>"

    def route(self, method: str, path: str, **kwargs: Any) -> Callable[[_Handler], _Handler]:
        """Decorate the handler of *method* at *path*."""

        def collect(handler: _Handler) -> _Handler:
            self._items.append(RouteDef(method, path, handler, kwargs))
            return handler

        return collect

    def head(self, path: str, **kwargs: Any) -> Callable[[_Handler], _Handler]:
        """Decorate the handler of HEAD at *path*."""
        return self.route(hdrs.METH_HEAD, path, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Callable[[_Handler], _Handler]:
        """Decorate the handler of GET (and HEAD) at *path*."""
        return self.route(hdrs.METH_GET, path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> Callable[[_Handler], _Handler]:
        """Decorate the handler of POST at *path*."""
        return self.route(hdrs.METH_POST, path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> Callable[[_Handler], _Handler]:
        """Decorate the handler of PUT at *path*."""
        return self.route(hdrs.METH_PUT, path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> Callable[[_Handler], _Handler]:
        """Decorate the handler of PATCH at *path*."""
        return self.route(hdrs.METH_PATCH, path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Callable[[_Handler], _Handler]:
        """Decorate the handler of DELETE at *path*."""
        return self.route(hdrs.METH_DELETE, path, **kwargs)

    def options(self, path: str, **kwargs: Any) -> Callable[[_Handler], _Handler]:
        """Decorate the handler of OPTIONS at *path*."""
        return self.route(hdrs.METH_OPTIONS, path, **kwargs)

    def view(self, path: str, **kwargs: Any) -> Callable[[_Handler], _Handler]:
        """Decorate a :class:`View` at *path*."""
        return self.route(hdrs.METH_ANY, path, **kwargs)

    def static(self, prefix: str, path: PathLike, **kwargs: Any) -> None:
        """Add a folder of files."""
        self._items.append(StaticDef(prefix, path, kwargs))
