"""What two requests must have in common to use the same connection."""

from __future__ import annotations

from ssl import SSLContext
from typing import NamedTuple

from yarl import URL

from ..http.auth import BasicAuth
from .fingerprint import Fingerprint
from .proxy import Proxy

__all__ = ()


class ConnectionKey(NamedTuple):
    """The endpoint of a connection, how it is secured, and the proxy on the way to it."""

    host: str
    port: int | None
    is_ssl: bool
    ssl: SSLContext | bool | Fingerprint
    proxy: URL | None
    proxy_auth: BasicAuth | None
    proxy_headers_hash: int | None
    server_hostname: str | None = None
    #: What the three about the proxy mean.
    way: Proxy | None = None
