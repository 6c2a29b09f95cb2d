"""Forms as a body: URL-encoded (WHATWG URL 5.2), or ``multipart/form-data`` (RFC 7578)."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from multidict import CIMultiDict, MultiDict, MultiDictProxy

from .. import hdrs
from .given_values import text_of
from .payload import BytesPayload, get_payload
from .payload_base import Payload
from .payload_files import named

if TYPE_CHECKING:
    from .multipart_writer import MultipartWriter

__all__ = ("FormData",)

URLENCODED = "application/x-www-form-urlencoded"
_LINE_BREAK: Final = re.compile(r"[\r\n\0]")


class FormData:
    """The fields of a form, to be sent once or again.

    It is sent as ``multipart/form-data`` when a field is a file, bytes or an asynchronous
    iterable, or has a file name or a content type; else as ``application/x-www-form-urlencoded``.

    :param fields: a mapping, a multidict, a file, or an iterable of ``(name, value)`` pairs.
    :param quote_fields: whether names of files are percent-encoded, and other names escaped as
        in mail; when false, only quotes and backslashes are escaped.
    :param charset: how text becomes bytes; UTF-8 by default.
    :param default_to_multipart: send ``multipart/form-data`` in any case.
    :raises TypeError: for a collection as the value, other than a list, tuple or set of values.
    """

    def __init__(
        self,
        fields: Any = (),
        quote_fields: bool = True,
        charset: str | None = None,
        *,
        default_to_multipart: bool = False,
    ) -> None:
        # Name, value and what goes with it in a multipart form.
        self._fields: list[tuple[str, Any, str | None, str | None]] = []
        self._is_multipart = default_to_multipart
        self._quote_fields = quote_fields
        self._charset = charset
        self._boundary = ""
        self._parts: list[Payload] = []
        if isinstance(fields, Mapping) and not isinstance(fields, (MultiDict, MultiDictProxy)):
            fields = list(fields.items())
        elif not isinstance(fields, (list, tuple)):
            fields = (fields,)
        self.add_fields(*fields)

    @property
    def is_multipart(self) -> bool:
        """Whether the form is sent as ``multipart/form-data``."""
        return self._is_multipart

    def add_field(
        self,
        name: str,
        value: Any,
        *,
        content_type: str | None = None,
        filename: str | None = None,
        content_transfer_encoding: str | None = None,
    ) -> None:
        """Add one field; a name may come several times.

        :param value: text, or a number, which is sent as ``str()`` makes it; a file, bytes, or
            anything else that can be sent as a body. Of a list, tuple or set, each item is a
            field of that name.
        :param content_type: the media type of the field.
        :param filename: the name of a file; that of an open one by default. Bytes without a
            file name get that of the field, which is deprecated.
        :param content_transfer_encoding: deprecated; makes the form multipart, no more.
        :raises TypeError: for a name that is not text, and for other collections.
        :raises ValueError: for a line break or NUL in a name or in *content_type*.
        """
        if not isinstance(name, str):
            raise TypeError(f"field name {name!r} is {type(name).__name__}, pass str")
        for option, given in (
            ("name", name),
            ("content_type", content_type),
            ("filename", filename),
            ("content_transfer_encoding", content_transfer_encoding),
        ):
            if given is None:
                continue
            if not isinstance(given, str):
                raise TypeError(
                    f"{option} must be an instance of str: {given!r} is {type(given).__name__}"
                )
            if _LINE_BREAK.search(given):
                raise ValueError(f"{option}={given!r} holds a line break or NUL")
        if content_transfer_encoding is not None:
            warnings.warn(
                "content_transfer_encoding is deprecated: it does nothing but to make the form"
                " multipart; pass default_to_multipart=True or a BytesPayload",
                DeprecationWarning,
                stacklevel=2,
            )
        multipart = bool(content_type or filename or content_transfer_encoding)
        for each in value if isinstance(value, (list, tuple, set, frozenset)) else (value,):
            self._add(name, each, content_type, filename, multipart)

    def _add(
        self, name: str, value: Any, content_type: str | None, filename: str | None, multipart: bool
    ) -> None:
        if isinstance(value, (bytes, bytearray, memoryview)):
            if not multipart:
                warnings.warn(
                    f"field {name!r} is bytes and is sent as a file; pass filename= to say so, or"
                    " an io.BytesIO",
                    DeprecationWarning,
                    stacklevel=4,
                )
                filename = name
            multipart = True
        elif isinstance(value, io.IOBase):
            filename = filename or named(value) or name
            multipart = True
        elif isinstance(value, (Payload, AsyncIterable)):
            multipart = True
        elif filename is None:
            value = text_of(value, f"field {name!r}")
        self._is_multipart = self._is_multipart or multipart
        self._fields.append((name, value, content_type, filename))

    def add_fields(self, *fields: Any) -> None:
        """Add several fields: ``(name, value)`` pairs, multidicts, or files under their names."""
        for field in fields:
            if isinstance(field, io.IOBase):
                self.add_field(named(field) or "unknown", field)
            elif isinstance(field, (MultiDict, MultiDictProxy)):
                for name, value in field.items():
                    self.add_field(name, value)
            elif isinstance(field, (list, tuple)) and len(field) == 2:
                self.add_field(field[0], field[1])
            else:
                raise TypeError(
                    f"form field {field!r} is neither a (name, value) pair, a multidict nor a"
                    " file; use add_field() for more"
                )

    def __call__(self) -> Payload:
        """Return the form as a payload.

        :raises TypeError: for a value that cannot be sent.
        """
        if self._is_multipart:
            return self._multipart()
        return urlencoded(((name, value) for name, value, _, _ in self._fields), self._charset)

    def _multipart(self) -> MultipartWriter:
        from .multipart_writer import MultipartWriter

        self._boundary = self._boundary or uuid4().hex
        # The parts are made once: a file is sent from where it was when it was added.
        for name, value, content_type, filename in self._fields[len(self._parts) :]:
            self._parts.append(self._part(name, value, content_type, filename))
        writer = MultipartWriter("form-data", self._boundary)
        for part in self._parts:
            writer.append_payload(part)
        return writer

    def _part(
        self, name: str, value: Any, content_type: str | None, filename: str | None
    ) -> Payload:
        options: dict[str, Any] = {"encoding": self._charset}
        if content_type is not None:
            options["content_type"] = content_type
            options["headers"] = CIMultiDict({hdrs.CONTENT_TYPE: content_type})
        try:
            part = get_payload(value, **options)
        except Exception as exc:
            raise TypeError(
                f"Can not serialize value type {type(value).__name__} of field {name!r}: {exc}"
            ) from exc
        disposition = {"name": name}
        if filename is not None:
            disposition["filename"] = filename
        part.set_content_disposition("form-data", self._quote_fields, **disposition)
        # RFC 7578 4.8
        part.headers.popall(hdrs.CONTENT_LENGTH, None)
        return part


def urlencoded(fields: Iterable[tuple[str, str]], charset: str | None = None) -> BytesPayload:
    """Encode *fields* as a URL-encoded form (WHATWG URL 5.2)."""
    charset = charset or "utf-8"
    content_type = URLENCODED if charset == "utf-8" else f"{URLENCODED}; charset={charset}"
    body = urlencode(list(fields), doseq=True, encoding=charset)
    return BytesPayload(body.encode("ascii"), content_type=content_type)
