"""gzip and deflate (RFC 9110 8.4.1.2 and 8.4.1.3)."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from .coding import Coding, Decoder, Encoder

__all__ = ("DEFLATE", "GZIP")

GZIP_WBITS = 16 + zlib.MAX_WBITS


def _encoder(wbits: int) -> Callable[[int, int], Encoder]:
    def make(level: int, strategy: int) -> Encoder:
        return zlib.compressobj(level, zlib.DEFLATED, wbits, zlib.DEF_MEM_LEVEL, strategy)

    return make


def _gzip_decoder(first: bytes) -> Decoder:
    return zlib.decompressobj(GZIP_WBITS)


def _deflate_decoder(first: bytes) -> Decoder:
    # Servers exist that send raw deflate under this name. RFC 1950 2.2: the zlib frame
    # begins with CM 8 and, as a 16-bit number, is a multiple of 31.
    framed = first[0] & 0x0F == 8 and (len(first) < 2 or (first[0] << 8 | first[1]) % 31 == 0)
    return zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)


def _goes_on(data: bytes) -> bool:
    # RFC 1952 2.2: a gzip body may have several members, and deflate bodies come so too. Zeros
    # are padding, as of tapes; anything else that is not compressed is an error, not nothing.
    return data[:1] != b"\0"


GZIP = Coding(
    "gzip",
    encoder=_encoder(GZIP_WBITS),
    decoder=_gzip_decoder,
    aliases=("x-gzip",),
    continues=_goes_on,
    suffix=".gz",
    media_type="application/gzip",
)
# RFC 9110 8.4.1.2 calls the zlib format "deflate"; gzip is the same stream in another frame.
DEFLATE = Coding(
    "deflate", encoder=_encoder(zlib.MAX_WBITS), decoder=_deflate_decoder, continues=_goes_on
)
