"""Routes: one method of a resource and the handler that serves it."""

from __future__ import annotations

import abc
import re
from typing import TYPE_CHECKING, Any, NoReturn

from yarl import URL

from .exceptions import HTTPException
from .handlers import as_handler, default_expect_handler, is_coroutine_function
from .interfaces import ExpectHandler, Handler

if TYPE_CHECKING:
    from .request import Request
    from .resources import AbstractResource
    from .stream_response import StreamResponse

__all__ = ("AbstractRoute", "ResourceRoute", "SystemRoute")

# RFC 9110 5.6.2: a method is a token.
METHOD_RE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class AbstractRoute(abc.ABC):
    """A handler for one method.

    :param method: the method, in any case; ``*`` stands for all.
    :param handler: a coroutine function of the request, or a subclass of :class:`View`.
    :param expect_handler: called instead of the default when a request has an ``Expect``
        header; what it returns, if not ``None``, is the response.
    :param resource: the resource that the route belongs to.
    :raises ValueError: *method* is not a method name.
    """

    def __init__(
        self,
        method: str,
        handler: Any,
        *,
        expect_handler: ExpectHandler | None = None,
        resource: AbstractResource | None = None,
    ) -> None:
        method = method.upper()
        if not METHOD_RE.fullmatch(method):
            raise ValueError(f"{method!r} is not an HTTP method name (RFC 9110 5.6.2)")
        if expect_handler is None:
            expect_handler = default_expect_handler
        elif not is_coroutine_function(expect_handler):
            raise TypeError(f"expect_handler must be a coroutine function, not {expect_handler!r}")
        self._method = method
        self._handler = as_handler(handler)
        self._expect_handler = expect_handler
        self._resource = resource

    @property
    def method(self) -> str:
        """The method, in upper case; ``*`` stands for all."""
        return self._method

    @property
    def handler(self) -> Handler:
        """The handler as it is called."""
        return self._handler

    @property
    @abc.abstractmethod
    def name(self) -> str | None:
        """The name of the resource."""

    @property
    def resource(self) -> AbstractResource | None:
        """The resource that the route belongs to."""
        return self._resource

    @abc.abstractmethod
    def get_info(self) -> dict[str, Any]:
        """Details of the resource, for introspection."""

    @abc.abstractmethod
    def url_for(self, *args: str, **kwargs: str) -> URL:
        """Build the URL of the resource."""

    async def handle_expect_header(self, request: Request) -> StreamResponse | None:
        """Deal with the request's ``Expect`` header."""
        return await self._expect_handler(request)


class ResourceRoute(AbstractRoute):
    """A method of a resource."""

    def __init__(
        self,
        method: str,
        handler: Any,
        resource: AbstractResource,
        *,
        expect_handler: ExpectHandler | None = None,
    ) -> None:
        super().__init__(method, handler, expect_handler=expect_handler, resource=resource)

    def __repr__(self) -> str:
        return f"<ResourceRoute [{self.method}] {self._resource} -> {self.handler!r}>"

    @property
    def name(self) -> str | None:
        return self._resource.name if self._resource is not None else None

    def url_for(self, *args: str, **kwargs: str) -> URL:
        assert self._resource is not None
        return self._resource.url_for(*args, **kwargs)

    def get_info(self) -> dict[str, Any]:
        assert self._resource is not None
        return self._resource.get_info()


class SystemRoute(AbstractRoute):
    """The route of a request that nothing matches: raises its exception."""

    def __init__(self, http_exception: HTTPException) -> None:
        super().__init__("*", self._raise)
        self._http_exception = http_exception

    async def _raise(self, request: Request) -> NoReturn:
        raise self._http_exception

    @property
    def name(self) -> None:
        return None

    def url_for(self, *args: str, **kwargs: str) -> URL:
        raise RuntimeError("a request that matched no resource has no URL to build")

    def get_info(self) -> dict[str, Any]:
        return {"http_exception": self._http_exception}

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self._http_exception.status

    @property
    def reason(self) -> str:
        """The reason phrase of the answer."""
        return self._http_exception.reason

    def __repr__(self) -> str:
        return f"<SystemRoute {self.status}: {self.reason}>"
