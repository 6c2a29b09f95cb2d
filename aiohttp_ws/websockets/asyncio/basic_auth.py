"""HTTP Basic Authentication as a ``process_request`` of ``serve`` (RFC 7617)."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable

from ..credentials import BasicLogin
from ..http11 import Request, Response
from .server_connection import ServerConnection

__all__ = ("basic_auth",)


def basic_auth(
    realm: str = "",
    credentials: tuple[str, str] | Iterable[tuple[str, str]] | None = None,
    check_credentials: Callable[[str, str], Awaitable[bool] | bool] | None = None,
) -> Callable[[ServerConnection, Request], Awaitable[Response | None]]:
    """Make a ``process_request`` that demands HTTP Basic Authentication (RFC 7617).

    Afterwards the connection has the user's name as ``username``; other requests are answered
    with 401.

    :param realm: what is protected, in ASCII.
    :param credentials: a pair of name and password, or several.
    :param check_credentials: a function or coroutine function of name and password that says
        whether they are valid; instead of *credentials*.
    :raises TypeError: *credentials* is neither a pair nor pairs.
    :raises ValueError: both are given, or neither.
    """
    login = BasicLogin(realm, credentials, check_credentials)

    async def process_request(connection: ServerConnection, request: Request) -> Response | None:
        given = login.given(connection, request)
        if isinstance(given, Response):
            return given
        valid = login.check(*given)
        if inspect.isawaitable(valid):
            valid = await valid
        return login.decided(connection, given[0], valid)

    return process_request
