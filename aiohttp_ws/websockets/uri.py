"""``ws://`` and ``wss://`` URIs (RFC 6455 3), parsed as by the other APIs."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import WSInvalidURL
from ..wire.url import parse_url
from .exceptions import InvalidURI

__all__ = ("WebSocketURI", "parse_uri")


@dataclass
class WebSocketURI:
    """The parts of a WebSocket URI.

    :param secure: whether the connection uses TLS: true for ``wss``.
    :param host: the host in lower case, a name in ASCII or an address without brackets.
    :param port: the port, 80 or 443 where the URI has none.
    :param path: the path, percent-encoded; may be empty.
    :param query: the query, percent-encoded; may be empty.
    :param username: the user's name, percent-decoded, or ``None``.
    :param password: the password, percent-decoded, or ``None``.
    """

    secure: bool
    host: str
    port: int
    path: str
    query: str
    username: str | None = None
    password: str | None = None

    @property
    def resource_name(self) -> str:
        """The request target: path and query, such as ``/ws?room=1``."""
        path = self.path or "/"
        return f"{path}?{self.query}" if self.query else path

    @property
    def user_info(self) -> tuple[str, str] | None:
        """Name and password, or ``None``."""
        if self.username is None:
            return None
        return self.username, self.password or ""


def parse_uri(uri: str) -> WebSocketURI:
    """Parse *uri*.

    :raises InvalidURI: its scheme is neither ``ws`` nor ``wss``, its host or its port is missing
        or malformed, or it has a fragment, or a user without a password.
    """
    try:
        parsed = parse_url(uri)
    except WSInvalidURL as exc:
        raise InvalidURI(uri, str(exc.args[1])) from exc
    if parsed.username is not None and parsed.password is None:
        raise InvalidURI(uri, "it has a user without a password")
    return WebSocketURI(
        parsed.is_secure,
        parsed.host,
        parsed.port,
        parsed.path,
        parsed.query,
        parsed.username,
        parsed.password,
    )
