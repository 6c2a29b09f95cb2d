"""The bytes of a multipart message, cut into lines and into what precedes a boundary.

All readers of one message, nested ones too, take from one source. It searches each piece as it
came from the connection, and copies none but where a boundary may begin at the end of one. The
work is linear in the size of the message, however it was cut.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from multidict import CIMultiDictProxy

from ..errors import BadHttpMessage, MultipartError
from ..wire.fields import parse_fields

__all__ = ("PartContent", "PartSource")

# Bytes that are asked for at a time.
READ_SIZE: Final = 256 * 1024
LINE: Final = -2


class PartContent(Protocol):
    """What a source reads from: a :class:`~aiohttp_ws.StreamReader`, or the like of it."""

    async def read(self, n: int = -1, /) -> bytes: ...
    def at_eof(self) -> bool: ...
    def unread_data(self, data: bytes, /) -> None: ...


class PartSource:
    """Reads one multipart message.

    :param content: the body.
    :param fault: what is raised when it is malformed.
    """

    __slots__ = (
        "_at",
        "_content",
        "_data",
        "_delimiter",
        "_ended",
        "_found",
        "_safe",
        "fault",
        "parts",
    )

    def __init__(self, content: Any, fault: type[MultipartError] = MultipartError) -> None:
        self._content: PartContent = content
        self._data = b""  # what came last, behind the beginning of a delimiter that it may go on
        self._at = 0  # what precedes this was taken
        self._ended = False
        # Of the search for _delimiter in _data: what precedes _safe is not part of one, and
        # _found says whether one begins there. None: nothing was searched yet.
        self._delimiter: bytes | None = None
        self._safe = 0
        self._found = False
        self.fault = fault
        #: How many parts have begun, nested ones too.
        self.parts = 0

    async def _more(self) -> bool:
        """Wait for a further piece; return whether there was one."""
        if self._ended:
            return False
        piece = await self._content.read(READ_SIZE)
        rest = self._data[self._at :]
        self._data = b"".join((rest, piece)) if rest else bytes(piece)
        self._at = 0
        self._delimiter = None
        if not piece:
            self._ended = True
        return bool(piece)

    def _search(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        data = self._data
        size = len(data)
        found = data.find(delimiter, self._at)
        self._found = found >= 0
        if found >= 0:
            self._safe = found
            return
        self._safe = size
        if not self._ended:
            # The first byte of a delimiter comes in it once, so the last one decides.
            begin = data.rfind(delimiter[:1], max(self._at, size - len(delimiter) + 1))
            if begin >= 0 and delimiter.startswith(data[begin:]):
                self._safe = begin

    def has_reached(self, delimiter: bytes) -> bool:
        """Whether *delimiter* comes next, as far as can be told without waiting."""
        if self._delimiter is not delimiter:
            self._search(delimiter)
        return self._found and self._safe == self._at

    async def take(self, delimiter: bytes, size: int = -1) -> bytes:
        """Return what has arrived of what precedes *delimiter*, ``b""`` at its begin.

        Waits for the first byte.

        :param delimiter: its first byte must not come again in it.
        :param size: the most bytes to return; -1 for no limit, ``LINE`` for no more than a line.
        :raises MultipartError: when the message ends before *delimiter*.
        """
        while True:
            if self._delimiter is not delimiter:
                self._search(delimiter)
            at, end = self._at, self._safe
            if at < end:
                if size == LINE:
                    end = self._data.find(b"\n", at, end) + 1 or end
                elif 0 <= size < end - at:
                    end = at + size
                self._at = end
                return self._data[at:end]
            if self._found:
                return b""
            if not await self._more() and self._at == len(self._data):
                raise self.fault(
                    f"multipart body ends without boundary {bytes(delimiter.strip())!r}"
                )

    async def take_bytes(self, size: int) -> bytes:
        """Return up to *size* bytes, whatever they are; ``b""`` at the end of the message."""
        if self._at == len(self._data):
            await self._more()
        at = self._at
        self._at = min(len(self._data), at + size)
        self._delimiter = None
        return self._data[at : self._at]

    async def take_line(self, delimiter: bytes, limit: int) -> bytes:
        """Return a line of what precedes *delimiter*, with its LF if it has one.

        :raises MultipartError: for a line of more than *limit* bytes, and as :meth:`take`.
        """
        line = bytearray()
        while not line.endswith(b"\n"):
            piece = await self.take(delimiter, LINE)
            if not piece:
                break
            line += piece
            if len(line) > limit:
                raise self.fault(f"line in a part exceeds {limit} bytes; read_chunk() has no limit")
        return bytes(line)

    async def begins_with(self, expected: bytes) -> bool:
        """Whether *expected* comes next; waits until that is certain."""
        while True:
            if self._data.startswith(expected, self._at):
                return True
            if len(self._data) - self._at >= len(expected):
                return False
            # What is there is shorter than what is expected.
            if not expected.startswith(self._data[self._at :]) or not await self._more():
                return False

    def skip(self, size: int) -> None:
        """Pass over *size* bytes that :meth:`begins_with` has found."""
        self._at += size
        self._delimiter = None

    async def line(self, limit: int) -> bytes:
        """Return a line with its LF, or what is left at the end of the message.

        :raises MultipartError: for a line of more than *limit* bytes.
        """
        pieces: list[bytes] = []
        size = 0
        while True:
            at = self._at
            end = self._data.find(b"\n", at) + 1 or len(self._data)
            self._at = end
            size += end - at
            if size > limit:
                raise self.fault(f"line of a multipart body exceeds {limit} bytes")
            piece = self._data[at:end]
            if piece[-1:] == b"\n":
                break
            pieces.append(piece)
            piece = b""
            if not await self._more():
                break
        self._delimiter = None
        return b"".join((*pieces, piece)) if pieces else piece

    async def fields(self, max_field_size: int, max_headers: int) -> CIMultiDictProxy[str]:
        """Read the headers of a part, and the empty line after them.

        :raises MultipartError: for a malformed header, or one beyond a limit.
        """
        try:
            parsed = parse_fields(self._data, self._at, max_field_size, max_headers)
            if parsed is not None:
                headers, self._at = parsed
                self._delimiter = None
                return headers
            # They come in several pieces: collected first, so that none is parsed twice.
            block = []
            while True:
                line = await self.line(max_field_size + 2)
                block.append(line)
                if line in (b"\r\n", b"\n"):
                    break
                if not line.endswith(b"\n"):
                    raise self.fault("multipart body ends in the headers of a part")
                if len(block) > max_headers:
                    raise self.fault(
                        f"a part has more headers than max_headers={max_headers};"
                        " raise max_headers to accept it"
                    )
            parsed = parse_fields(b"".join(block), 0, max_field_size, max_headers)
        except MultipartError:
            raise
        except BadHttpMessage as exc:
            raise self.fault(f"headers of a part: {exc}") from exc
        assert parsed is not None  # the empty line is there
        return parsed[0]

    def untake(self, rest: bytes) -> None:
        """Put back *rest*, the end of what was taken last."""
        begin = self._at - len(rest)
        if begin >= 0 and self._data.startswith(rest, begin):
            self._at = begin
        else:
            self._data, self._at = rest + self._data[self._at :], 0
        self._delimiter = None

    def give_back(self, after: int = 0) -> None:
        """Return what was not taken to where it came from, but for its first *after* bytes."""
        rest = self._data[self._at + after :]
        self._data, self._at, self._delimiter = b"", 0, None
        if rest:
            put_back = getattr(self._content, "put_back", self._content.unread_data)
            put_back(rest)
