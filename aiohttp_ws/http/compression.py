"""Content codings (RFC 9110 8.4.1): compress what leaves, inflate what comes, bounded.

Codings are looked up by name in a table that further ones can join with
:func:`register_coding`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..errors import ContentEncodingError

__all__ = (
    "Compressor",
    "Decompressor",
    "is_supported",
    "register_coding",
    "supported_codings",
)

# RFC 9110 8.4.1.2 calls the zlib format "deflate"; gzip is the same stream in another frame.
_WBITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
DEFAULT_LEVEL = 6


class Encoder(Protocol):
    """What a coding's compressor offers: the interface of :func:`zlib.compressobj`."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class Decoder(Protocol):
    """What a coding's decompressor offers: the interface of :func:`zlib.decompressobj`."""

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...

    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...


class Coding(NamedTuple):
    """How one content coding is written and read."""

    encoder: Callable[[int, int], Encoder]
    decoder: Callable[[bytes], Decoder]


def _zlib_encoder(wbits: int) -> Callable[[int, int], Encoder]:
    def make(level: int, strategy: int) -> Encoder:
        return zlib.compressobj(level, zlib.DEFLATED, wbits, zlib.DEF_MEM_LEVEL, strategy)

    return make


def _gzip_decoder(first: bytes) -> Decoder:
    return zlib.decompressobj(_WBITS["gzip"])


def _deflate_decoder(first: bytes) -> Decoder:
    # Servers exist that send raw deflate under this name. RFC 1950 2.2: the zlib frame
    # begins with CM 8 and, as a 16-bit number, is a multiple of 31.
    framed = first[0] & 0x0F == 8 and (len(first) < 2 or (first[0] << 8 | first[1]) % 31 == 0)
    return zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)


_CODINGS: dict[str, Coding] = {
    "gzip": Coding(_zlib_encoder(_WBITS["gzip"]), _gzip_decoder),
    "deflate": Coding(_zlib_encoder(_WBITS["deflate"]), _deflate_decoder),
}
_CODINGS["x-gzip"] = _CODINGS["gzip"]  # RFC 9110 8.4.1.3: the same coding


def register_coding(name: str, coding: Coding) -> None:
    """Add a content coding, or replace the one of that name.

    :param name: the token of ``Content-Encoding``, in lower case.
    """
    _CODINGS[name] = coding


def supported_codings() -> tuple[str, ...]:
    """The names of the codings to offer in ``Accept-Encoding``, best first."""
    return tuple(name for name in _CODINGS if not name.startswith("x-"))


def is_supported(encoding: str) -> bool:
    """Whether *encoding* (in lower case) can be compressed to and inflated from."""
    return encoding in _CODINGS


def _coding(encoding: str) -> Coding:
    try:
        return _CODINGS[encoding]
    except KeyError:
        known = ", ".join(supported_codings())
        raise ValueError(f"content coding {encoding!r} is not one of {known}") from None


class Compressor:
    """Compresses one body.

    :param encoding: ``"gzip"`` or ``"deflate"``.
    :param level: 0 (store) to 9 (smallest); 6 by default, zlib's own compromise.
    :param strategy: a ``zlib.Z_*`` strategy.
    :raises ValueError: when the coding is unknown.
    """

    __slots__ = ("_encoder",)

    def __init__(
        self,
        encoding: str,
        level: int = DEFAULT_LEVEL,
        strategy: int = zlib.Z_DEFAULT_STRATEGY,
    ) -> None:
        self._encoder = _coding(encoding).encoder(level, strategy)

    def compress(self, data: bytes | bytearray | memoryview) -> bytes:
        """Return what *data* adds to the compressed body; often nothing yet."""
        return self._encoder.compress(data)  # type: ignore[arg-type]

    def flush(self) -> bytes:
        """End the body; return the rest of it."""
        return self._encoder.flush()


class Decompressor:
    """Inflates one body, never more than it is asked for at a time.

    ``"deflate"`` is read with and without its zlib frame; a gzip body may have several
    members (RFC 1952 2.2).

    :param encoding: ``"gzip"`` or ``"deflate"``.
    :raises ValueError: when the coding is unknown.
    """

    __slots__ = ("_decoder", "_encoding", "_make", "_pending", "_started")

    def __init__(self, encoding: str) -> None:
        self._make = _coding(encoding).decoder
        self._encoding = encoding
        self._decoder: Decoder | None = None
        self._pending = b""
        self._started = False

    @property
    def unconsumed(self) -> bool:
        """Whether input is held back because ``max_length`` was reached: call again."""
        return bool(self._pending)

    @property
    def eof(self) -> bool:
        """Whether the compressed stream is complete."""
        return self._decoder is not None and self._decoder.eof and not self._pending

    @property
    def complete(self) -> bool:
        """Whether a body may end here: nothing came at all, or the stream is complete."""
        return not self._started or self.eof

    def decompress(self, data: bytes | bytearray | memoryview = b"", max_length: int = 0) -> bytes:
        """Inflate *data*, after what an earlier call held back.

        :param max_length: the most bytes to return; 0 means no limit. When it is reached,
            :attr:`unconsumed` is true and ``decompress(b"", max_length)`` goes on.
        :raises ContentEncodingError: when the data is corrupt.
        """
        pending = self._pending + bytes(data) if self._pending else bytes(data)
        self._pending = b""
        if not pending:
            return b""
        self._started = True
        pieces = []
        room = max_length
        while pending:
            decoder = self._decoder
            if decoder is None or decoder.eof:
                if decoder is not None and not self._begins_member(pending):
                    break
                decoder = self._decoder = self._make(pending)
            try:
                piece = decoder.decompress(pending, room)
            except Exception as exc:
                raise ContentEncodingError(f"body is not valid {self._encoding}: {exc}") from exc
            pieces.append(piece)
            pending = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            if max_length:
                room -= len(piece)
                if room <= 0:
                    self._pending = pending
                    break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _begins_member(self, data: bytes) -> bool:
        # What follows a complete stream is another gzip member, or padding to ignore.
        return self._encoding in ("gzip", "x-gzip") and data[:1] == b"\x1f"
