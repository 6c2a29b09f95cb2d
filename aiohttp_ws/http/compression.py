"""Bodies in a content coding (RFC 9110 8.4.1): bounded work in both directions."""

from __future__ import annotations

import zlib

from ..errors import ContentEncodingError
from .coding import DEFAULT_LEVEL, Decoder
from .codings import coding_named

__all__ = ("Compressor", "Decompressor")

# Bytes given to zlib at a time: it copies what it did not use, so that the whole rest would be
# copied for each step, and for each of many small members.
_WINDOW = 64 * 1024
_FIRST_WINDOW = 512


class Compressor:
    """Compresses one body.

    :param encoding: the name of a coding, such as ``"gzip"``.
    :param level: 0 (store) to 9 (smallest); 6 by default, zlib's own compromise.
    :param strategy: a ``zlib.Z_*`` strategy, for gzip and deflate.
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
    members (RFC 1952 2.2), and so may a deflate one.

    :param encoding: the name of a coding, such as ``"gzip"``.
    :raises ValueError: when the coding is unknown.
    """

    __slots__ = (
        "_continues",
        "_decoder",
        "_encoding",
        "_full",
        "_make",
        "_padded",
        "_pending",
        "_started",
    )

    def __init__(self, encoding: str) -> None:
        coding = coding_named(encoding)
        assert coding.decoder is not None
        self._make = coding.decoder
        self._continues = coding.continues
        self._encoding = encoding
        self._decoder: Decoder | None = None
        self._pending: bytes | memoryview = b""
        self._started = False
        self._padded = False  # what comes is not part of the body
        self._full = False  # the limit was met: the decoder may hold more, even without input

    @property
    def unconsumed(self) -> bool:
        """Whether input is held back because ``max_length`` was reached: call again."""
        return self._full or bool(self._pending)

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
        if self._pending:
            data = b"".join((self._pending, data)) if data else self._pending
            self._pending = b""
        elif data:
            data = bytes(data)  # nothing is kept of a buffer that its owner fills again
        elif not self._full:
            return b""
        self._started = True
        pieces = []
        at, size, room, window = 0, len(data), max_length, _WINDOW
        view = data if size <= window else memoryview(data)
        while at < size or self._full:
            self._full = False
            decoder = self._decoder
            if decoder is None or decoder.eof:
                begin = data[at : at + 2] if isinstance(data, bytes) else bytes(view[at : at + 2])
                if decoder is not None:
                    if self._padded or not self._continues(begin):
                        self._padded = True
                        break
                    # What comes after a member is copied when the member ends.
                    view, window = memoryview(data), _FIRST_WINDOW
                decoder = self._decoder = self._make(begin)
            fed = data if size <= window and not at else view[at : at + window]
            try:
                piece = decoder.decompress(fed, room)  # type: ignore[arg-type]
            except Exception as exc:
                raise ContentEncodingError(f"body is not valid {self._encoding}: {exc}") from exc
            pieces.append(piece)
            at += len(fed)
            if decoder.eof:
                at -= len(decoder.unused_data)
            else:
                at -= len(decoder.unconsumed_tail)
                window = min(2 * window, _WINDOW)
            if max_length:
                room -= len(piece)
                if room <= 0:
                    self._full = not decoder.eof
                    self._pending = memoryview(data)[at:] if at < size else b""
                    break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
