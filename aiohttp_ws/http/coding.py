"""What a content coding provides (RFC 9110 8.4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

__all__ = ("Coding", "Decoder", "Encoder")


class Encoder(Protocol):
    """What compresses one body: the interface of :func:`zlib.compressobj`."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class Decoder(Protocol):
    """What decompresses one body: the interface of :func:`zlib.decompressobj`."""

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...

    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...


def _never(data: bytes) -> bool:
    return False


class Coding(NamedTuple):
    """How one content coding is named, written and read.

    Without *encoder* and *decoder* it is known from files only: a server sends those that were
    compressed beforehand.
    """

    #: The token of ``Content-Encoding``, in lower case.
    name: str
    #: Makes the encoder of a body, from a level (0 to 9) and a ``zlib.Z_*`` strategy.
    encoder: Callable[[int, int], Encoder] | None = None
    #: Makes the decoder of a body, from its first bytes.
    decoder: Callable[[bytes], Decoder] | None = None
    #: Further tokens that mean the same.
    aliases: tuple[str, ...] = ()
    #: Whether bytes after a complete stream begin another that belongs to the body.
    continues: Callable[[bytes], bool] = _never
    #: What the name of a compressed file ends in, such as ``".gz"``; ``""`` for none.
    suffix: str = ""
    #: The media type of such a file where it is served as it is.
    media_type: str = "application/octet-stream"
