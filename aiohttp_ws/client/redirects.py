"""Where a redirect leads, and what of the request goes there (RFC 9110 15.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from yarl import URL

from .. import hdrs
from ..errors import InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError
from ..http.auth import BasicAuth
from .hosts import host_fault

if TYPE_CHECKING:
    from .response import ClientResponse

__all__ = ("REDIRECT_STATUSES", "becomes_get", "has_login", "next_url")

REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})
_NO_TEXT: Final = re.compile(r"[\ud800-\udfff]+")
_INVISIBLE: Final = re.compile(r"[^\x21-\x7e]+")
_BEGINS_PATH: Final = re.compile(r"[/?#]")
#: Headers that belong to the origin they were meant for, and to no other.
ORIGIN_HEADERS: Final = (hdrs.AUTHORIZATION, hdrs.COOKIE, hdrs.PROXY_AUTHORIZATION)
#: Headers that describe a body, and go with it.
BODY_HEADERS: Final = (
    hdrs.CONTENT_LENGTH,
    hdrs.CONTENT_TYPE,
    hdrs.CONTENT_ENCODING,
    hdrs.TRANSFER_ENCODING,
    hdrs.EXPECT,
)


def becomes_get(status: int, method: str) -> bool:
    """Whether the redirected request is a GET without a body.

    303 asks for it; after 301 and 302 every browser does it for POST (RFC 9110 15.4.2).
    """
    return (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST")


def next_url(response: ClientResponse, current: URL, requote: bool) -> URL | None:
    """The URL that *response* redirects to; ``None`` when it names none.

    :param current: the URL of the request, whose fragment is inherited (RFC 9110 10.2.2).
    :param requote: whether to percent-encode what a URL should not hold.
    :raises InvalidUrlRedirectClientError: when ``Location`` is no URL, or one that cannot be asked.
    :raises NonHttpUrlRedirectClientError: when its scheme is not HTTP's.
    """
    location = response.headers.get(hdrs.LOCATION) or response.headers.get(hdrs.URI)
    if location is None:
        return None
    try:
        target = URL(_visible(location, requote), encoded=not requote)
    except ValueError as exc:
        raise InvalidUrlRedirectClientError(
            location, "Server attempted redirecting to a location that does not look like a URL"
        ) from exc
    scheme = target.scheme
    if scheme not in ("", "http", "https"):
        raise NonHttpUrlRedirectClientError(location)
    # "http:/path" and "http:path" name no host: they are relative, as browsers read them.
    if not scheme or (scheme == current.scheme and _names_no_host(location, scheme)):
        target = current.join(target)
    try:
        target.origin()
        target.port  # noqa: B018  # read only now where nothing is requoted
    except ValueError as exc:
        raise InvalidUrlRedirectClientError(
            target, "Invalid redirect URL origin: it has no host, or no port that there is"
        ) from exc
    fault = host_fault(target.raw_host or "")
    if fault is not None:
        raise InvalidUrlRedirectClientError(target, fault)
    if has_login(target):
        try:
            login = BasicAuth.from_url(target)
            if login is not None:
                login.encode()
        except ValueError as exc:
            raise InvalidUrlRedirectClientError(
                location, f"its login cannot be sent: {exc}"
            ) from exc
    if current.raw_fragment and not target.raw_fragment:
        target = target.with_fragment(current.fragment)
    return target


def _names_no_host(location: str, scheme: str) -> bool:
    rest = location.lstrip()[len(scheme) + 1 :]
    return not rest.startswith(("//", "/\\", "\\"))


def has_login(url: URL) -> bool:
    """Whether *url* has a user or a password in it."""
    return url.raw_user is not None or url.raw_password is not None


def _visible(location: str, requote: bool) -> str:
    """Percent-encode what yarl would drop or leave: no byte that a server sent is lost.

    :raises ValueError: where that is not possible, in scheme and host.
    """
    if requote:
        # Bytes that are not UTF-8 came as lone surrogates; yarl encodes the rest.
        return _NO_TEXT.sub(_encoded, location)
    start = 0
    if (slashes := location.find("//")) >= 0 and not _BEGINS_PATH.search(location, 0, slashes):
        after = _BEGINS_PATH.search(location, slashes + 2)
        start = len(location) if after is None else after.start()
    if _INVISIBLE.search(location, 0, start):
        raise ValueError(f"{location[:start]!r} is not visible ASCII")
    return location[:start] + _INVISIBLE.sub(_encoded, location[start:])


def _encoded(found: re.Match[str]) -> str:
    return quote(found[0].encode("utf-8", "surrogateescape"), safe="")
