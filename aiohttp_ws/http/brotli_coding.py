"""Brotli (RFC 7932), where the package Brotli or brotlicffi is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from .coding import Coding, Decoder, Encoder

__all__ = ("BROTLI",)

# brotlicffi is for PyPy, for which Brotli is not made.
_MODULE: Final = next((name for name in ("brotlicffi", "brotli") if find_spec(name)), None)


class _Encoder:
    """Brotli's compressor with zlib's methods."""

    __slots__ = ("_compressor",)

    def __init__(self, level: int) -> None:
        self._compressor: Any = import_module(str(_MODULE)).Compressor(quality=level)

    def compress(self, data: bytes, /) -> bytes:
        piece: bytes = self._compressor.process(bytes(data))
        return piece

    def flush(self) -> bytes:
        rest: bytes = self._compressor.finish()
        return rest


class _Decoder:
    """Brotli's decompressor with zlib's methods; it never returns more than it is asked for."""

    __slots__ = ("_decompressor", "_held", "unconsumed_tail", "unused_data")

    def __init__(self) -> None:
        self._decompressor: Any = import_module(str(_MODULE)).Decompressor()
        self._held = b""  # output beyond what was asked for: brotli rounds the limit up
        self.unconsumed_tail = b""
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return not self._held and bool(self._decompressor.is_finished())

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        decompressor, rest = self._decompressor, bytes(data)
        pieces = [self._held]
        size = len(self._held)
        while not (max_length and size >= max_length) and not decompressor.is_finished():
            given = b""
            if rest and decompressor.can_accept_more_data():
                given, rest = rest, b""
            limit = {"output_buffer_limit": max_length - size} if max_length else {}
            piece = decompressor.process(given, **limit)
            # It may have taken all input and still hold output: only an empty piece says not.
            if not piece and not given:
                break
            pieces.append(piece)
            size += len(piece)
        self.unconsumed_tail = self.unused_data = rest
        made = b"".join(pieces)
        self._held = made[max_length:] if max_length else b""
        return made[:max_length] if max_length else made


def _make_encoder(level: int, strategy: int) -> Encoder:
    return _Encoder(level)


def _make_decoder(first: bytes) -> Decoder:
    return _Decoder()


#: Without a package that compresses it is known from files only.
BROTLI = Coding(
    "br",
    encoder=_make_encoder if _MODULE else None,
    decoder=_make_decoder if _MODULE else None,
    suffix=".br",
    media_type="application/x-brotli",
)
