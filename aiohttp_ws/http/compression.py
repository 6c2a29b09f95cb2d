"""Bodies in a content coding (RFC 9110 8.4.1): bounded work in both directions."""

from __future__ import annotations

import zlib

from ..errors import ContentEncodingError
from .coding import Decoder
from .codings import coding_named

__all__ = ("Compressor", "Decompressor")

DEFAULT_LEVEL = 6


class Compressor:
    """Compresses one body.

    :param encoding: the name of a coding, such as ``"gzip"``.
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
        make = coding_named(encoding).encoder
        assert make is not None
        self._encoder = make(level, strategy)

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

    :param encoding: the name of a coding, such as ``"gzip"``.
    :raises ValueError: when the coding is unknown.
    """

    __slots__ = ("_continues", "_decoder", "_encoding", "_make", "_pending", "_started")

    def __init__(self, encoding: str) -> None:
        coding = coding_named(encoding)
        assert coding.decoder is not None
        self._make = coding.decoder
        self._continues = coding.continues
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
                if decoder is not None and not self._continues(pending):
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
