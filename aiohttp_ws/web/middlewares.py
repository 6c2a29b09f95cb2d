"""Middlewares: coroutine functions around every handler of an application."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, TypeVar

from .exceptions import HTTPMove, HTTPPermanentRedirect
from .interfaces import Handler, Middleware

if TYPE_CHECKING:
    from .request import Request
    from .stream_response import StreamResponse

__all__ = ("middleware", "normalize_path_middleware")

_Middleware = TypeVar("_Middleware")


def middleware(f: _Middleware) -> _Middleware:
    """Mark *f* as a middleware: ``async def f(request, handler)``.

    Without the mark it is one as well when its first parameter is called ``request``. Anything else
    is a middleware of the old style, ``async def f(app, handler)``, which makes the function of a
    request that is run.
    """
    f.__middleware_version__ = 1  # type: ignore[attr-defined]
    return f


def is_old_style(middleware: Middleware) -> bool:
    """Whether *middleware* is called with the application instead of the request."""
    if getattr(middleware, "__middleware_version__", None) == 1:
        return False
    try:
        return next(iter(inspect.signature(middleware).parameters), "request") != "request"
    except (TypeError, ValueError):  # a callable that does not tell
        return True


def normalize_path_middleware(
    *,
    append_slash: bool = True,
    remove_slash: bool = False,
    merge_slashes: bool = True,
    redirect_class: type[HTTPMove] = HTTPPermanentRedirect,
) -> Middleware:
    """Return a middleware that redirects a path without a route to one that has a route.

    :param append_slash: try the path with a slash at its end.
    :param remove_slash: try the path without the slash at its end.
    :param merge_slashes: try the path with repeated slashes merged.
    :param redirect_class: what to raise; 308 by default.
    :raises ValueError: *append_slash* and *remove_slash* are both true.

    The query string is kept. Paths that begin with several slashes are merged into one, so
    that the redirection cannot lead to another host.
    """
    if append_slash and remove_slash:
        raise ValueError("append_slash and remove_slash cannot both be true")

    @middleware
    async def normalize_path(request: Request, handler: Handler) -> StreamResponse:
        if request.match_info.http_exception is not None:
            raw_path, question, query = request.raw_path.partition("?")
            for path in _variants(raw_path, append_slash, remove_slash, merge_slashes):
                if await _is_served(request, path):
                    raise redirect_class(f"{path}{question}{query}")
        return await handler(request)

    return normalize_path


def _variants(path: str, append_slash: bool, remove_slash: bool, merge_slashes: bool) -> list[str]:
    merged = re.sub("//+", "/", path)
    tried = [merged] if merge_slashes else []
    for candidate in (path, merged) if merge_slashes else (path,):
        if append_slash and not candidate.endswith("/"):
            tried.append(candidate + "/")
        if remove_slash and candidate.endswith("/"):
            tried.append(candidate[:-1])
    # A target that begins with two slashes names another host (RFC 3986 4.2).
    tried = [re.sub("^//+", "/", candidate) for candidate in tried]
    return [candidate for candidate in tried if candidate.startswith("/") and candidate != path]


async def _is_served(request: Request, path: str) -> bool:
    alternative = request.clone(rel_url=path)
    match_info = await request.app.router.resolve(alternative)
    return match_info.http_exception is None
