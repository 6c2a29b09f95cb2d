"""What ``session.get()`` returns: awaitable, and an asynchronous context manager."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

__all__ = ("RequestContext", "SessionRequestContext")


class _Entered(Protocol):
    async def __aenter__(self) -> Any: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
        /,
    ) -> None: ...


_T = TypeVar("_T", bound=_Entered)


class RequestContext(Coroutine[Any, Any, _T], Generic[_T]):
    """``await`` it for the response, or ``async with`` it to have the response closed too."""

    __slots__ = ("_coro", "_resp")

    def __init__(self, coroutine: Coroutine[Any, Any, _T]) -> None:
        self._coro = coroutine

    def send(self, value: Any) -> Any:
        """Go on with the request; called by whatever drives coroutines."""
        return self._coro.send(value)

    def throw(self, *args: Any) -> Any:
        """Raise an exception inside the request."""
        return self._coro.throw(*args)

    def close(self) -> None:
        """Give the request up."""
        self._coro.close()

    def __getattr__(self, name: str) -> Any:
        # A task's repr and its stack are taken from what a coroutine shows of itself.
        if name.startswith("cr_") or name in ("__name__", "__qualname__"):
            return getattr(self._coro, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __await__(self) -> Generator[Any, None, _T]:
        return self._coro.__await__()

    def __iter__(self) -> Generator[Any, None, _T]:
        return self._coro.__await__()

    async def __aenter__(self) -> _T:
        self._resp: _T = await self._coro
        entered: _T = await self._resp.__aenter__()
        return entered

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self._resp.__aexit__(exc_type, exc_val, exc_tb)


class SessionRequestContext(RequestContext[_T]):
    """The same for a session made for one request, which is closed with it.

    It is for ``async with`` alone: who awaits it would have nobody to close the session.
    """

    __slots__ = ("_session",)
    __await__ = None  # type: ignore[assignment]

    def __init__(self, coroutine: Coroutine[Any, Any, _T], session: Any) -> None:
        super().__init__(coroutine)
        self._session = session

    async def __aenter__(self) -> _T:
        try:
            return await super().__aenter__()
        except BaseException:
            await self._session.close()
            raise

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        try:
            await super().__aexit__(exc_type, exc_val, exc_tb)
        finally:
            await self._session.close()
