"""What HTTP Basic Authentication demands of a request (RFC 7617), whoever waits for the check."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

from ..http.auth import BasicAuth
from .headers import build_www_authenticate_basic
from .http11 import Request, Response

__all__ = ("BasicLogin",)


class BasicLogin:
    """Reads the credentials of requests, and refuses or accepts them.

    :param realm: what is protected, in ASCII.
    :param credentials: a pair of name and password, or several.
    :param check_credentials: a function of name and password that says whether they are valid;
        instead of *credentials*.
    :raises TypeError: *credentials* is neither a pair nor pairs.
    :raises ValueError: both are given, or neither.
    """

    def __init__(
        self,
        realm: str,
        credentials: tuple[str, str] | Iterable[tuple[str, str]] | None,
        check_credentials: Callable[[str, str], Awaitable[bool] | bool] | None,
    ) -> None:
        if (credentials is None) == (check_credentials is None):
            raise ValueError("provide either credentials or check_credentials")
        self._demand = build_www_authenticate_basic(realm)
        self._pairs = {} if credentials is None else _pairs_of(credentials)
        self.check = check_credentials or self._is_known

    def _is_known(self, username: str, password: str) -> bool:
        # As long for a name that exists as for another.
        expected = self._pairs.get(username, "")
        same = hmac.compare_digest(expected.encode(), password.encode())
        return same and username in self._pairs

    def given(self, connection: Any, request: Request) -> tuple[str, str] | Response:
        """Return name and password, or the refusal of a request that has none."""
        values = request.headers.get_all("Authorization")
        if not values:
            return self._refused(connection, "Missing credentials\n")
        try:
            (value,) = values
            username, password, _ = BasicAuth.decode(value, "utf-8")
        except ValueError:
            return self._refused(connection, "Unsupported credentials\n")
        return username, password

    def decided(self, connection: Any, username: str, valid: bool) -> Response | None:
        """Give the connection its user's name, or return the refusal."""
        if not valid:
            return self._refused(connection, "Invalid credentials\n")
        connection.username = username
        return None

    def _refused(self, connection: Any, text: str) -> Response:
        response: Response = connection.respond(401, text)
        response.headers["WWW-Authenticate"] = self._demand
        return response


def _pairs_of(credentials: tuple[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
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
