"""The keywords of a request, for programs that declare functions with the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, TypedDict

from ..argument_types import LooseCookies, LooseHeaders, Query, StrOrURL
from ..http.auth import BasicAuth
from .fingerprint import Fingerprint
from .sending import ClientMiddlewareType
from .timeouts import ClientTimeout
from .unset import Unset

if TYPE_CHECKING:
    from .response import ClientResponse
    from .upload import UploadTracker

__all__ = ()


class RequestOptions(TypedDict, total=False):
    """The keywords of :meth:`ClientSession.request`, which describes them."""

    params: Query
    data: Any
    json: Any
    cookies: LooseCookies | None
    headers: LooseHeaders | None
    skip_auto_headers: Iterable[str] | None
    auth: BasicAuth | None
    allow_redirects: bool
    max_redirects: int
    compress: str | bool | None
    chunked: bool | None
    expect100: bool
    raise_for_status: bool | Callable[[ClientResponse], Awaitable[None]] | None
    read_until_eof: bool
    proxy: StrOrURL | None
    proxy_auth: BasicAuth | None
    timeout: ClientTimeout | Unset | None
    ssl: SSLContext | bool | Fingerprint
    server_hostname: str | None
    proxy_headers: LooseHeaders | None
    trace_request_ctx: Mapping[str, Any] | None
    read_bufsize: int | None
    auto_decompress: bool | None
    max_line_size: int | None
    max_field_size: int | None
    max_headers: int | None
    middlewares: Sequence[ClientMiddlewareType] | None
    upload_tracker: UploadTracker | None
