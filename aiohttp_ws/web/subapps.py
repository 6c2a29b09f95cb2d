"""Applications as resources: nested under a prefix, or chosen by the Host header."""

from __future__ import annotations

import abc
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from .. import hdrs
from .exceptions import HTTPMethodNotAllowed
from .match_info import UrlMappingMatchInfo
from .paths import requote_path, safe_path
from .resources import NO_MATCH, NO_METHODS, MatchingResource, PrefixResource, Resolved, raw_path_of
from .routes import AbstractRoute

if TYPE_CHECKING:
    from .application import Application
    from .request import Request

__all__ = (
    "AbstractRuleMatching",
    "Domain",
    "MaskDomain",
    "MatchedSubAppResource",
    "PrefixedSubAppResource",
)


class _SubApp(MatchingResource):
    """What both ways of nesting share; the router of the nested application decides."""

    _app: Application

    def __len__(self) -> int:
        return len(self._app.router.routes())

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(self._app.router.routes())

    def url_for(self, *args: str, **kwargs: str) -> NoReturn:
        raise RuntimeError("a nested application has no URL of its own; use its named resources")

    @property
    def is_synchronous(self) -> bool:
        router = self._app.router
        return router.is_synchronous and not router.is_overridden

    def _found(self, match_info: UrlMappingMatchInfo) -> Resolved:
        match_info.add_app(self._app)
        refused = match_info.http_exception
        if isinstance(refused, HTTPMethodNotAllowed):
            return match_info, refused.allowed_methods
        return match_info, NO_METHODS


class PrefixedSubAppResource(PrefixResource, _SubApp):
    """A nested application that owns everything under a prefix."""

    def __init__(self, prefix: str, app: Application) -> None:
        super().__init__(prefix)
        self._app = app
        self._move_resources(prefix)

    def add_prefix(self, prefix: str) -> None:
        super().add_prefix(prefix)
        self._move_resources(prefix)

    def _move_resources(self, prefix: str) -> None:
        router = self._app.router
        prefix = requote_path(prefix)
        for resource in router.resources():
            # The index knows a resource by its path.
            router.unindex_resource(resource)
            resource.add_prefix(prefix)
            router.index_resource(resource)

    def get_info(self) -> dict[str, Any]:
        return {"app": self._app, "prefix": self._prefix}

    def find(self, request: Request, path: str) -> Resolved:
        if not self._owns(path):
            return NO_MATCH
        return self._found(self._app.router.find(request, path))

    async def resolve(self, request: Request) -> Resolved:
        if not self._owns(safe_path(raw_path_of(request))):
            return NO_MATCH
        return self._found(await self._app.router.resolve(request))

    def _owns(self, path: str) -> bool:
        prefix = safe_path(self._prefix)
        return path.startswith(prefix) and (len(path) == len(prefix) or path[len(prefix)] == "/")

    def __repr__(self) -> str:
        return f"<PrefixedSubAppResource {self._prefix} -> {self._app!r}>"


class AbstractRuleMatching(abc.ABC):
    """Decides by something other than the path which application serves a request."""

    @abc.abstractmethod
    async def match(self, request: Request) -> bool:
        """Whether the application serves *request*."""

    @abc.abstractmethod
    def get_info(self) -> dict[str, Any]:
        """Details of the rule, for introspection."""

    @property
    @abc.abstractmethod
    def canonical(self) -> str:
        """The rule as text."""


class Domain(AbstractRuleMatching):
    """Matches the ``Host`` header.

    :param domain: a host name; with a port other than 80 only for that port.
    :raises ValueError: *domain* is not a host name.
    """

    # RFC 1123 2.1: letters, digits and inner hyphens, 63 of them at most.
    _label = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

    def __init__(self, domain: str) -> None:
        super().__init__()
        self._domain = self.validation(domain)
        self._has_port = ":" in self._domain

    @property
    def canonical(self) -> str:
        return self._domain

    def validation(self, domain: str) -> str:
        """Return *domain* in lower case, IDNA-encoded; raise when it is not a host name."""
        if not isinstance(domain, str):
            raise TypeError(f"a domain must be str, not {domain!r}")
        domain = domain.rstrip(".").lower()
        if not domain:
            raise ValueError("a domain cannot be empty")
        if "://" in domain:
            raise ValueError(f"domain {domain!r} must be given without a scheme")
        try:
            parts = urlsplit(f"//{domain}")
            port = parts.port
            host = (parts.hostname or "").encode("ascii" if domain.isascii() else "idna").decode()
        except ValueError as exc:  # UnicodeError is one
            raise ValueError(f"domain {domain!r} is not valid: {exc}") from None
        if not all(self._valid_label(label) for label in host.split(".")):
            raise ValueError(f"domain {domain!r} is not valid (RFC 1123 2.1)")
        return host if port in (None, 80) else f"{host}:{port}"

    def _valid_label(self, label: str) -> bool:
        return self._label.fullmatch(label) is not None

    async def match(self, request: Request) -> bool:
        return self.matches(request)

    def matches(self, request: Request) -> bool:
        """The same without waiting."""
        host = request.headers.get(hdrs.HOST)
        return host is not None and self.match_domain(host)

    def match_domain(self, host: str) -> bool:
        """Whether *host*, a ``Host`` header, is meant."""
        host = host.lower()
        # Without a port in the rule any port will do: the name is what was asked for.
        return host == self._domain or (
            not self._has_port and host.rpartition(":")[0] == self._domain
        )

    def get_info(self) -> dict[str, Any]:
        return {"domain": self._domain}


class MaskDomain(Domain):
    """Matches the ``Host`` header with ``*`` standing for any text, dots included."""

    _label = re.compile(r"[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?")

    def __init__(self, domain: str) -> None:
        super().__init__(domain)
        host, _, port = self._domain.partition(":")
        mask = "[^:]*".join(re.escape(part) for part in host.split("*"))
        # Without a port in the mask any port will do: the name is what was asked for.
        self._mask = re.compile(mask + (f":{port}" if port else "(:.*)?"))

    @property
    def canonical(self) -> str:
        return self._mask.pattern

    def match_domain(self, host: str) -> bool:
        return self._mask.fullmatch(host.lower()) is not None


class MatchedSubAppResource(_SubApp):
    """A nested application chosen by a rule."""

    def __init__(self, rule: AbstractRuleMatching, app: Application) -> None:
        super().__init__()
        self._rule = rule
        self._app = app

    @property
    def canonical(self) -> str:
        return self._rule.canonical

    @property
    def index_key(self) -> None:
        return None

    @property
    def is_synchronous(self) -> bool:
        return isinstance(self._rule, Domain) and super().is_synchronous

    def get_info(self) -> dict[str, Any]:
        return {"app": self._app, "rule": self._rule}

    def add_prefix(self, prefix: str) -> None:
        for resource in self._app.router.resources():
            self._app.router.unindex_resource(resource)
            resource.add_prefix(prefix)
            self._app.router.index_resource(resource)

    def raw_match(self, path: str) -> bool:
        return False

    def find(self, request: Request, path: str) -> Resolved:
        assert isinstance(self._rule, Domain)
        if not self._rule.matches(request):
            return NO_MATCH
        return self._found(self._app.router.find(request, path))

    async def resolve(self, request: Request) -> Resolved:
        if not await self._rule.match(request):
            return NO_MATCH
        return self._found(await self._app.router.resolve(request))

    def __repr__(self) -> str:
        return f"<MatchedSubAppResource -> {self._app!r}>"
