"""Zstandard (RFC 8878), of Python 3.14 and later or of the package backports.zstd."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from .coding import Coding, Decoder, Encoder, is_no_padding

__all__ = ("ZSTD",)


def _module() -> str | None:
    if sys.version_info >= (3, 14):
        return "compression.zstd" if find_spec("_zstd") else None
    return "backports.zstd" if find_spec("backports") and find_spec("backports.zstd") else None


_MODULE: Final = _module()


class _Decoder:
    """Zstandard's decompressor with zlib's methods."""

    __slots__ = ("_decompressor",)

    #: The decompressor keeps the input that a limit held back.
    unconsumed_tail: Final = b""

    def __init__(self) -> None:
        self._decompressor: Any = import_module(str(_MODULE)).ZstdDecompressor()

    @property
    def eof(self) -> bool:
        return bool(self._decompressor.eof)

    @property
    def unused_data(self) -> bytes:
        rest: bytes = self._decompressor.unused_data
        return rest

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        piece: bytes = self._decompressor.decompress(data, max_length or -1)
        return piece


def _make_encoder(level: int, strategy: int) -> Encoder:
    made: Encoder = import_module(str(_MODULE)).ZstdCompressor(level=level)
    return made


def _make_decoder(first: bytes) -> Decoder:
    return _Decoder()


ZSTD = Coding(
    "zstd",
    encoder=_make_encoder if _MODULE else None,
    decoder=_make_decoder if _MODULE else None,
    continues=is_no_padding,
    media_type="application/zstd",
)
