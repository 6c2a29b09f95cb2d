"""What a replacement of a part of ``http/`` has to provide."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from multidict import CIMultiDict

from ..argument_types import Byteish

__all__ = ("AbstractStreamWriter",)


class AbstractStreamWriter(ABC):
    """The outgoing side of one HTTP message."""

    #: Bytes written since the transport was last waited for.
    buffer_size: int = 0
    #: Bytes of body sent so far, framing included.
    output_size: int = 0
    #: Bytes of body still expected when ``Content-Length`` is known, else ``None``.
    length: int | None = 0
    #: Called with the sizes of a body chunk before and after the framing.
    on_body_write: Callable[[int, int], None] | None = None

    @property
    def transport(self) -> asyncio.WriteTransport | None:
        """The transport written to, or ``None`` when the connection is lost."""
        return None

    @abstractmethod
    async def write(self, chunk: Byteish) -> None:
        """Write a piece of the body."""

    @abstractmethod
    async def write_eof(self, chunk: bytes = b"") -> None:
        """Write the last piece of the body and end the message."""

    @abstractmethod
    async def drain(self) -> None:
        """Wait until the transport's buffer is below its high-water mark."""

    @abstractmethod
    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """Compress what is written from now on."""

    @abstractmethod
    def enable_chunking(self) -> None:
        """Send the body in chunks (RFC 9112 7.1)."""

    @abstractmethod
    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        """Write the head of the message."""

    def send_headers(self) -> None:  # noqa: B027 - optional
        """Send a head that was held back to leave with the first piece of body."""
