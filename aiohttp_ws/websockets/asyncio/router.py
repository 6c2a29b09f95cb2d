"""Serve several handlers, chosen by the path, with the rules of werkzeug.

``route`` is ``serve`` with a :class:`Router`, which finds the handler of a request before its
opening handshake is answered, and calls it afterwards.
"""

from __future__ import annotations

import http
import os
import ssl as ssl_module
import urllib.parse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from ..http11 import Request, Response
from .server import Server, ServerConnection, serve, unix_serve

if TYPE_CHECKING:
    from werkzeug.routing import Map

__all__ = ("Router", "route", "unix_route")

NOT_INSTALLED = "route() needs the package werkzeug: pip install werkzeug"


class Router:
    """Finds and calls the handler of each connection; :func:`route` makes one.

    A subclass, passed to :func:`route` as ``create_router``, changes how.


    :param url_map: the :class:`werkzeug.routing.Map` of paths to handlers.
    :param server_name: the name of the server in redirects; ``None`` for the request's Host.
    :param url_scheme: ``"ws"`` or ``"wss"`` in redirects.
    """

    def __init__(
        self, url_map: Map, server_name: str | None = None, url_scheme: str = "ws"
    ) -> None:
        self.url_map = url_map
        self.server_name = server_name
        self.url_scheme = url_scheme
        for rule in url_map.iter_rules():
            rule.websocket = True

    def get_server_name(self, connection: ServerConnection, request: Request) -> str:
        """Return the name of the server in redirects."""
        return self.server_name or request.headers.get("Host", "")

    def redirect(self, connection: ServerConnection, url: str) -> Response:
        """Return the response to a path whose rule has a ``redirect_to``."""
        response = connection.respond(http.HTTPStatus.FOUND, f"Found at {url}")
        response.headers["Location"] = url
        return response

    def not_found(self, connection: ServerConnection) -> Response:
        """Return the response to a path without a rule."""
        return connection.respond(http.HTTPStatus.NOT_FOUND, "Not Found")

    def route_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Find the handler of a request, and its arguments in the path."""
        from werkzeug.exceptions import NotFound
        from werkzeug.routing import RequestRedirect

        path, _, query = request.path.partition("?")
        adapter = self.url_map.bind(
            server_name=self.get_server_name(connection, request),
            url_scheme=self.url_scheme,
        )
        try:
            handler, arguments = adapter.match(
                path_info=urllib.parse.unquote(path), query_args=query, websocket=True
            )
        except RequestRedirect as redirect:
            return self.redirect(connection, redirect.new_url)
        except NotFound:
            return self.not_found(connection)
        connection.handler = handler
        connection.handler_kwargs = arguments
        return None

    async def handler(self, connection: ServerConnection) -> Any:
        """Call the handler that :meth:`route_request` found."""
        return await connection.handler(connection, **connection.handler_kwargs)


def route(
    url_map: Map,
    *args: Any,
    server_name: str | None = None,
    ssl: ssl_module.SSLContext | Literal[True] | None = None,
    create_router: Callable[..., Router] | None = None,
    **kwargs: Any,
) -> Server:
    """Serve with the handlers of *url_map*, chosen by the path of each request.

    ::

        url_map = Map([Rule("/channel/<uuid:channel_id>", endpoint=channel_handler)])
        async with route(url_map, "localhost", 8765) as server:
            await server.serve_forever()

    A handler gets the connection and, as keywords, the converted parts of the path. A path
    without a rule is answered with 404, one with ``redirect_to`` with 302.

    :param url_map: a :class:`werkzeug.routing.Map` whose endpoints are handlers; its rules
        need no ``websocket=True``.
    :param args: for :func:`serve`, after its handler.
    :param server_name: the name of the server in redirects, where a proxy changes ``Host``.
    :param ssl: as for :func:`serve`; ``True`` when a proxy terminates TLS: redirects go to ``wss``.
    :param create_router: makes the :class:`Router`: a subclass, or a function with its parameters.
    :param kwargs: for :func:`serve`. Its ``process_request`` is called before a handler is
        chosen.
    :raises ImportError: the package werkzeug is not installed.
    """
    router = router_of(url_map, server_name, ssl, create_router or Router, kwargs)
    asked: Callable[..., Any] | None = kwargs.pop("process_request", None)
    if asked is None:
        kwargs["process_request"] = router.route_request
    else:
        kwargs["process_request"] = both(asked, router.route_request)
    if kwargs.pop("unix", False):
        return unix_serve(router.handler, *args, **kwargs)
    return serve(router.handler, *args, **kwargs)


def router_of(
    url_map: Map,
    server_name: str | None,
    ssl: ssl_module.SSLContext | Literal[True] | None,
    create_router: Callable[..., Any],
    kwargs: dict[str, Any],
) -> Any:
    """Make the router of ``route()``; a context of TLS joins the arguments of ``serve()``."""
    try:
        import werkzeug.routing  # noqa: F401
    except ImportError as exc:
        raise ImportError(NOT_INSTALLED) from exc
    if ssl is not True and ssl is not None:
        kwargs["ssl"] = ssl
    return create_router(url_map, server_name, "ws" if ssl is None else "wss")


def both(
    first: Callable[[ServerConnection, Request], Any],
    then: Callable[[ServerConnection, Request], Response | None],
) -> Callable[[ServerConnection, Request], Awaitable[Response | None]]:
    async def process_request(connection: ServerConnection, request: Request) -> Response | None:
        answer = first(connection, request)
        if hasattr(answer, "__await__"):
            answer = await answer
        return then(connection, request) if answer is None else answer

    return process_request


def unix_route(url_map: Map, path: str | os.PathLike[str] | None = None, **kwargs: Any) -> Server:
    """Serve on the Unix socket *path*; everything else is as in :func:`route`."""
    return route(url_map, path, unix=True, **kwargs)
