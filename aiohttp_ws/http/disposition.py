"""The ``Content-Disposition`` header (RFC 6266; parameters as RFC 8187 encodes them)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from urllib.parse import quote, unquote

from .charsets import known_charset
from .field_values import FieldScanner, is_token

__all__ = (
    "BadContentDispositionHeader",
    "BadContentDispositionParam",
    "content_disposition_filename",
    "parse_content_disposition",
)

_CHARSET = re.compile(r"[A-Za-z0-9!#$%&+\-^_`{}~]+")
_LANGUAGE = re.compile(r"[A-Za-z0-9\-]*")
_CONTINUED = re.compile(r"[!#$%&'+\-.^_`|~0-9A-Za-z]*\*[0-9]+\*?")


class BadContentDispositionHeader(RuntimeWarning):
    """A ``Content-Disposition`` header cannot be parsed; it is ignored."""


class BadContentDispositionParam(RuntimeWarning):
    """A parameter of ``Content-Disposition`` cannot be parsed; it is left out."""


def parse_content_disposition(header: str | None) -> tuple[str | None, Mapping[str, str]]:
    """Split a header's value into its type, in lower case, and its parameters.

    A value that cannot be parsed gives ``(None, {})`` and a warning.
    """
    if not header:
        return None, {}
    scanner = FieldScanner(header)
    scanner.spaces()
    kind = scanner.token()
    scanner.spaces()
    if not kind or not (scanner.ended or scanner.take(";")):
        warnings.warn(BadContentDispositionHeader(header), stacklevel=2)
        return None, {}
    params: dict[str, str] = {}
    while not scanner.ended:
        name, value = _parameter(scanner)
        if value is None:
            if not name and (scanner.take(";") or scanner.ended):
                continue
            warnings.warn(BadContentDispositionHeader(header), stacklevel=2)
            return None, {}
        if name in params:
            warnings.warn(BadContentDispositionHeader(header), stacklevel=2)
            return None, {}
        if name.endswith("*") and not _CONTINUED.fullmatch(name):
            decoded = _decode_extended(value)
            if decoded is None:
                warnings.warn(BadContentDispositionParam(f"{name}={value}"), stacklevel=2)
                continue
            value = decoded
        params[name] = value
    return kind.lower(), params


def _parameter(scanner: FieldScanner) -> tuple[str, str | None]:
    """Read a parameter and the semicolon after it; its value is ``None`` when it is malformed."""
    scanner.spaces()
    name = scanner.token().lower()
    scanner.spaces()
    if not name or not scanner.take("="):
        return name, None
    scanner.spaces()
    value = scanner.quoted_string()
    if value is None:
        value = scanner.until(' \t;"')
    scanner.spaces()
    return name, (value if scanner.ended or scanner.take(";") else None)


def _decode_extended(value: str) -> str | None:
    # RFC 8187 3.2.1: charset'language'text
    charset, quote_1, rest = value.partition("'")
    language, quote_2, text = rest.partition("'")
    if not (quote_1 and quote_2 and _CHARSET.fullmatch(charset) and _LANGUAGE.fullmatch(language)):
        return None
    codec = known_charset(charset)
    if codec is None:
        return None
    try:
        return unquote(text, codec, "strict")
    except UnicodeDecodeError:
        return None


def content_disposition_filename(params: Mapping[str, str], name: str = "filename") -> str | None:
    """Return the file name that parsed *params* give, without any directory.

    ``filename*`` (RFC 8187) comes before ``filename``, and both before the numbered
    continuations of RFC 2231.
    """
    if not params:
        return None
    value = params.get(f"{name}*")
    if value is None:
        value = params.get(name)
    if value is None:
        value = _joined_continuations(params, name)
    if value is None:
        return None
    # RFC 6266 4.3: only the last segment; the rest is the sender's file system.
    return value[max(value.rfind("/"), value.rfind("\\")) + 1 :]


def _joined_continuations(params: Mapping[str, str], name: str) -> str | None:
    parts: list[str] = []
    encoded = False
    while True:
        index = len(parts)
        plain = params.get(f"{name}*{index}")
        extended = params.get(f"{name}*{index}*")
        if extended is not None:
            encoded = True
        part = plain if extended is None else extended
        if part is None:
            break
        parts.append(part)
    if not parts:
        return None
    joined = "".join(parts)
    return _decode_extended(joined) if encoded else joined


def content_disposition_header(
    disptype: str, quote_fields: bool = True, params: Mapping[str, str] | None = None
) -> str:
    """Build the header's value.

    :param disptype: a token such as ``attachment``.
    :param quote_fields: percent-encode what a quoted string cannot hold; when false, only
        quotes and backslashes are escaped.
    :raises ValueError: when the type or a parameter's name is not a token, or a value holds
        a line end.
    """
    if not is_token(disptype):
        raise ValueError(f"content disposition type {disptype!r} is not a token")
    parts = [disptype]
    for key, value in (params or {}).items():
        if not is_token(key):
            raise ValueError(f"content disposition parameter {key!r} is not a token")
        if "\r" in value or "\n" in value or "\0" in value:
            raise ValueError(f"content disposition {key}={value!r} holds CR, LF or NUL")
        if is_token(value):
            parts.append(f'{key}="{value}"')
        elif not value.isascii():
            parts.append(f"{key}*=utf-8''{quote(value, safe='')}")
        elif quote_fields:
            parts.append(f'{key}="{quote(value, safe=" !#$&+-.^_`|~[]@,=()")}"')
        else:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'{key}="{escaped}"')
    return "; ".join(parts)
