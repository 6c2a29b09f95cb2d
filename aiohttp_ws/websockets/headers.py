"""The values of headers of an opening handshake, as websockets has them for other libraries."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from ..errors import HandshakeError
from ..http.auth import BasicAuth, encode_basic_auth
from ..http.field_values import FieldScanner
from ..wire.extensions import format_extension, is_token, parse_extensions
from .exceptions import InvalidHeaderFormat, InvalidHeaderValue
from .refusals import explained
from .typing import (
    ConnectionOption,
    ExtensionName,
    ExtensionParameter,
    Subprotocol,
    UpgradeProtocol,
)

__all__ = (
    "build_authorization_basic",
    "build_extension",
    "build_host",
    "build_subprotocol",
    "build_www_authenticate_basic",
    "parse_authorization_basic",
    "parse_connection",
    "parse_extension",
    "parse_subprotocol",
    "parse_upgrade",
    "validate_subprotocols",
)

_T = TypeVar("_T")
_DEFAULT_PORTS = {False: 80, True: 443}


def build_host(host: str, port: int, secure: bool, *, always_include_port: bool = False) -> str:
    """Return the value of ``Host`` (RFC 9110 7.2).

    :param secure: whether the default port is 443, not 80: it is left out.
    :param always_include_port: do not leave it out.
    """
    try:
        shown = f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        shown = host
    if always_include_port or port != _DEFAULT_PORTS[secure]:
        return f"{shown}:{port}"
    return shown


def _parse_list(header: str, name: str, item: Callable[[FieldScanner], str]) -> list[str]:
    """Read a list of *item* (RFC 9110 5.6.1); an item that is ``""`` cannot be read.

    :raises InvalidHeaderFormat: it is malformed, or empty.
    """
    scanner = FieldScanner(header)
    found: list[str] = []
    while True:
        scanner.spaces()
        if scanner.take(","):
            continue
        if scanner.ended:
            break
        start = scanner.at
        read = item(scanner)
        if not read:
            raise InvalidHeaderFormat(name, "expected token", header, start)
        found.append(read)
        scanner.spaces()
        if not scanner.ended and not scanner.take(","):
            raise InvalidHeaderFormat(name, "expected comma", header, scanner.at)
    if not found:
        raise InvalidHeaderFormat(name, "expected at least one item", header, len(header))
    return found


def _protocol(scanner: FieldScanner) -> str:
    name = scanner.token()
    if name and scanner.take("/"):
        version = scanner.token()
        return f"{name}/{version}" if version else ""
    return name


def parse_connection(header: str) -> list[ConnectionOption]:
    """Return the options of ``Connection`` (RFC 9110 7.6.1).

    :raises InvalidHeaderFormat: it is malformed.
    """
    options = _parse_list(header, "Connection", FieldScanner.token)
    return cast("list[ConnectionOption]", options)


def parse_upgrade(header: str) -> list[UpgradeProtocol]:
    """Return the protocols of ``Upgrade``, such as ``websocket`` or ``h2c/1`` (RFC 9110 7.8).

    :raises InvalidHeaderFormat: it is malformed.
    """
    return cast("list[UpgradeProtocol]", _parse_list(header, "Upgrade", _protocol))


def parse_subprotocol(header: str) -> list[Subprotocol]:
    """Return the names in ``Sec-WebSocket-Protocol`` (RFC 6455 11.3.4).

    :raises InvalidHeaderFormat: it is malformed.
    """
    names = _parse_list(header, "Sec-WebSocket-Protocol", FieldScanner.token)
    return cast("list[Subprotocol]", names)


def build_subprotocol(subprotocols: Sequence[Subprotocol]) -> str:
    """Return the value of ``Sec-WebSocket-Protocol``."""
    return ", ".join(subprotocols)


def validate_subprotocols(subprotocols: Sequence[Subprotocol]) -> None:
    """Check that names of subprotocols can be sent.

    :raises TypeError: it is one string, not a sequence of them.
    :raises ValueError: a name is not a token (RFC 6455 4.1).
    """
    if not isinstance(subprotocols, Sequence):
        raise TypeError("subprotocols must be a list")
    if isinstance(subprotocols, str):
        raise TypeError(f"subprotocols must be a list, not a str: [{subprotocols!r}]")
    for name in subprotocols:
        if not is_token(name):
            raise ValueError(f"invalid subprotocol: {name!r}; it must be a token (RFC 9110 5.6.2)")


def parse_extension(header: str) -> list[tuple[ExtensionName, list[ExtensionParameter]]]:
    """Return names and parameters of ``Sec-WebSocket-Extensions`` (RFC 6455 9.1).

    :raises InvalidHeaderFormat: it is malformed.
    """
    try:
        found = parse_extensions(header)
    except HandshakeError as exc:
        raise explained(exc) from exc
    if not found:
        name = "Sec-WebSocket-Extensions"
        raise InvalidHeaderFormat(name, "expected at least one item", header, len(header))
    return [(ExtensionName(name), parameters) for name, parameters in found]


def build_extension(
    extensions: Sequence[tuple[ExtensionName, Sequence[ExtensionParameter]]],
) -> str:
    """Return the value of ``Sec-WebSocket-Extensions``."""
    return ", ".join(format_extension(name, parameters) for name, parameters in extensions)


def build_www_authenticate_basic(realm: str) -> str:
    """Return the value of ``WWW-Authenticate`` that asks for Basic authentication (RFC 7617).

    :param realm: what is protected, in ASCII.
    """
    escaped = realm.replace("\\", "\\\\").replace('"', '\\"')
    return f'Basic realm="{escaped}", charset="UTF-8"'


def parse_authorization_basic(header: str) -> tuple[str, str]:
    """Return name and password of ``Authorization: Basic`` (RFC 7617).

    :raises InvalidHeaderValue: it has another scheme, or is malformed.
    """
    try:
        login, password, _ = BasicAuth.decode(header, "utf-8")
    except ValueError as exc:
        raise InvalidHeaderValue("Authorization", f"{exc}: {header!r}") from None
    return login, password


def build_authorization_basic(username: str, password: str) -> str:
    """Return the value of ``Authorization`` for Basic authentication (RFC 7617).

    :raises ValueError: *username* holds a colon.
    """
    return encode_basic_auth(username, password)
