"""Serve several handlers, chosen by the path, with the rules of werkzeug."""

from __future__ import annotations

import os
import ssl as ssl_module
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from ..asyncio.router import Router as RouterOfCoroutines
from ..asyncio.router import router_of
from ..http11 import Request, Response
from .server import Server, ServerConnection, serve, unix_serve

if TYPE_CHECKING:
    from werkzeug.routing import Map

__all__ = ("Router", "route", "unix_route")


class Router(RouterOfCoroutines):
    """Finds and calls the handler of each connection; :func:`route` makes one.

    It is :class:`aiohttp_ws.websockets.asyncio.router.Router` for functions.
    """

    def handler(self, connection: ServerConnection) -> Any:  # type: ignore[override]
        """Call the handler that :meth:`route_request` found."""
        return connection.handler(connection, **connection.handler_kwargs)


def route(
    url_map: Map,
    *args: Any,
    server_name: str | None = None,
    ssl: ssl_module.SSLContext | Literal[True] | None = None,
    create_router: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> Server:
    """Serve with the handlers of *url_map*, chosen by the path of each request.

    A handler gets the connection and, as keywords, the converted parts of the path. A path
    without a rule is answered with 404, one with ``redirect_to`` with 302.

    :param url_map: a :class:`werkzeug.routing.Map` whose endpoints are handlers.
    :param args: for :func:`serve`, after its handler.
    :param server_name: the name of the server in redirects, where a proxy changes ``Host``.
    :param ssl: as for :func:`serve`; ``True`` when a proxy terminates TLS: redirects go to ``wss``.
    :param create_router: makes the :class:`Router`: a subclass, or a function with its parameters.
    :param kwargs: for :func:`serve`. Its ``process_request`` is called before a handler is
        chosen.
    :raises ImportError: the package werkzeug is not installed.
    """
    router = router_of(url_map, server_name, ssl, create_router or Router, kwargs)
    asked = kwargs.pop("process_request", None)

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        answer: Response | None = None if asked is None else asked(connection, request)
        return router.route_request(connection, request) if answer is None else answer

    kwargs["process_request"] = process_request
    if kwargs.pop("unix", False):
        return unix_serve(router.handler, *args, **kwargs)
    return serve(router.handler, *args, **kwargs)


def unix_route(url_map: Map, path: str | os.PathLike[str] | None = None, **kwargs: Any) -> Server:
    """Serve on the Unix socket *path*; everything else is as in :func:`route`."""
    return route(url_map, path, unix=True, **kwargs)
