"""What a replacement of a part of the server has to provide, and the types of its callables."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .application import Application
    from .base_request import BaseRequest
    from .exceptions import HTTPException
    from .request import Request
    from .stream_response import StreamResponse

__all__ = ("AbstractAccessLogger", "AbstractMatchInfo", "AbstractRouter", "AbstractView")

# Handler and Middleware are offered by ``typedefs``, as in aiohttp.
#: What answers requests of an application, and what runs before it.
Handler: TypeAlias = Callable[["Request"], Awaitable["StreamResponse"]]
Middleware: TypeAlias = Callable[["Request", Handler], Awaitable["StreamResponse"]]
#: What deals with the ``Expect`` header of a request; a response instead of ``None`` ends it.
ExpectHandler: TypeAlias = Callable[["Request"], Awaitable["StreamResponse | None"]]


class AbstractRouter(ABC):
    """Finds the handler of a request."""

    def __init__(self) -> None:
        self._frozen = False

    def post_init(self, app: Application) -> None:  # noqa: B027 - optional
        """Called once with the application that the router serves."""

    @property
    def frozen(self) -> bool:
        """Whether routes may no longer be added."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse further routes; called before the application starts."""
        self._frozen = True

    @abstractmethod
    async def resolve(self, request: Request) -> AbstractMatchInfo:
        """Return the match for *request*; a miss is a match that raises 404 or 405."""


class AbstractMatchInfo(ABC):
    """What a router found for one request."""

    __slots__ = ()

    @property
    @abstractmethod
    def handler(self) -> Handler:
        """The coroutine function that answers the request."""

    @property
    @abstractmethod
    def expect_handler(self) -> ExpectHandler:
        """The coroutine function that deals with the request's ``Expect`` header."""

    @property
    @abstractmethod
    def http_exception(self) -> HTTPException | None:
        """The exception that answers when nothing matched, else ``None``."""

    @abstractmethod
    def get_info(self) -> dict[str, Any]:
        """Details of the matched resource, for introspection."""

    @property
    @abstractmethod
    def apps(self) -> tuple[Application, ...]:
        """The nested applications on the way to the handler, outermost first."""

    @abstractmethod
    def add_app(self, app: Application) -> None:
        """Put *app* in front of :attr:`apps`; ``RuntimeError`` after :meth:`freeze`."""

    @abstractmethod
    def freeze(self) -> None:
        """Refuse further :meth:`add_app`; called once the whole nesting is known."""


class AbstractView(ABC):
    """Base of class-based handlers: ``await View(request)`` gives the response."""

    def __init__(self, request: Request) -> None:
        self._request = request

    @property
    def request(self) -> Request:
        """The request being answered."""
        return self._request

    @abstractmethod
    def __await__(self) -> Generator[None, None, StreamResponse]:
        """Run the view."""


class AbstractAccessLogger(ABC):
    """Writes one line for each answered request.

    :param logger: where to write.
    :param log_format: the format; its meaning is the subclass's own.
    """

    __slots__ = ("log_format", "logger")

    def __init__(self, logger: logging.Logger, log_format: str) -> None:
        self.logger = logger
        self.log_format = log_format

    @abstractmethod
    def log(self, request: BaseRequest, response: StreamResponse, time: float) -> None:
        """Log *request*, answered by *response* after *time* seconds."""

    @property
    def enabled(self) -> bool:
        """Whether :meth:`log` should be called at all."""
        return True
