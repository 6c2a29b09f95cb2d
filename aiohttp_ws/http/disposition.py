"""The ``Content-Disposition`` header (RFC 6266; parameters as RFC 8187 encodes them)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from urllib.parse import quote, unquote

from .charsets import known_charset
from .field_values import is_token

__all__ = (
    "BadContentDispositionHeader",
    "BadContentDispositionParam",
    "content_disposition_filename",
    "parse_content_disposition",
)

# What most parameters are: read in one step.
_PLAIN = re.compile(r'[ \t]*([A-Za-z_-]+)="([^"\\]*)"[ \t]*(;|\Z)')
_NAME = re.compile(r"[^;=]*")
_SPACE = re.compile(r"\s*")
_QUOTED = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"\s*(?:;|\Z)', re.DOTALL)
_TO_SEMICOLON = re.compile(r"[^;]*")
_ESCAPED = re.compile(r"\\([\x00-\x7f])")
_CONTINUATION = re.compile(r"[^*]*\*[0-9]+\*?")
# RFC 5322 3.2.4: what stands in a quoted string as it is. A space could, and aiohttp escapes it.
_UNQUOTED = re.compile(r"[^\x21\x23-\x5b\x5d-\x7e]")
_NOT_QUOTABLE = re.compile(r"[^\t\x20-\x7e]")


class BadContentDispositionHeader(RuntimeWarning):
    """A ``Content-Disposition`` header cannot be parsed; it is ignored."""


class BadContentDispositionParam(RuntimeWarning):
    """A parameter of ``Content-Disposition`` cannot be parsed; it is left out."""


def parse_content_disposition(header: str | None) -> tuple[str | None, Mapping[str, str]]:
    """Split a header's value into its type, in lower case, and its parameters.

    A value that cannot be parsed gives ``(None, {})`` and a warning; a parameter in a charset
    that is unknown, or not a token, is left out, with a warning too.
    """
    if not header:
        return None, {}
    kind, more, _ = header.partition(";")
    at = len(kind) + 1
    kind = kind.strip()
    params: dict[str, str] = {}
    if not is_token(kind):
        return _refused(header)
    while more:
        plain = _PLAIN.match(header, at)
        if plain is not None:
            name, value, more = plain.groups()
            name, value = name.lower(), value.lstrip("/")
            if name in params:
                return _refused(header)
            params[name] = value
            at = plain.end()
            continue
        text, at = _run(_NAME, header, at)
        if not header.startswith("=", at):
            if text:
                return _refused(header)
            warnings.warn(BadContentDispositionHeader(header), stacklevel=2)
            more, at = header[at : at + 1], at + 1
            continue
        name = text.lower().strip()
        content, value, at = _raw_value(header, _run(_SPACE, header, at + 1)[1])
        more = header[at - 1 : at] if at <= len(header) and header[at - 1] == ";" else ""
        if name in params:
            return _refused(header)
        decoded = _decoded(name, content, value)
        if decoded is not None:
            params[name] = decoded
        elif is_token(name) and not name.endswith("*") and not _CONTINUATION.fullmatch(name):
            return _refused(header)
        else:
            warnings.warn(BadContentDispositionParam(f"{name}={value}"), stacklevel=2)
    return kind.lower(), params


def _refused(header: str) -> tuple[None, dict[str, str]]:
    warnings.warn(BadContentDispositionHeader(header), stacklevel=3)
    return None, {}


def _run(pattern: re.Pattern[str], text: str, at: int) -> tuple[str, int]:
    """What *pattern*, which matches the empty text, matches at *at*; and where that ends."""
    found = pattern.match(text, at)
    assert found is not None
    return found[0], found.end()


def _raw_value(header: str, at: int) -> tuple[str | None, str, int]:
    """What is between the quotes of a value (``None`` without them), all of it, where it ends."""
    quoted = _QUOTED.match(header, at)
    if quoted is not None:
        return quoted[1], header[at : quoted.end()], quoted.end()
    value, end = _run(_TO_SEMICOLON, header, at)
    end += 1
    stripped = value.rstrip()
    # Quotes within that are not escaped, as some senders write them.
    if len(stripped) >= 2 and stripped[0] == stripped[-1] == '"':
        return stripped[1:-1], value, end
    return None, value, end


def _decoded(name: str, content: str | None, value: str) -> str | None:
    """The value of a parameter, ``None`` when it is malformed."""
    if not is_token(name):
        return None
    if _CONTINUATION.fullmatch(name):
        if content is not None:
            return _ESCAPED.sub(r"\1", content)
        return value if is_token(value) else None
    if name.endswith("*"):
        return _decode_extended(value) if content is None and is_token(value) else None
    if content is not None:
        # RFC 6266 4.3: an absolute path is not a name.
        return _ESCAPED.sub(r"\1", content.lstrip("\\/"))
    return value if is_token(value) else None


def _decode_extended(value: str) -> str | None:
    # RFC 8187 3.2.1: charset'language'text
    parts = value.split("'")
    if len(parts) != 3:
        return None
    codec = known_charset(parts[0] or "utf-8")
    if codec is None:
        return None
    try:
        return unquote(parts[2], codec, "strict")
    except UnicodeDecodeError:
        return None


def content_disposition_filename(params: Mapping[str, str], name: str = "filename") -> str | None:
    """Return the file name that parsed *params* give, without any directory.

    ``filename*`` (RFC 8187) comes before ``filename``, and both before the numbered
    continuations of RFC 2231.

    :param name: another parameter to return in its place, as it is.
    """
    if not params:
        return None
    value = params.get(f"{name}*")
    if value is None:
        value = params.get(name)
    if value is None:
        value = _joined_continuations(params, name)
    if value is None or name != "filename":
        return value
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
    disptype: str,
    quote_fields: bool = True,
    _charset: str = "utf-8",
    **params: str,
) -> str:
    """Build the header's value.

    :param disptype: a token such as ``attachment``.
    :param quote_fields: percent-encode the name of a file, and write another value that is not
        ASCII as RFC 8187 does; when false, only quotes and backslashes are escaped.
    :param _charset: of what is percent-encoded.
    :param params: its parameters, such as ``filename``.
    :raises ValueError: when the type or a parameter's name is not a token, or a value holds
        a line end.
    """
    if not is_token(disptype):
        raise ValueError(f"bad content disposition type {disptype!r}: it is not a token")
    parts = [disptype]
    for key, value in params.items():
        if not is_token(key):
            raise ValueError(f"bad content disposition parameter {key!r}={value!r}: not a token")
        if "\r" in value or "\n" in value or "\0" in value:
            raise ValueError(f"content disposition {key}={value!r} holds CR, LF or NUL")
        if not quote_fields:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'{key}="{escaped}"')
        elif key.lower() == "filename":
            # RFC 7578 4.2: percent-encoded in place of RFC 8187's form, which forms must not have.
            parts.append(f'{key}="{quote(value, safe="", encoding=_charset)}"')
        elif _NOT_QUOTABLE.search(value):
            encoded = quote(value, safe="", encoding=_charset)
            parts.append(f"{key}*={_charset}''{encoded}")
        else:
            escaped = _UNQUOTED.sub(r"\\\g<0>", value)
            parts.append(f'{key}="{escaped}"')
    return "; ".join(parts)
