"""What a response and its errors remember about their request."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from multidict import CIMultiDictProxy
from yarl import URL

if TYPE_CHECKING:
    from .session import ClientSession

__all__ = ("RequestInfo",)


class _Fields(NamedTuple):
    url: URL
    method: str
    headers: CIMultiDictProxy[str]
    real_url: URL


class RequestInfo(_Fields):
    """URL, method and headers of a request as it was sent.

    :param url: the URL without its fragment.
    :param real_url: the URL with its fragment; *url* when left out.
    """

    __slots__ = ()

    def __new__(
        cls,
        url: URL,
        method: str,
        headers: CIMultiDictProxy[str],
        real_url: URL | None = None,
    ) -> RequestInfo:
        return super().__new__(cls, url, method, headers, url if real_url is None else real_url)


class Requested(NamedTuple):
    """What a response keeps of its request; a :class:`ClientRequest` has the same."""

    url: URL
    original_url: URL
    request_info: RequestInfo
    session: ClientSession | None
