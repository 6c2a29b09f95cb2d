"""Multipart bodies of requests: forms, whose large files are put on disk."""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Final

from multidict import MultiDict, MultiDictProxy

from .. import hdrs
from ..argument_types import Byteish
from ..errors import RequestMultipartError
from ..http.body_part import BodyPartReader
from ..http.disposition import parse_content_disposition
from ..http.multipart_reader import MultipartReader
from .exceptions import HTTPBadRequest, HTTPRequestEntityTooLarge
from .filefield import SPOOL_AT, FileField

if TYPE_CHECKING:
    from .base_request import BaseRequest

__all__ = ("close_files", "read_form", "reader_of")

CHUNK_SIZE: Final = 256 * 1024


class BadForm(HTTPBadRequest, ValueError):
    """A form is malformed: answered with 400, and the :exc:`ValueError` that aiohttp raises."""


def reader_of(request: BaseRequest, max_parts: int = 0) -> MultipartReader:
    """Return the reader of the multipart body of *request*."""
    protocol = request._protocol
    reader = MultipartReader._of_message(
        request.headers,
        request._payload,
        RequestMultipartError,
        client_max_size=request._client_max_size or sys.maxsize,
        max_field_size=protocol.max_field_size,
        max_headers=protocol.max_headers,
        max_size_error_cls=HTTPRequestEntityTooLarge,
    )
    reader._max_parts = max_parts
    return reader


async def read_form(request: BaseRequest) -> MultiDict[Any]:
    """Read the form that is the body of *request*."""
    limit = request._client_max_size
    if 0 < limit < request._message.content_length:
        raise request._too_large(request._message.content_length)
    form: MultiDict[Any] = MultiDict()
    try:
        await _Form(request).read_into(form)
    except RequestMultipartError as exc:
        close_files(form)
        raise BadForm(text=f"400 Bad Request: {exc}\n") from exc
    except BaseException:
        close_files(form)
        raise
    return form


class _Form:
    """Reads one form."""

    def __init__(self, request: BaseRequest) -> None:
        self._request = request
        self._body = request._payload
        self._reader = reader_of(request)
        self._max_size = request._client_max_size or sys.maxsize
        self._max_fields = request._client_max_fields

    def _check_size(self) -> None:
        if self._body.total_bytes > self._max_size:
            raise self._request._too_large(self._body.total_bytes)

    async def read_into(self, form: MultiDict[Any]) -> None:
        limit = self._max_fields
        while (part := await self._reader.next()) is not None:
            self._check_size()
            if 0 < limit <= len(form):
                raise HTTPRequestEntityTooLarge(
                    max_size=self._max_size,
                    text=f"form has too many fields: client_max_fields={limit} exceeded",
                )
            if not isinstance(part, BodyPartReader):
                raise RequestMultipartError(
                    "field of a form is multipart; read the request with multipart()"
                )
            name = part.name
            if name is None:
                raise RequestMultipartError(
                    "field of a form has no name in Content-Disposition:"
                    f" {part.headers.get(hdrs.CONTENT_DISPOSITION)!a:.80}"
                )
            form.add(name, await (self._file(name, part) if part.filename else self._value(part)))
        self._check_size()

    async def _value(self, part: BodyPartReader) -> str | bytes | bytearray:
        value = bytearray()
        while not part.at_eof():
            value += await part._take()
            self._check_size()
        content = part.decode(value)
        content_type = part.headers.get(hdrs.CONTENT_TYPE)
        if content_type is not None and not content_type.startswith("text/"):
            return content  # type: ignore[return-value]
        return part._as_text(content, part._known_charset())

    async def _file(self, name: str, part: BodyPartReader) -> FileField:
        headers: Any = part.headers
        filename = part.filename
        assert filename is not None
        given = parse_content_disposition(headers.get(hdrs.CONTENT_DISPOSITION))[1]
        full = given.get("filename*", given.get("filename", filename))
        if full != filename:
            # Whoever joins it to a folder of their own writes elsewhere.
            raise RequestMultipartError(
                f"name of a file has a path: {full!a:.80}; only multipart() accepts it"
            )
        content_type = headers.get(hdrs.CONTENT_TYPE, "application/octet-stream")
        file = await self._spool(part)
        return FileField(name, filename, file, content_type, headers)

    async def _spool(self, part: BodyPartReader) -> Any:
        """Return an open file with the content of *part*."""
        if part._transfer_encoding:
            take, decode = part.read_chunk, part.decode
        else:
            # Nothing to decode: the pieces as they came, the last one known as such.
            take, decode = part._take, _as_it_is
        first = decode(await take(CHUNK_SIZE))
        self._check_size()
        if part.at_eof():
            return io.BytesIO(first)
        spool = _Spool(first)
        try:
            while chunk := await take(CHUNK_SIZE):
                self._check_size()
                await spool.write(decode(chunk))
            return await spool.rewound()
        except BaseException:
            spool.discard()
            raise


def _as_it_is(data: Byteish) -> Byteish:
    return data


class _Spool:
    """Content in memory that goes to disk when it becomes large, in a thread."""

    def __init__(self, first: Byteish) -> None:
        self._memory: io.BytesIO | None = io.BytesIO()
        self._memory.write(first)
        self._file: Any = None
        self._discarded = False

    async def write(self, chunk: Byteish) -> None:
        memory = self._memory
        if memory is not None:
            memory.write(chunk)
            if memory.tell() <= SPOOL_AT:
                return
            chunk = memory.getbuffer()
            self._memory = None
        await asyncio.get_running_loop().run_in_executor(None, self._write_to_disk, chunk)

    def _write_to_disk(self, chunk: Byteish) -> None:
        file = self._file
        if file is None:
            # Without a name: nothing of it is left, however the process ends.
            file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by discard() or with the form
            self._file = file
            if self._discarded:
                file.close()
                return
        file.write(chunk)

    async def rewound(self) -> Any:
        """Return the file, to be read from its beginning."""
        if self._memory is not None:
            self._memory.seek(0)
            return self._memory
        await asyncio.get_running_loop().run_in_executor(None, self._file.seek, 0)
        return self._file

    def discard(self) -> None:
        """Close the file; also one that a thread is just making."""
        self._discarded = True
        if self._file is not None:
            _close(self._file)


def close_files(form: MultiDict[Any] | MultiDictProxy[Any]) -> None:
    """Close the files of *form*."""
    for value in form.values():
        if isinstance(value, FileField):
            _close(value.file)


def _close(file: Any) -> None:
    if isinstance(file, io.BytesIO):
        file.close()
    elif not file.closed:
        # The disk gives its blocks back, which takes a while for a large file.
        asyncio.get_running_loop().run_in_executor(None, file.close)
