"""The router: from a request to the route that serves it.

Plain paths are found with one look into a dict. Everything else is indexed by the fixed
segments it begins with, and the segments of the request's path are taken off one at a
time from the right, so that longer fixed paths win over shorter ones, and only resources
that can match are tried. Those that do not go by the path (applications chosen by the Host
header) come first. What a resource is asked is in :class:`~.resources.AbstractResource`; the
router knows no kinds of it.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping, ValuesView
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from .. import hdrs
from ..argument_types import PathLike
from .by_segment import BySegment
from .exceptions import HTTPException, HTTPMethodNotAllowed, HTTPNotFound
from .interfaces import AbstractRouter, ExpectHandler
from .match_info import MatchInfoError, UrlMappingMatchInfo
from .paths import safe_path
from .resources import AbstractResource, MatchingResource, Resource, raw_path_of, resource_for
from .routes import AbstractRoute, ResourceRoute, SystemRoute
from .static_files import StaticResource

if TYPE_CHECKING:
    from .request import Request
    from .routedef import AbstractRouteDef

__all__ = ("ResourcesView", "RoutesView", "UrlDispatcher")

# Resources that begin alike and are tried one after another; more are chosen among first.
_FEW: Final = 4


class ResourcesView(Collection[AbstractResource]):
    """The resources of a router, live and in the order of their registration."""

    def __init__(self, resources: list[AbstractResource]) -> None:
        self._resources = resources

    def __len__(self) -> int:
        return len(self._resources)

    def __iter__(self) -> Iterator[AbstractResource]:
        return iter(list(self._resources))

    def __contains__(self, resource: object) -> bool:
        return resource in self._resources


class RoutesView(Collection[AbstractRoute]):
    """The routes of all resources of a router."""

    def __init__(self, resources: list[AbstractResource]) -> None:
        self._routes = [route for resource in resources for route in resource]

    def __len__(self) -> int:
        return len(self._routes)

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(self._routes)

    def __contains__(self, route: object) -> bool:
        return route in self._routes


class UrlDispatcher(AbstractRouter, Mapping[str, AbstractResource]):
    """The router of an application; as a mapping it holds the named resources."""

    #: What separates the words of a resource's name.
    NAME_SPLIT_RE: Final = re.compile(r"[.:-]")

    def __init__(self) -> None:
        super().__init__()
        self._resources: list[AbstractResource] = []
        self._named: dict[str, AbstractResource] = {}
        self._index: dict[str, list[AbstractResource]] = {}
        self._elsewhere: list[AbstractResource] = []
        # What was made of long lists of the index, when they were first looked at.
        self._by_segment: dict[str, BySegment] = {}
        # Filled when frozen: safe path -> method -> route.
        self._plain: dict[str, dict[str, ResourceRoute]] = {}
        self._synchronous: bool | None = None

    # -------------------------------------------------------------- finding a route

    async def resolve(self, request: Request) -> UrlMappingMatchInfo:
        path = safe_path(raw_path_of(request))
        if self.is_synchronous:
            return self.find(request, path)
        allowed: set[str] = set()
        for resource in self._candidates(path):
            match_info, methods = await resource.resolve(request)
            if match_info is not None:
                return match_info
            allowed |= methods
        return _miss(request.method, allowed)

    def find(self, request: Request, path: str) -> UrlMappingMatchInfo:
        """Resolve without waiting; for routers that are :attr:`is_synchronous`."""
        routes = self._plain.get(path)
        if routes is not None:
            route = routes.get(request.method) or routes.get(hdrs.METH_ANY)
            if route is not None:
                return UrlMappingMatchInfo({}, route)
        allowed: set[str] = set()
        # Written out, not through _candidates(): this is every request of a dynamic path.
        for resource in self._elsewhere:
            match_info, methods = resource.find(request, path)  # type: ignore[attr-defined]
            if match_info is not None:
                return match_info  # type: ignore[no-any-return]
            allowed |= methods
        index = self._index
        part = path
        while part:
            resources = index.get(part)
            if resources is not None:
                if len(resources) > _FEW:
                    resources = self._fitting(part, path)
                for resource in resources:
                    match_info, methods = resource.find(request, path)  # type: ignore[attr-defined]
                    if match_info is not None:
                        return match_info  # type: ignore[no-any-return]
                    allowed |= methods
            if part == "/":
                break
            part = part.rpartition("/")[0] or "/"
        return _miss(request.method, allowed)

    def _fitting(self, part: str, path: str) -> list[AbstractResource]:
        """Those of many resources that begin with *part* which may match *path*."""
        by_segment = self._by_segment.get(part)
        if by_segment is None:
            by_segment = self._by_segment[part] = BySegment(self._index[part])
        return by_segment.fitting(path)

    def _candidates(self, path: str) -> Iterator[AbstractResource]:
        yield from self._elsewhere
        index = self._index
        part = path
        while part:
            yield from index.get(part, ())
            if part == "/":
                break
            part = part.rpartition("/")[0] or "/"

    @property
    def is_overridden(self) -> bool:
        """Whether :meth:`resolve` is a subclass's, or one that a tracer has put there."""
        return type(self).resolve is not _RESOLVE or "resolve" in vars(self)

    @property
    def is_synchronous(self) -> bool:
        """Whether no resource needs to wait in order to match."""
        known = self._synchronous
        if known is None:
            known = all(
                isinstance(resource, MatchingResource) and resource.is_synchronous
                for resource in self._resources
            )
            if self.frozen:
                self._synchronous = known
        return known

    @property
    def plain_routes(self) -> Mapping[str, Mapping[str, ResourceRoute]]:
        """Safe path, method and route of the plain paths; empty until frozen.

        And where the path does not decide alone, as with :meth:`Application.add_domain`.
        """
        return self._plain

    # ------------------------------------------------------------------ the mapping

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def __contains__(self, resource: object) -> bool:
        return resource in self._named

    def __getitem__(self, name: str) -> AbstractResource:
        return self._named[name]

    def keys(self) -> KeysView[str]:
        return self._named.keys()

    def values(self) -> ValuesView[AbstractResource]:
        return self._named.values()

    def resources(self) -> ResourcesView:
        """All resources."""
        return ResourcesView(self._resources)

    def routes(self) -> RoutesView:
        """All routes."""
        return RoutesView(self._resources)

    def named_resources(self) -> Mapping[str, AbstractResource]:
        """The resources that have a name."""
        return MappingProxyType(self._named)

    # -------------------------------------------------------------- adding resources

    def register_resource(self, resource: AbstractResource) -> None:
        """Add a resource made elsewhere.

        :raises RuntimeError: the router is frozen.
        :raises ValueError: the resource's name is taken, or is not a name.
        """
        if not isinstance(resource, AbstractResource):
            raise TypeError(f"a resource must be an AbstractResource, not {resource!r}")
        if self.frozen:
            raise RuntimeError(f"cannot register {resource!r}: the router is frozen")
        if resource.name is not None:
            self._check_name(resource.name)
            self._named[resource.name] = resource
        self._resources.append(resource)
        self.index_resource(resource)

    def _check_name(self, name: str) -> None:
        for part in self.NAME_SPLIT_RE.split(name):
            if keyword.iskeyword(part):
                raise ValueError(f"route name {name!r} holds the Python keyword {part!r}")
            if not part.isidentifier():
                raise ValueError(
                    f"route name {name!r} must be Python identifiers separated by '-', '.' or ':'"
                )
        if name in self._named:
            raise ValueError(f"duplicate route name {name!r}: it names {self._named[name]!r}")

    def index_resource(self, resource: AbstractResource) -> None:
        """Make the resource findable under its present path."""
        self._indexed_beside(resource).append(resource)

    def unindex_resource(self, resource: AbstractResource) -> None:
        """Forget the resource's present path, before it changes."""
        self._indexed_beside(resource).remove(resource)

    def _indexed_beside(self, resource: AbstractResource) -> list[AbstractResource]:
        self._by_segment.clear()
        key = resource.index_key
        return self._elsewhere if key is None else self._index.setdefault(key, [])

    def freeze(self) -> None:
        super().freeze()
        for resource in self._resources:
            resource.freeze()
        if not self._elsewhere:
            self._plain = {
                path: routes
                for path, resources in self._index.items()
                if (routes := _plain_routes(resources))
            }

    def add_resource(self, path: str, *, name: str | None = None) -> Resource:
        """Add a resource, or return the last one when path and name are the same.

        :param path: ``/plain``, ``/{name}`` or ``/{name:regular expression}``.
        :raises ValueError: *path* is malformed, or *name* is taken.
        """
        if path and not path.startswith("/"):
            raise ValueError(f"path {path!r} must start with '/' or be empty")
        if self._resources:
            last = self._resources[-1]
            if isinstance(last, Resource) and last.name == name and last.raw_match(path):
                return last
        resource = resource_for(path, name)
        self.register_resource(resource)
        return resource

    def add_route(
        self,
        method: str,
        path: str,
        handler: Any,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
    ) -> AbstractRoute:
        """Add a handler for *method* (``*`` for all) at *path*."""
        resource = self.add_resource(path, name=name)
        return resource.add_route(method, handler, expect_handler=expect_handler)

    def add_static(
        self,
        prefix: str,
        path: PathLike,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
        chunk_size: int = 256 * 1024,
        show_index: bool = False,
        follow_symlinks: bool = False,
        append_version: bool = False,
    ) -> StaticResource:
        """Serve the files of a folder; see :class:`StaticResource`."""
        resource = StaticResource(
            prefix.rstrip("/"),
            path,
            name=name,
            expect_handler=expect_handler,
            chunk_size=chunk_size,
            show_index=show_index,
            follow_symlinks=follow_symlinks,
            append_version=append_version,
        )
        self.register_resource(resource)
        return resource

    def add_head(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for HEAD."""
        return self.add_route(hdrs.METH_HEAD, path, handler, **kwargs)

    def add_options(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for OPTIONS."""
        return self.add_route(hdrs.METH_OPTIONS, path, handler, **kwargs)

    def add_get(
        self,
        path: str,
        handler: Any,
        *,
        name: str | None = None,
        allow_head: bool = True,
        **kwargs: Any,
    ) -> AbstractRoute:
        """Add a handler for GET, and for HEAD too unless *allow_head* is false."""
        resource = self.add_resource(path, name=name)
        if allow_head:
            resource.add_route(hdrs.METH_HEAD, handler, **kwargs)
        return resource.add_route(hdrs.METH_GET, handler, **kwargs)

    def add_post(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for POST."""
        return self.add_route(hdrs.METH_POST, path, handler, **kwargs)

    def add_put(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for PUT."""
        return self.add_route(hdrs.METH_PUT, path, handler, **kwargs)

    def add_patch(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for PATCH."""
        return self.add_route(hdrs.METH_PATCH, path, handler, **kwargs)

    def add_delete(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for DELETE."""
        return self.add_route(hdrs.METH_DELETE, path, handler, **kwargs)

    def add_view(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a :class:`View` that serves all methods it defines."""
        return self.add_route(hdrs.METH_ANY, path, handler, **kwargs)

    def add_routes(self, routes: Iterable[AbstractRouteDef]) -> list[AbstractRoute]:
        """Add what a :class:`RouteTableDef`, or a list of ``web.get()`` and the like, holds."""
        registered: list[AbstractRoute] = []
        for definition in routes:
            registered.extend(definition.register(self))
        return registered


_RESOLVE: Final = UrlDispatcher.resolve


def _plain_routes(resources: list[AbstractResource]) -> dict[str, ResourceRoute]:
    """The routes of the resources that need not be asked, before the first that must be."""
    routes: dict[str, ResourceRoute] = {}
    for resource in resources:
        by_method = resource.routes_by_method()
        if by_method is None or hdrs.METH_ANY in routes:
            break
        for method, route in by_method.items():
            routes.setdefault(method, route)
    return routes


def _miss(method: str, allowed: set[str]) -> MatchInfoError:
    refused: HTTPException = HTTPMethodNotAllowed(method, allowed) if allowed else HTTPNotFound()
    return MatchInfoError(refused, SystemRoute(refused))
