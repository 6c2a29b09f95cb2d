"""The codings of parts: ``Content-Transfer-Encoding`` (RFC 2045 6), and compression of parts.

A part of another form than a file's seldom has either: RFC 7578 4.7 deprecates them in forms.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Callable
from typing import Any, Final

from ..argument_types import Byteish
from .coding import Encoder
from .codings import coding_named

__all__ = (
    "TRANSFER_DECODERS",
    "Base64Encoder",
    "QuotedPrintableEncoder",
    "part_compressor",
    "whole_quanta",
)

_NOT_BASE64: Final = bytes(
    sorted(
        set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
    )
)


def _as_it_is(data: Byteish) -> Byteish:
    return data


#: How the content of a part is decoded, by the name of its transfer encoding in lower case.
TRANSFER_DECODERS: Final[dict[str, Callable[[Any], Any]]] = {
    "base64": binascii.a2b_base64,
    "quoted-printable": binascii.a2b_qp,
    "binary": _as_it_is,
    "8bit": _as_it_is,
    "7bit": _as_it_is,
}


def whole_quanta(encoding: str, data: bytes) -> int:
    """How much of *data* can be decoded without what follows it; 0 for nothing of it."""
    if encoding == "quoted-printable":
        cut = data.rfind(b"=", max(0, len(data) - 2))
        return cut if cut >= 0 else len(data)
    if encoding != "base64":
        return len(data)
    surplus = len(data.translate(None, _NOT_BASE64)) % 4
    end = len(data)
    while surplus:
        end -= 1
        if data[end] not in _NOT_BASE64:
            surplus -= 1
    return end


class Base64Encoder:
    """Encodes a part as base64, in one line."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def compress(self, data: bytes) -> bytes:
        """Return what *data* adds."""
        data = b"".join((self._rest, data))
        whole = len(data) - len(data) % 3
        self._rest = data[whole:]
        return binascii.b2a_base64(data[:whole], newline=False)

    def flush(self) -> bytes:
        """Return the end."""
        rest, self._rest = self._rest, b""
        return binascii.b2a_base64(rest, newline=False)


class QuotedPrintableEncoder:
    """Encodes a part as quoted-printable; line ends too, so that they are read back as they are."""

    __slots__ = ()

    def compress(self, data: bytes) -> bytes:
        """Return *data* encoded."""
        return binascii.b2a_qp(data, istext=False)

    def flush(self) -> bytes:
        """Return nothing: nothing is held back."""
        return b""


def part_compressor(encoding: str) -> Encoder:
    """Return what compresses a part.

    ``deflate`` is the raw format here, without zlib's frame: aiohttp reads no other in parts.
    """
    if encoding == "deflate":
        return zlib.compressobj(wbits=-zlib.MAX_WBITS)
    make = coding_named(encoding).encoder
    assert make is not None
    return make(-1, zlib.Z_DEFAULT_STRATEGY)
