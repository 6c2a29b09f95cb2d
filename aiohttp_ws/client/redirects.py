"""Where a redirect leads, and what of the request goes there (RFC 9110 15.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yarl import URL

from .. import hdrs
from ..errors import InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError

if TYPE_CHECKING:
    from .response import ClientResponse

__all__ = ("REDIRECT_STATUSES", "becomes_get", "next_url")

REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})
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
    :raises InvalidUrlRedirectClientError: when ``Location`` is no URL.
    :raises NonHttpUrlRedirectClientError: when its scheme is not HTTP's.
    """
    location = response.headers.get(hdrs.LOCATION) or response.headers.get(hdrs.URI)
    if location is None:
        return None
    try:
        target = URL(location, encoded=not requote)
    except ValueError as exc:
        raise InvalidUrlRedirectClientError(
            location, "Server attempted redirecting to a location that does not look like a URL"
        ) from exc
    scheme = target.scheme
    if scheme not in ("", "http", "https"):
        raise NonHttpUrlRedirectClientError(location)
    if not scheme:
        target = current.join(target)
    try:
        target.origin()
    except ValueError as exc:
        raise InvalidUrlRedirectClientError(
            target, "Invalid redirect URL origin: it has no host"
        ) from exc
    if current.raw_fragment and not target.raw_fragment:
        target = target.with_fragment(current.fragment)
    return target
