"""Where a client connects to: URIs, and redirects that it follows."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..errors import WSInvalidURL
from ..wire.url import WSParsedURL, parse_url, redirected
from ..ws.opening.client import CREDENTIALS
from .exceptions import InvalidStatus, InvalidURI, SecurityError

__all__ = ("MAX_REDIRECTS", "kept_headers", "parsed", "redirect_target")

REDIRECTS = (300, 301, 302, 303, 307, 308)
#: How many are followed; the environment's ``WEBSOCKETS_MAX_REDIRECTS``.
MAX_REDIRECTS = int(os.environ.get("WEBSOCKETS_MAX_REDIRECTS", "10"))
DROPPED = frozenset(name.lower() for name in (*CREDENTIALS, "Host"))


def parsed(uri: str) -> WSParsedURL:
    """Take *uri* apart.

    :raises InvalidURI: it is not one to connect to.
    """
    try:
        return parse_url(uri)
    except WSInvalidURL as exc:
        raise InvalidURI(exc.url, str(exc.args[1])) from None


def redirect_target(exc: Exception, old: WSParsedURL, given: Iterable[str]) -> Exception | str:
    """Decide about an attempt at *old* that ended with *exc*: follow a redirect, or raise.

    Never from ``wss`` to ``ws``.

    :param given: the arguments ``sock``, ``path``, ``host`` and ``port`` that the caller gave:
        they name another server than a URI does.
    :return: the URI to go on with, or the exception to raise.
    """
    if not isinstance(exc, InvalidStatus):
        return exc
    location = exc.response.headers.get("Location")
    if exc.response.status_code not in REDIRECTS or location is None:
        return exc
    try:
        new = redirected(old, location)
    except WSInvalidURL as invalid:
        return InvalidURI(invalid.url, str(invalid.args[1]))
    target = new.url
    if old.is_secure and not new.is_secure:
        return SecurityError(f"cannot follow redirect to non-secure URI {target}")
    if same_origin(old, new):
        if "sock" in given:
            return ValueError(f"cannot follow redirect to {target} with a preexisting socket")
        return target
    for name in given:
        return ValueError(f"cannot follow cross-origin redirect to {target} with {name}=")
    return target


def same_origin(old: WSParsedURL, new: WSParsedURL) -> bool:
    return (old.scheme, old.host, old.port) == (new.scheme, new.host, new.port)


def kept_headers(
    headers: Iterable[tuple[str, str]], old: WSParsedURL, new: WSParsedURL
) -> list[tuple[str, str]]:
    """The headers that go on to *new*: to another origin neither credentials nor ``Host``."""
    if same_origin(old, new):
        return list(headers)
    return [(name, value) for name, value in headers if name.lower() not in DROPPED]
