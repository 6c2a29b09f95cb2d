"""What a content coding provides (RFC 9110 8.4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

__all__ = ("Coding", "Decoder", "Encoder")

#: The level that codings are asked for where nobody chose one.
DEFAULT_LEVEL: Final = 6


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


def is_no_padding(data: bytes) -> bool:
    """Whether what follows a complete stream is another one of the same body.

    RFC 1952 2.2: a gzip body may have several members, RFC 8878 3.1: a zstd one several frames, and
    deflate bodies come so too. Zeros are padding, as of tapes; anything else that is not compressed
    is an error, not nothing.
    """
    return data[:1] != b"\0"


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
