"""``cleanup_ctx``: set-up and tear-down of one resource written in one place."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from frozenlist import FrozenList

if TYPE_CHECKING:
    from .application import Application

    _Contexts: TypeAlias = FrozenList["CleanupCallback"]
else:
    _Contexts = FrozenList

__all__ = ("CleanupContext", "CleanupError")

#: An asynchronous generator function that yields once, or a function that returns an
#: asynchronous context manager.
CleanupCallback: TypeAlias = (
    "Callable[[Application], AsyncIterator[None] | AbstractAsyncContextManager[None]]"
)


class CleanupError(RuntimeError):
    """Several cleanup contexts failed; :attr:`exceptions` holds what each raised."""

    @property
    def exceptions(self) -> list[BaseException]:
        """What the contexts raised, in the order of their cleanup."""
        return list(self.args[1])


class CleanupContext(_Contexts):
    """The list that ``app.cleanup_ctx`` is.

    Each context is entered at startup, in order; those that were entered are left at
    cleanup in reverse order, all of them, whatever fails.
    """

    def __init__(self) -> None:
        super().__init__()
        self._entered: list[AbstractAsyncContextManager[Any]] = []

    async def _on_startup(self, app: Application) -> None:
        for callback in self:
            context = self._as_context(callback(app), callback)
            await context.__aenter__()
            self._entered.append(context)

    @staticmethod
    def _as_context(made: Any, callback: Any) -> AbstractAsyncContextManager[Any]:
        if isinstance(made, AbstractAsyncContextManager):
            return made
        if inspect.isasyncgen(made) or isinstance(made, AsyncIterator):
            return asynccontextmanager(lambda: made)()
        raise TypeError(
            f"cleanup context {callback!r} returned {made!r}: it must be an asynchronous "
            "generator function with one yield, or return an asynchronous context manager"
        )

    async def _on_cleanup(self, app: Application) -> None:
        failures: list[BaseException] = []
        while self._entered:
            context = self._entered.pop()
            try:
                await context.__aexit__(None, None, None)
            except (Exception, GeneratorExit, asyncio.CancelledError) as exc:
                failures.append(exc)
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise CleanupError("several cleanup contexts failed; see .exceptions", failures)
