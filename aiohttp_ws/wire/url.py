"""``ws://`` and ``wss://`` URLs, taken apart (RFC 6455 3)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import quote, unquote, urljoin

from yarl import URL

from ..errors import WSInvalidURL

__all__ = (
    "WSParsedURL",
    "authority",
    "basic_authorization",
    "host_header",
    "parse_url",
    "redirected",
    "split_url",
)

DEFAULT_PORTS = {"ws": 80, "wss": 443}

# RFC 3986 3, without the fragment.
PARTS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://([^/?]*)((?:/[^?]*)?)(?:\?(.*))?")
REFUSED_IN_LOGINS = re.compile(r"[\x00-\x1f\x7f]")
HOST_AND_PORT = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([^:]*))?")
REFUSED = re.compile(r"[\x00-\x20\x7f\\]|\s")
# Underscores are not part of host names, yet of many names of services in private networks.
HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
LONE_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
# What a path may hold unencoded, RFC 3986 3.3; a query also "?". "%" stays what it is.
PATH_CHARACTERS = "/%:@!$&'()*+,;="


@dataclass(frozen=True)
class WSParsedURL:
    """A URL and its parts, ready to connect to."""

    #: The URL as given.
    url: str
    #: ``"ws"`` or ``"wss"``; of a proxy its scheme, such as ``"socks5"``.
    scheme: str
    #: Whether TLS is wanted.
    is_secure: bool
    #: User, host and port as given.
    netloc: str
    #: The host in lower case: a name in ASCII (IDNA), or an address without its brackets.
    host: str
    #: The port, 1 to 65535.
    port: int
    #: The path, percent-encoded; may be empty.
    path: str
    #: The query, percent-encoded, without its ``?``; may be empty.
    query: str
    #: The user's name, percent-decoded, or ``None``.
    username: str | None = None
    #: The password, percent-decoded, or ``None``.
    password: str | None = None

    @property
    def resource_name(self) -> str:
        """What the request asks for: path and query, such as ``/ws?room=1`` (RFC 6455 3)."""
        path = self.path or "/"
        return f"{path}?{self.query}" if self.query else path

    @property
    def user_info(self) -> tuple[str, str] | None:
        """Name and password, for ``Authorization: Basic``; ``None`` unless both are given."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password


def parse_url(url: str) -> WSParsedURL:
    """Take *url* apart.

    :raises WSInvalidURL: when its scheme is neither ``ws`` nor ``wss``, its host or its port
        is missing or malformed, or it has a fragment, white space, a backslash or a control
        character.
    """
    return split_url(url, DEFAULT_PORTS)


def redirected(url: WSParsedURL, location: str) -> WSParsedURL:
    """The URL that ``Location: LOCATION`` in an answer from *url* leads to.

    :raises WSInvalidURL: as :func:`parse_url`.
    """
    # urljoin() does not know ws: the rules are those of http.
    base = f"http{'s' if url.is_secure else ''}://{url.netloc}{url.resource_name}"
    target = urljoin(base, location)
    if target.startswith(("http://", "https://")):
        target = f"ws{target[4:]}"
    return parse_url(target)


def split_url(url: str, ports: Mapping[str, int]) -> WSParsedURL:
    """Take *url* apart; *ports* names the schemes it may have, and the default port of each."""
    if not isinstance(url, str):
        raise WSInvalidURL(url, f"it is of type {type(url).__name__}, not str")
    if refused := REFUSED.search(url):
        raise WSInvalidURL(url, f"it holds {refused[0]!r}; percent-encode it")
    if "#" in url:
        # RFC 6455 3: fragments mean nothing here; any other "#" is written %23.
        raise WSInvalidURL(url, "it has a fragment; percent-encode a '#' that is not one as %23")
    parts = PARTS.fullmatch(url)
    if parts is None or parts[1].lower() not in ports:
        raise WSInvalidURL(url, f"it starts with none of {', '.join(f'{s}://' for s in ports)}")
    scheme, netloc = parts[1].lower(), parts[2]
    user, at, host_and_port = netloc.rpartition("@")
    username, password = credentials(url, user) if at else (None, None)
    match = HOST_AND_PORT.fullmatch(host_and_port)
    if match is None:
        raise WSInvalidURL(url, f"{host_and_port!r} is not a host; put an IPv6 address in brackets")
    return WSParsedURL(
        url,
        scheme,
        scheme in ("wss", "https"),
        netloc,
        host_of(url, match[1]),
        port_of(url, match[2]) or ports[scheme],
        encoded(url, parts[3], PATH_CHARACTERS),
        encoded(url, parts[4] or "", PATH_CHARACTERS + "?"),
        username,
        password,
    )


def credentials(url: str, user: str) -> tuple[str, str | None]:
    if "@" in user:
        raise WSInvalidURL(url, "it has two '@' before its host; percent-encode one as %40")
    try:
        name, colon, password = (unquote(each, errors="strict") for each in user.partition(":"))
    except UnicodeDecodeError as exc:
        raise WSInvalidURL(url, "its user or password is not UTF-8, percent-encoded") from exc
    if refused := REFUSED_IN_LOGINS.search(name + (password or "")):
        # RFC 7617 2; and in SOCKS4 a NUL ends the name.
        raise WSInvalidURL(url, f"its user or password holds the control character {refused[0]!r}")
    if ":" in name:
        # RFC 7617 2: the first colon ends the name.
        raise WSInvalidURL(url, f"the user {name!r} holds a ':', which no login can carry")
    return name, password if colon else None


def host_of(url: str, text: str) -> str:
    if not text:
        raise WSInvalidURL(url, "it has no host")
    if text.startswith("["):
        # RFC 6874: "%25" precedes a zone; many write "%" alone.
        address, percent, zone = text[1:-1].partition("%")
        try:
            IPv6Address(address)
        except AddressValueError as exc:
            raise WSInvalidURL(url, f"{text} is not an IPv6 address: {exc}") from exc
        zone = zone.removeprefix("25") if percent and zone != "25" else zone
        return f"{address.lower()}%{zone}" if zone else address.lower()
    try:
        host = URL.build(scheme="ws", host=text).raw_host or ""
    except ValueError as exc:
        raise WSInvalidURL(url, f"{text!r} is not a host: {exc}") from exc
    host = host.lower()
    if HOST_NAME.fullmatch(host) is None:
        raise WSInvalidURL(url, f"{text!r} is not a host: a name has 1 to 253 of a-z 0-9 - _ .")
    return host


def port_of(url: str, text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536):
        raise WSInvalidURL(url, f"its port {text!r} is not in 1 to 65535")
    return int(text)


def encoded(url: str, text: str, allowed: str) -> str:
    try:
        return quote(LONE_PERCENT.sub("%25", text), safe=allowed)
    except UnicodeEncodeError as exc:
        raise WSInvalidURL(url, f"{text!r} cannot be encoded as UTF-8") from exc


def authority(host: str, port: int) -> str:
    """*host* and *port* as CONNECT has them, an IPv6 address in brackets and without its zone."""
    return f"[{host.partition('%')[0]}]:{port}" if ":" in host else f"{host}:{port}"


def host_header(url: WSParsedURL) -> str:
    """The value of ``Host`` for *url*: without the port where that is its scheme's own."""
    value = authority(url.host, url.port)
    default = DEFAULT_PORTS["wss" if url.is_secure else "ws"]
    return value.removesuffix(f":{default}") if url.port == default else value


def basic_authorization(user: str, password: str) -> str:
    """The value of ``Authorization`` that logs *user* in (RFC 7617)."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
