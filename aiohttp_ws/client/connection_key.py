"""What two requests must have in common to use the same connection."""

from __future__ import annotations

from ssl import SSLContext
from typing import NamedTuple

from .fingerprint import Fingerprint
from .proxy import Proxy

__all__ = ()


class ConnectionKey(NamedTuple):
    """The endpoint of a connection, how it is secured, and the proxy on the way to it."""

    host: str
    port: int | None
    is_ssl: bool
    ssl: SSLContext | bool | Fingerprint
    server_hostname: str | None = None
    proxy: Proxy | None = None
