"""Resources: the paths that an application serves, plain or with parameters."""

from __future__ import annotations

import abc
import re
from collections.abc import Iterator, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final

from yarl import URL

from .. import hdrs
from .interfaces import ExpectHandler
from .match_info import UrlMappingMatchInfo
from .paths import decode_parameter, encode_parameter, requote_path, safe_path
from .routes import AbstractRoute, ResourceRoute

if TYPE_CHECKING:
    from .request import Request

__all__ = ("AbstractResource", "DynamicResource", "PlainResource", "PrefixResource", "Resource")

#: A match, if any, and the methods that the resource has when only the method differs.
Resolved = tuple[UrlMappingMatchInfo | None, AbstractSet[str]]

NO_METHODS: Final[AbstractSet[str]] = frozenset()
NO_MATCH: Final[Resolved] = (None, NO_METHODS)


def raw_path_of(request: Request) -> str:
    """The path of a request as it travelled, without query and without building a URL."""
    return request._message.path


class AbstractResource(Sized, abc.ABC):
    """A place of the URL space; iterating over it gives its routes.

    :param name: the name under which ``app.router[name]`` finds it.
    """

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name

    @property
    def name(self) -> str | None:
        """The name under which ``app.router[name]`` finds the resource, or ``None``."""
        return self._name

    @property
    @abc.abstractmethod
    def canonical(self) -> str:
        """The path, with parameters as ``{name}``."""

    @abc.abstractmethod
    def url_for(self, **kwargs: str) -> URL:
        """Build a relative URL of the resource."""

    @abc.abstractmethod
    async def resolve(self, request: Request) -> Resolved:
        """Return the match, or ``None``, and the methods of the resource that has the path."""

    @abc.abstractmethod
    def add_prefix(self, prefix: str) -> None:
        """Move the resource under *prefix*; done when an application is nested."""

    @abc.abstractmethod
    def get_info(self) -> dict[str, Any]:
        """Details of the resource, for introspection."""

    @abc.abstractmethod
    def raw_match(self, path: str) -> bool:
        """Whether the resource was declared with exactly *path*."""

    @abc.abstractmethod
    def __iter__(self) -> Iterator[AbstractRoute]: ...

    @property
    def index_key(self) -> str | None:
        """The fixed segments that every path of the resource begins with, as a safe path.

        The router tries the resource for paths under these only. ``None`` is for a resource that
        does not go by the path: it is tried for every request, before those that do.
        """
        prefix = self.canonical.partition("{")[0]
        if "{" in self.canonical:
            prefix = prefix.rpartition("/")[0]
        return safe_path(prefix.rstrip("/")) or "/"

    def segments(self) -> Sequence[str | None] | None:
        """The segments of the safe paths that match, ``None`` for one of any text.

        Where many resources begin alike, the router tries only those whose segments fit. ``None``
        for a resource of which it is not known: it is tried always.
        """
        return None

    def routes_by_method(self) -> Mapping[str, ResourceRoute] | None:
        """The routes of a resource for which the path :attr:`index_key` alone is a match.

        The router finds these in a dict, without asking the resource. ``None``: it has to ask.
        """
        return None

    def freeze(self) -> None:
        """Refuse further changes."""


class MatchingResource(AbstractResource):
    """A resource that decides without waiting.

    The router asks :meth:`find` of these directly, so that the way of a request holds no
    coroutine of the router's own.
    """

    @abc.abstractmethod
    def find(self, request: Request, path: str) -> Resolved:
        """Like :meth:`resolve`; *path* is the request's safe path."""

    async def resolve(self, request: Request) -> Resolved:
        match_info, methods = self.find(request, safe_path(raw_path_of(request)))
        if match_info is not None:
            methods = {route.method for route in self}
        return match_info, methods

    @property
    def is_synchronous(self) -> bool:
        """Whether :meth:`find` may stand for :meth:`resolve`: not when that is overridden."""
        return type(self).resolve is MatchingResource.resolve


class Resource(MatchingResource):
    """A path with a route for each method."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._routes: dict[str, ResourceRoute] = {}
        self._frozen = False

    def add_route(
        self, method: str, handler: Any, *, expect_handler: ExpectHandler | None = None
    ) -> ResourceRoute:
        """Add the handler of *method* (``*`` for all).

        :raises RuntimeError: the method has a route already, or the router is frozen.
        """
        taken = self._routes.get(method.upper(), self._routes.get(hdrs.METH_ANY))
        if taken is not None:
            raise RuntimeError(
                f"the added route would never be reached: {self!r} handles {taken.method} already"
            )
        route = ResourceRoute(method, handler, self, expect_handler=expect_handler)
        self.register_route(route)
        return route

    def register_route(self, route: ResourceRoute) -> None:
        """Add a route made elsewhere."""
        if self._frozen:
            raise RuntimeError(f"cannot add {route!r}: the router is frozen")
        self._routes[route.method] = route

    def freeze(self) -> None:
        self._frozen = True

    def __len__(self) -> int:
        return len(self._routes)

    def __iter__(self) -> Iterator[ResourceRoute]:
        return iter(list(self._routes.values()))

    def find(self, request: Request, path: str) -> Resolved:
        parameters = self.match_path(path)
        if parameters is None:
            return NO_MATCH
        routes = self._routes
        route = routes.get(request.method) or routes.get(hdrs.METH_ANY)
        if route is None:
            return None, routes.keys()
        return UrlMappingMatchInfo(parameters, route), NO_METHODS

    @abc.abstractmethod
    def match_path(self, path: str) -> dict[str, str] | None:
        """Return the parameters in the safe *path*, or ``None`` when it does not match."""


class PlainResource(Resource):
    """A path without parameters."""

    def __init__(self, path: str, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._path = path

    @property
    def canonical(self) -> str:
        return self._path

    @property
    def index_key(self) -> str:
        return safe_path(self._path) or "/"

    def routes_by_method(self) -> Mapping[str, ResourceRoute] | None:
        # A subclass may match otherwise.
        return self._routes if type(self) is PlainResource else None

    def freeze(self) -> None:
        super().freeze()
        self._path = self._path or "/"  # no request has an empty path

    def segments(self) -> Sequence[str | None] | None:
        return safe_path(self._path).split("/") if type(self) is PlainResource else None

    def add_prefix(self, prefix: str) -> None:
        self._path = prefix + self._path

    def match_path(self, path: str) -> dict[str, str] | None:
        return {} if path == safe_path(self._path) else None

    def raw_match(self, path: str) -> bool:
        return self._path == path

    def get_info(self) -> dict[str, Any]:
        return {"path": self._path}

    def url_for(self) -> URL:  # type: ignore[override]
        return URL.build(path=requote_path(self._path), encoded=True)

    def __repr__(self) -> str:
        name = f"'{self.name}' " if self.name is not None else ""
        return f"<PlainResource {name} {self._path}>"


class DynamicResource(Resource):
    """A path with parameters: ``/{name}``, or ``/{name:regular expression}``."""

    #: A parameter without an expression, and one with.
    DYN: Final = re.compile(r"\{(?P<var>[_a-zA-Z]\w*)\}", re.ASCII)
    DYN_WITH_RE: Final = re.compile(r"\{(?P<var>[_a-zA-Z]\w*):(?P<re>.+)\}", re.ASCII)
    #: What a parameter without an expression matches: one segment.
    GOOD: Final = r"[^{}/]+"

    def __init__(self, path: str, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._declared = path
        pattern = formatter = ""
        self._has_expressions = False
        for literal, parameter in _split_template(path):
            formatter += requote_path(literal)
            pattern += re.escape(safe_path(literal))
            if not parameter:
                continue
            match = self.DYN.fullmatch(parameter) or self.DYN_WITH_RE.fullmatch(parameter)
            if match is None:
                raise ValueError(
                    f"invalid path {path!r}: {parameter!r} is neither {{name}} nor {{name:regex}}"
                )
            variable, expression = match["var"], match.groupdict().get("re", self.GOOD)
            if "re" in match.groupdict():
                self._has_expressions = True
            formatter += f"{{{variable}}}"
            pattern += f"(?P<{variable}>{expression})"
        try:
            self._pattern = re.compile(pattern)
        except re.error as exc:
            raise ValueError(f"bad pattern {pattern!r} of path {path!r}: {exc}") from None
        self._formatter = formatter

    @property
    def canonical(self) -> str:
        return self._formatter

    @property
    def index_key(self) -> str:
        return safe_path(self._formatter.partition("{")[0].rpartition("/")[0]) or "/"

    def segments(self) -> Sequence[str | None] | None:
        if type(self) is not DynamicResource or self._has_expressions:
            return None  # An expression may match a slash.
        return [None if "{" in part else safe_path(part) for part in self._formatter.split("/")]

    def add_prefix(self, prefix: str) -> None:
        self._pattern = re.compile(re.escape(safe_path(prefix)) + self._pattern.pattern)
        self._formatter = prefix + self._formatter

    def match_path(self, path: str) -> dict[str, str] | None:
        match = self._pattern.fullmatch(path)
        if match is None:
            return None
        parameters: dict[str, str] = match.groupdict()
        if "%" in path:
            return {
                name: decode_parameter(value) if value is not None else value
                for name, value in parameters.items()
            }
        return parameters

    def raw_match(self, path: str) -> bool:
        return self._declared == path

    def get_info(self) -> dict[str, Any]:
        return {"formatter": self._formatter, "pattern": self._pattern}

    def url_for(self, **parts: str) -> URL:
        """Build a URL with *parts* in place of the parameters.

        :raises KeyError: a parameter is missing.
        :raises TypeError: a value is not a ``str``.
        """
        encoded = {name: encode_parameter(value) for name, value in parts.items()}
        return URL.build(path=self._formatter.format_map(encoded), encoded=True)

    def __repr__(self) -> str:
        name = f"'{self.name}' " if self.name is not None else ""
        return f"<DynamicResource {name} {self._formatter}>"


def resource_for(path: str, name: str | None) -> Resource:
    """The resource of a path as routes are declared: plain, or with parameters in braces."""
    if "{" in path or "}" in path:
        return DynamicResource(path, name=name)
    return PlainResource(path, name=name)


def _split_template(path: str) -> Iterator[tuple[str, str]]:
    """Cut *path* into pairs of literal text and the ``{...}`` after it (``""`` at the end).

    An expression may hold braces of its own when they are balanced: ``{n:\\d{2}}``.
    """
    start = 0
    while True:
        opening = path.find("{", start)
        literal = path[start:] if opening < 0 else path[start:opening]
        if "}" in literal:
            raise ValueError(f"invalid path {path!r}: unmatched '}}' in {literal!r}")
        if opening < 0:
            yield literal, ""
            return
        depth, end = 0, opening
        for end in range(opening, len(path)):
            depth += (path[end] == "{") - (path[end] == "}")
            if depth == 0:
                break
        if depth:
            raise ValueError(f"invalid path {path!r}: unmatched '{{' in {path[opening:]!r}")
        yield literal, path[opening : end + 1]
        start = end + 1


class PrefixResource(MatchingResource):
    """Everything under a path: static files, or a nested application."""

    def __init__(self, prefix: str, *, name: str | None = None) -> None:
        if prefix and not prefix.startswith("/"):
            raise ValueError(f"prefix {prefix!r} must start with '/' or be empty")
        if prefix.endswith("/") and prefix != "/":
            raise ValueError(f"prefix {prefix!r} must not end with '/'")
        super().__init__(name=name)
        # "/" and "" both mean everything.
        self._prefix = requote_path(prefix.rstrip("/"))

    @property
    def canonical(self) -> str:
        return self._prefix

    @property
    def index_key(self) -> str:
        return safe_path(self._prefix) or "/"

    def add_prefix(self, prefix: str) -> None:
        self._prefix = prefix + self._prefix

    def raw_match(self, prefix: str) -> bool:
        return False
