"""What ``session.get()`` returns: awaitable, and an asynchronous context manager."""

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any

from ..argument_types import StrOrURL
from .response import ClientResponse
from .session import ClientSession

class ResponseContext(Coroutine[Any, Any, ClientResponse]):
    """``await`` it for the response, or ``async with`` it to have the response closed too.

    :param coroutine: what gives the response.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, ClientResponse]) -> None: ...
    @property
    def _coro(self) -> Coroutine[Any, Any, ClientResponse]: ...
    @property
    def _resp(self) -> ClientResponse: ...
    def send(self, value: Any) -> Any:
        """Go on with the request; called by whatever drives coroutines."""
    def throw(self, *args: Any) -> Any:
        """Raise an exception inside the request."""
    def close(self) -> None:
        """Give the request up."""
    def __await__(self) -> Generator[Any, None, ClientResponse]: ...
    def __iter__(self) -> Generator[Any, None, ClientResponse]: ...
    async def __aenter__(self) -> ClientResponse: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...

def of_session(session: type[ClientSession]) -> None:
    """Take note of the class of sessions, before anybody can have patched it."""

def call(session: ClientSession, method: str, url: StrOrURL, **options: Any) -> ResponseContext:
    """Begin a call: nothing is sent until it is awaited, or entered."""
