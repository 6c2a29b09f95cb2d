"""What two requests must share to use one connection."""

from __future__ import annotations

from ssl import SSLContext
from typing import NamedTuple

from .fingerprint import Fingerprint

__all__ = ()


class ConnectionKey(NamedTuple):
    """The endpoint of a connection and how it is secured."""

    host: str
    port: int | None
    is_ssl: bool
    ssl: SSLContext | bool | Fingerprint
    server_hostname: str | None = None
