"""gzip and deflate (RFC 9110 8.4.1.2 and 8.4.1.3)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final

from .coding import DEFAULT_LEVEL, Coding, Decoder, Encoder, is_no_padding

__all__ = ("set_zlib_backend",)

GZIP_WBITS: Final = 16 + zlib.MAX_WBITS
_NEEDED: Final = ("compressobj", "decompressobj", "DEFLATED", "DEF_MEM_LEVEL")

_backend: Any = zlib


def set_zlib_backend(new_zlib_backend: Any) -> None:
    """Let another module than :mod:`zlib` write and read gzip and deflate from now on.

    The messages of WebSockets are compressed by zlib itself, whatever is set here.

    :param new_zlib_backend: a module with zlib's interface, such as ``zlib_ng.zlib_ng`` or
        ``isal.isal_zlib``.
    :raises TypeError: it has not got that interface.
    """
    global _backend
    missing = [name for name in _NEEDED if not hasattr(new_zlib_backend, name)]
    if missing:
        raise TypeError(
            f"{new_zlib_backend!r} has no {', '.join(missing)}: pass a module with zlib's interface"
        )
    _backend = new_zlib_backend


def _encoder(wbits: int) -> Callable[[int, int], Encoder]:
    def make(level: int, strategy: int) -> Encoder:
        if level == DEFAULT_LEVEL:
            level = _backend.Z_DEFAULT_COMPRESSION  # isal has four levels only
        made: Encoder = _backend.compressobj(
            level, _backend.DEFLATED, wbits, _backend.DEF_MEM_LEVEL, strategy
        )
        return made

    return make


def _gzip_decoder(first: bytes) -> Decoder:
    made: Decoder = _backend.decompressobj(GZIP_WBITS)
    return made


def _deflate_decoder(first: bytes) -> Decoder:
    # Servers exist that send raw deflate under this name. RFC 1950 2.2: the zlib frame
    # begins with CM 8 and, as a 16-bit number, is a multiple of 31.
    framed = first[0] & 0x0F == 8 and (len(first) < 2 or (first[0] << 8 | first[1]) % 31 == 0)
    made: Decoder = _backend.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
    return made


GZIP = Coding(
    "gzip",
    encoder=_encoder(GZIP_WBITS),
    decoder=_gzip_decoder,
    aliases=("x-gzip",),
    continues=is_no_padding,
    suffix=".gz",
    media_type="application/gzip",
)
# RFC 9110 8.4.1.2 calls the zlib format "deflate"; gzip is the same stream in another frame.
DEFLATE = Coding(
    "deflate", encoder=_encoder(zlib.MAX_WBITS), decoder=_deflate_decoder, continues=is_no_padding
)
