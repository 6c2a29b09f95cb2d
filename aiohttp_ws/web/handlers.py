"""What a handler may be: a coroutine function, a view, or (deprecated) a plain function."""

from __future__ import annotations

import inspect
import warnings
from functools import wraps
from typing import TYPE_CHECKING, Any

from .. import hdrs
from .exceptions import HTTPExpectationFailed
from .interfaces import AbstractView, Handler

if TYPE_CHECKING:
    from .request import Request
    from .stream_response import StreamResponse

__all__ = ("as_handler", "default_expect_handler")


def is_coroutine_function(function: Any) -> bool:
    """Whether calling *function* gives a coroutine: ``async def``, a partial or an object."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - the method's kind is asked for
    )


def as_handler(handler: Any) -> Handler:
    """Return *handler* as something whose call can be awaited.

    :raises TypeError: *handler* cannot be called.
    """
    if not callable(handler):
        raise TypeError(f"a handler must be a coroutine function or a View, not {handler!r}")
    if isinstance(handler, type) and issubclass(handler, AbstractView):
        return handler  # awaiting an instance runs it
    if is_coroutine_function(handler):
        return handler  # type: ignore[no-any-return]
    warnings.warn(
        f"{handler!r} is not a coroutine function: declare it with async def",
        DeprecationWarning,
        stacklevel=2,
    )

    @wraps(handler)
    async def awaited(request: Request) -> StreamResponse:
        result = handler(request)
        if inspect.isawaitable(result):
            result = await result
        return result  # type: ignore[no-any-return]

    return awaited


async def default_expect_handler(request: Request) -> None:
    """Refuse an unknown expectation with 417 (RFC 9110 10.1.1).

    ``100-continue`` is met by the connection when the handler first reads the body: the client of
    a handler that answers without reading need not send it.
    """
    expectation = request.headers.get(hdrs.EXPECT, "")
    # HTTP/1.0 has no interim responses: the field is ignored.
    if request.version >= (1, 1) and expectation.lower() != "100-continue":
        # Undecodable bytes came as lone surrogates, which no response can carry.
        shown = expectation.encode("utf-8", "backslashreplace").decode()
        raise HTTPExpectationFailed(text=f"Unknown Expect: {shown}")
