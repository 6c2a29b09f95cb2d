"""Multipart messages, read part by part (RFC 2046 5.1, RFC 7578)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from .. import hdrs
from ..errors import MultipartError
from .body_part import BodyPartReader
from .charsets import known_charset
from .disposition import parse_content_disposition
from .headers import parse_content_type
from .part_source import PartSource

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("MultipartReader", "MultipartResponseWrapper")

#: Multipart messages that may lie within each other; deeper ones serve only to exhaust a reader.
MAX_DEPTH: Final = 32
_LONGEST_BOUNDARY: Final = 70  # RFC 2046 5.1.1
_LONGEST_CHARSET: Final = 31
_LONGEST_BOUNDARY_LINE: Final = 1024


class MultipartResponseWrapper:
    """Reads the parts of a response, and releases it after the last one.

    :param resp: the response.
    :param stream: the reader of its body.
    """

    def __init__(self, resp: Any, stream: MultipartReader) -> None:
        self.resp = resp
        self.stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MultipartReader | BodyPartReader:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    def at_eof(self) -> bool:
        """Whether the whole response has been read."""
        return bool(self.resp.content.at_eof())

    async def next(self) -> MultipartReader | BodyPartReader | None:
        """Return the next part; ``None`` after the last one."""
        part = await self.stream.next()
        if self.stream.at_eof():
            await self.release()
        return part

    async def release(self) -> None:
        """Release the response: what is left of it is not read."""
        await self.resp.release()


class MultipartReader:
    """Reads a multipart message; iterates over its parts.

    Taking the next part drops what was not read of the one before.

    :param headers: the headers of the message, with its ``Content-Type``.
    :param content: its body: a :class:`StreamReader`.
    :param client_max_size: bytes that :meth:`BodyPartReader.read` and its relatives accept of a
        part.
    :param max_field_size: bytes that a header of a part may have.
    :param max_headers: headers that a part may have.
    :param max_size_error_cls: what is raised beyond *client_max_size*; called with it.
    :param max_parts: parts that the message may have, with those of nested ones; 0 for no limit.
    :raises MultipartError: when ``Content-Type`` is not multipart, or its boundary is missing, or
        longer than 70 characters (:rfc:`2046#section-5.1.1`); it is a :exc:`ValueError`.
    """

    #: What :meth:`from_response` returns.
    response_wrapper_cls = MultipartResponseWrapper
    #: Reads nested multipart messages; ``None`` for the class itself.
    multipart_reader_cls: type[MultipartReader] | None = None
    #: Reads other parts.
    part_reader_cls: type[BodyPartReader] = BodyPartReader

    def __init__(
        self,
        headers: Mapping[str, str],
        content: Any,
        *,
        client_max_size: int = sys.maxsize,
        max_field_size: int = 8190,
        max_headers: int = 128,
        max_size_error_cls: type[Exception] = ValueError,
        max_parts: int = 0,
    ) -> None:
        self._source = PartSource(content)
        #: The headers of the message.
        self.headers = headers
        self._content = content
        self._client_max_size = client_max_size
        self._max_field_size = max_field_size
        self._max_headers = max_headers
        self._max_size_error_cls = max_size_error_cls
        self._max_parts = max_parts
        self._subtype, self._boundary = self._kind(MultipartError)
        self._delimiter = b"\r\n" + self._boundary
        self._default_charset: str | None = None
        self._last_part: MultipartReader | BodyPartReader | None = None
        self._at_bof = True
        self._at_eof = False
        self._depth = 0

    def _kind(self, fault: type[MultipartError]) -> tuple[str, bytes]:
        """The subtype of the message, and its boundary with the hyphens before it."""
        raw = self.headers.get(hdrs.CONTENT_TYPE, "")
        media_type, parameters = parse_content_type(raw)
        kind, _, subtype = media_type.partition("/")
        if kind != "multipart":
            raise fault(f"multipart/* content type expected, not {raw!a:.80}")
        boundary = parameters.get("boundary")
        if not boundary:
            raise fault(f"boundary missed for Content-Type: {raw!a:.80}")
        if len(boundary) > _LONGEST_BOUNDARY:
            raise fault(
                f"boundary {boundary!a:.80} is too long: it has {len(boundary)} characters, and at"
                f" most {_LONGEST_BOUNDARY} are allowed (RFC 2046 5.1.1)"
            )
        return subtype, b"--" + boundary.encode("utf-8", "surrogateescape")

    @classmethod
    def _of_message(
        cls, headers: Mapping[str, str], content: Any, fault: type[MultipartError], **limits: Any
    ) -> Self:
        """A reader that raises *fault* for what is malformed."""
        try:
            reader = cls(headers, content, **limits)
        except MultipartError as exc:
            raise fault(str(exc)) from None
        reader._source.fault = fault
        return reader

    def _share(self, source: PartSource, depth: int) -> None:
        """Read from *source*, from which the reader of the whole message reads too."""
        self._source = source
        self._depth = depth
        if depth > MAX_DEPTH:
            raise source.fault(f"multipart messages are nested more than {MAX_DEPTH} deep")

    @classmethod
    def from_response(cls, response: Any) -> MultipartResponseWrapper:
        """Return what reads the parts of *response*, a :class:`ClientResponse`."""
        return cls.response_wrapper_cls(response, cls(response.headers, response.content))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MultipartReader | BodyPartReader:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    def at_eof(self) -> bool:
        """Whether the last boundary was read."""
        return self._at_eof

    async def next(self) -> MultipartReader | BodyPartReader | None:
        """Return a reader of the next part; ``None`` after the last one.

        :raises MultipartError: when the message is malformed, or ends before its last boundary.
        """
        first = self._at_bof
        if not await self._go_to_part():
            return None
        part = await self.fetch_next_part()
        if first and self._subtype == "form-data" and isinstance(part, BodyPartReader):
            disposition = part.headers.get(hdrs.CONTENT_DISPOSITION, "")
            # RFC 7578 4.6; mostly the name is another, and need not be parsed now.
            if "_charset_" in disposition and (
                parse_content_disposition(disposition)[1].get("name") == "_charset_"
            ):
                await self._take_default_charset(part)
                if not await self._go_to_part():
                    return None
                part = await self.fetch_next_part()
        self._last_part = part
        return part

    async def release(self) -> None:
        """Read what is left of the message and drop it."""
        while not self._at_eof:
            part = await self.next()
            if part is None:
                break
            await part.release()

    async def fetch_next_part(self) -> MultipartReader | BodyPartReader:
        """Read the headers of a part, which come next, and return its reader."""
        source = self._source
        source.parts += 1
        if 0 < self._max_parts < source.parts:
            raise source.fault(f"message has more than max_parts={self._max_parts} parts")
        return self._get_part_reader(await source.fields(self._max_field_size, self._max_headers))

    def _get_part_reader(self, headers: Mapping[str, str]) -> MultipartReader | BodyPartReader:
        content_type = headers.get(hdrs.CONTENT_TYPE, "")
        if content_type[:10].lower() == "multipart/":
            return self._nested(headers)
        part = self.part_reader_cls(
            self._boundary,
            headers,
            self._content,
            subtype=self._subtype,
            default_charset=self._default_charset,
            client_max_size=self._client_max_size,
            max_size_error_cls=self._max_size_error_cls,
        )
        part._share(self._source, self._delimiter)
        return part

    def _nested(self, headers: Mapping[str, str]) -> MultipartReader:
        kind = self.multipart_reader_cls or type(self)
        reader = kind._of_message(
            headers,
            self._content,
            self._source.fault,
            client_max_size=self._client_max_size,
            max_field_size=self._max_field_size,
            max_headers=self._max_headers,
            max_size_error_cls=self._max_size_error_cls,
        )
        reader._max_parts = self._max_parts
        reader._share(self._source, self._depth + 1)
        return reader

    async def _take_default_charset(self, part: BodyPartReader) -> None:
        name = b""
        while len(name) <= _LONGEST_CHARSET and not part.at_eof():
            name += await part.read_chunk(_LONGEST_CHARSET + 1)
        self._last_part = part
        charset = name.strip().decode("latin-1")
        if known_charset(charset) is None:
            raise self._source.fault(f"Invalid default charset {charset!a:.60}")
        self._default_charset = charset

    # -------------------------------------------------------------------- boundaries

    async def _go_to_part(self) -> bool:
        """Drop what is left of the last part; return whether another one follows."""
        if self._at_eof:
            return False
        last, self._last_part = self._last_part, None
        if self._at_bof:
            self._at_bof = False
            await self._skip_preamble()
        else:
            if last is not None and not last.at_eof():
                await last.release()
            await self._read_boundary(last)
        return not self._at_eof

    async def _skip_preamble(self) -> None:
        source = self._source
        at_line_start = b"\n" + self._boundary
        while True:
            if not await source.begins_with(self._boundary):
                try:
                    while await source.take(at_line_start):
                        pass
                except MultipartError:
                    raise source.fault(
                        f"Could not find starting boundary {self._boundary!r}"
                    ) from None
                source.skip(1)
            source.skip(len(self._boundary))
            if await self._ends_boundary_line():
                return

    async def _read_boundary(self, last: MultipartReader | BodyPartReader | None) -> None:
        source = self._source
        boundary = self._delimiter
        if isinstance(last, MultipartReader):
            # RFC 2046 5.1.1: what follows the last boundary of a nested message is not for us.
            while await source.take(boundary):
                pass
        elif last is not None and last._is_bare:
            boundary = self._boundary
        if not await source.begins_with(boundary):
            raise source.fault(f"Invalid boundary, expected {self._boundary!r} after a part")
        source.skip(len(boundary))
        if not await self._ends_boundary_line():
            raise source.fault(f"Invalid boundary: text follows {self._boundary!r} in its line")

    async def _ends_boundary_line(self) -> bool:
        """Read what follows a boundary in its line; whether that makes it one."""
        source = self._source
        if await source.begins_with(b"--"):
            source.skip(2)
            self._at_eof = True
            return True
        # RFC 2046 5.1.1: white space may have been added on the way.
        return not (await source.line(_LONGEST_BOUNDARY_LINE)).strip()
