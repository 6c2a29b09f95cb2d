"""Sending a request and getting its response, with one more try on a fresh connection.

The server may close a kept connection just as a request is written to it. One that may be repeated
is then sent again, on a new connection.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from ..errors import (
    ClientOSError,
    ConnectionTimeoutError,
    ServerDisconnectedError,
    ServerTimeoutError,
)
from .timeouts import deadline_after, has_expired, timeout_at

if TYPE_CHECKING:
    from .connection import Connection
    from .connector import BaseConnector
    from .plan import Plan
    from .request import ClientRequest
    from .response import ClientResponse

__all__ = ("ClientHandlerType", "ClientMiddlewareType", "send", "send_through")

ClientHandlerType: TypeAlias = "Callable[[ClientRequest], Awaitable[ClientResponse]]"
ClientMiddlewareType: TypeAlias = (
    "Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]"
)

# RFC 9110 9.2.2: what may be sent again when it is not known whether it arrived.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})


async def send(
    connector: BaseConnector,
    request: ClientRequest,
    plan: Plan,
    deadline: float,
    fresh: bool = False,
) -> ClientResponse:
    """Send *request* and wait for the head of its response.

    A kept connection may be closed by its server just when we use it; what may be sent
    twice is then sent again, on a new connection.

    :param fresh: take no kept connection.
    """
    traced = request._traces
    if request.upload_tracker is not None:
        request._attempt = request.upload_tracker._begin()
    connection = None if traced or fresh else connector.acquire_idle(request.connection_key)
    if connection is None:
        connection = await _connect(connector, request, plan, deadline, fresh=fresh)
    while True:
        try:
            if traced:
                await request.tell_of_head()
            if request._has_send:
                request._plan, request._deadline = plan, deadline
                response = await request.send(connection)
            else:
                response = request.start(connection, plan, deadline)
            return await response.start(connection)
        except (ServerDisconnectedError, ClientOSError) as exc:
            connection.release()
            body = request._body
            if (
                not connection.reused
                or request.method not in IDEMPOTENT
                or isinstance(exc, ServerTimeoutError)
                or (body is not None and body.consumed)
            ):
                raise
        except BaseException:
            # Never kept: a server that serves one connection at a time would wait on it.
            connection.close()
            raise
        if request.upload_tracker is not None:
            request._attempt = request.upload_tracker._begin()
        connection = await _connect(connector, request, plan, deadline, fresh=True)


async def send_through(
    middlewares: Sequence[ClientMiddlewareType],
    connector: BaseConnector,
    request: ClientRequest,
    plan: Plan,
    deadline: float,
) -> ClientResponse:
    """:func:`send` through *middlewares*, the first of them outermost."""

    async def last(changed: ClientRequest) -> ClientResponse:
        return await send(connector, changed, plan, deadline)

    return await build_client_middlewares(last, middlewares)(request)


def build_client_middlewares(
    handler: ClientHandlerType, middlewares: Sequence[ClientMiddlewareType]
) -> ClientHandlerType:
    """Put *middlewares* around *handler*, the first of them outermost."""
    for middleware in reversed(middlewares):
        handler = functools.partial(_call, middleware, handler)
    return handler


async def _call(
    middleware: ClientMiddlewareType, handler: ClientHandlerType, request: ClientRequest
) -> ClientResponse:
    return await middleware(request, handler)


async def _connect(
    connector: BaseConnector, request: ClientRequest, plan: Plan, deadline: float, *, fresh: bool
) -> Connection:
    """A new connection, or a place to wait for, within the limits of time."""
    timeout = plan.timeout
    traces = list(request._traces)
    now = asyncio.get_running_loop().time()
    connect_deadline = deadline_after(now, timeout.connect, timeout.ceil_threshold)
    earliest = min(connect_deadline, deadline)
    limit = timeout_at(None if earliest == math.inf else earliest)
    try:
        async with limit:
            if fresh and not connector._has_connect:
                return await connector.connect(request, traces, timeout, fresh=True)
            return await connector.connect(request, traces, timeout)
    except asyncio.TimeoutError as exc:
        if isinstance(exc, ConnectionTimeoutError):
            raise
        if not has_expired(limit):
            raise ConnectionTimeoutError(f"Connection timeout to host {request.url}") from exc
        over = f"connect={timeout.connect}"
        if connect_deadline > deadline:
            over = f"total={timeout.total}"
        raise ConnectionTimeoutError(
            f"Connection timeout to host {request.url}: {over} seconds are over"
        ) from exc
