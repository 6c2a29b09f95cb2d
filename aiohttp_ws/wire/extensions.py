"""The grammar of ``Sec-WebSocket-Extensions`` (RFC 6455 9.1), shared by both sides.

A header lists extensions in order of preference, each a name with parameters::

    permessage-deflate; client_max_window_bits; server_max_window_bits=10, other; x="y"
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .. import hdrs
from ..errors import HandshakeError, HandshakeFault

__all__ = ("Extension", "Parameter", "format_extension", "is_token", "parse_extensions")

# A parameter's name and its value, None without one.
Parameter = tuple[str, "str | None"]
# An extension's name and its parameters in order.
Extension = tuple[str, list[Parameter]]

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # RFC 9110 5.6.2
_is_token = re.compile(_TOKEN).fullmatch
# A name or a parameter, and what ends it. A quoted value must be a token once unquoted.
_ITEM = re.compile(
    rf"[ \t]*({_TOKEN})(?:[ \t]*=[ \t]*(?:({_TOKEN})|\"((?:[^\"\\]|\\.)*)\"))?[ \t]*(;|,|\Z)"
)
_EMPTY = re.compile(r"[ \t]*(?:,|\Z)")
_UNQUOTE = re.compile(r"\\(.)")


def is_token(value: str) -> bool:
    """Whether *value* is a token (RFC 9110 5.6.2), such as a subprotocol's name must be."""
    return _is_token(value) is not None


def parse_extensions(header: str) -> list[Extension]:
    """Take a header apart; several header lines are joined with commas before.

    :raises HandshakeError: the header does not follow the grammar, for which RFC 6455 9.1
        fails the connection.
    """
    extensions: list[Extension] = []
    position, size = 0, len(header)
    starts_extension = True
    while position < size:
        # RFC 9110 5.6.1.2: a recipient ignores empty elements of a list.
        if starts_extension and (empty := _EMPTY.match(header, position)):
            position = empty.end()
            continue
        item = _ITEM.match(header, position)
        if item is None:
            raise _malformed(header, position)
        name, value, quoted, end = item.groups()
        if quoted is not None:
            value = _UNQUOTE.sub(r"\1", quoted)
            if not is_token(value):
                raise _malformed(header, position)
        if starts_extension:
            if value is not None:
                raise _malformed(header, position)
            extensions.append((name, []))
        else:
            extensions[-1][1].append((name, value))
        starts_extension = end != ";"
        position = item.end()
    if not starts_extension:
        raise _malformed(header, size)
    return extensions


def format_extension(name: str, parameters: Sequence[Parameter]) -> str:
    """Write an extension as the header has it; names and values are tokens."""
    shown = (key if value is None else f"{key}={value}" for key, value in parameters)
    return "; ".join([name, *shown])


def _malformed(header: str, position: int) -> HandshakeError:
    return HandshakeError(
        HandshakeFault.MALFORMED, hdrs.SEC_WEBSOCKET_EXTENSIONS, header, position=position
    )
