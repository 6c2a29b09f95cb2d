"""Percent-encoding of paths, as routes write them, requests carry them and URLs need them.

Three forms of one path: *raw*, as it travels (``/a%20b%2Fc``); *safe*, decoded except for
``%2F`` and ``%25``, so that an encoded slash never becomes a separator (``/a b%2Fc``); and
the *parameter* taken from a safe path, decoded wholly (``a b/c``).
"""

from __future__ import annotations

from urllib.parse import quote

from yarl import URL

__all__ = ("decode_parameter", "encode_parameter", "requote_path", "safe_path")

# RFC 3986 3.3: what a path holds unencoded besides letters and digits.
_PATH_SAFE = "/:@!$&'()*+,;=~-._"


def safe_path(raw: str) -> str:
    """Decode a *raw* path, keeping ``%2F`` and ``%25``."""
    if "%" not in raw:
        return raw
    return URL.build(path=raw, encoded=True).path_safe


def requote_path(path: str) -> str:
    """Encode what a URL's path cannot hold; what is encoded already stays."""
    return quote(path, safe=_PATH_SAFE + "%")


def encode_parameter(value: str) -> str:
    """Encode *value* for a place in a path; slashes stay separators.

    :raises TypeError: *value* is not a ``str``.
    """
    if not isinstance(value, str):
        raise TypeError(f"a parameter of a path must be str, not {value!r}")
    # A name in a file system may hold bytes that are not UTF-8.
    return quote(value, safe=_PATH_SAFE, errors="surrogateescape")


def decode_parameter(value: str) -> str:
    """Finish the decoding of a part of a safe path."""
    if "%" not in value:
        return value
    return value.replace("%2F", "/").replace("%25", "%")
