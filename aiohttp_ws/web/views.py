"""Class-based handlers: one method of the class for each HTTP method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any

from .. import hdrs
from .exceptions import HTTPMethodNotAllowed
from .interfaces import AbstractView

if TYPE_CHECKING:
    from .stream_response import StreamResponse

__all__ = ("View",)


class View(AbstractView):
    """Subclass it and write ``async def get(self)`` and the like; use ``self.request``.

    A method that the class does not define is answered with 405 and an ``Allow`` header.
    """

    async def _run(self) -> StreamResponse:
        name = self.request.method
        method: Callable[[], Awaitable[StreamResponse]] | None = None
        if name in hdrs.METH_ALL:  # any other name could be an attribute of ours
            method = getattr(self, name.lower(), None)
        if method is None:
            raise HTTPMethodNotAllowed(name, self._allowed_methods())
        return await method()

    def _allowed_methods(self) -> set[str]:
        return {name for name in hdrs.METH_ALL if hasattr(self, name.lower())}

    def __await__(self) -> Generator[Any, None, StreamResponse]:
        return self._run().__await__()
