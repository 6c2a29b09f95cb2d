"""HTTP Basic Authentication as a ``process_request`` of ``serve`` (RFC 7617)."""

from __future__ import annotations

import hmac
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

from ...http.auth import BasicAuth
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
    if (credentials is None) == (check_credentials is None):
        raise ValueError("provide either credentials or check_credentials")
    if credentials is not None:
        pairs = credential_pairs(credentials)

        def check_credentials(username: str, password: str) -> bool:
            # As long for a name that exists as for another.
            expected = pairs.get(username, "")
            same = hmac.compare_digest(expected.encode(), password.encode())
            return same and username in pairs

    check = check_credentials
    assert check is not None
    escaped = realm.replace("\\", "\\\\").replace('"', '\\"')

    def refused(connection: ServerConnection, text: str) -> Response:
        response = connection.respond(401, text)
        response.headers["WWW-Authenticate"] = f'Basic realm="{escaped}", charset="UTF-8"'
        return response

    async def process_request(connection: ServerConnection, request: Request) -> Response | None:
        values = request.headers.get_all("Authorization")
        if not values:
            return refused(connection, "Missing credentials\n")
        try:
            (value,) = values
            username, password, _ = BasicAuth.decode(value, "utf-8")
        except ValueError:
            return refused(connection, "Unsupported credentials\n")
        valid = check(username, password)
        if inspect.isawaitable(valid):
            valid = await valid
        if not valid:
            return refused(connection, "Invalid credentials\n")
        connection.username = username
        return None

    return process_request


def credential_pairs(
    credentials: tuple[str, str] | Iterable[tuple[str, str]],
) -> dict[str, str]:
    def is_pair(each: Any) -> bool:
        return isinstance(each, tuple) and len(each) == 2 and all(isinstance(p, str) for p in each)

    if is_pair(credentials):
        return dict([cast("tuple[str, str]", credentials)])
    try:
        pairs = list(cast("Iterable[tuple[str, str]]", credentials))
    except TypeError:
        pairs = []
    if not pairs or not all(is_pair(each) for each in pairs):
        raise TypeError(
            "credentials must be a (username, password) tuple, or a list of such tuples"
        )
    return dict(pairs)
