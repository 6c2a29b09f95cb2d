"""Forms as a body: ``application/x-www-form-urlencoded`` (WHATWG URL 5.2)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlencode

from multidict import MultiDict, MultiDictProxy

from .given_values import text_of
from .payload import BytesPayload

__all__ = ("FormData",)

URLENCODED = "application/x-www-form-urlencoded"


class FormData:
    """The fields of a form, sent as ``application/x-www-form-urlencoded``.

    :param fields: a mapping, a multidict, or an iterable of ``(name, value)`` pairs.
    :param quote_fields: whether names of file fields are percent-encoded.
    :param charset: how text becomes bytes; UTF-8 by default.
    :param default_to_multipart: ask for ``multipart/form-data`` even without files; this
        release refuses it.
    :raises TypeError: for a collection as the value, other than a list, tuple or set of values.
    :raises ValueError: for a field that needs ``multipart/form-data``.
    """

    def __init__(
        self,
        fields: Any = (),
        quote_fields: bool = True,
        charset: str | None = None,
        *,
        default_to_multipart: bool = False,
    ) -> None:
        if default_to_multipart:
            _refuse_multipart("default_to_multipart=True")
        self._fields: list[tuple[str, str]] = []
        self._quote_fields = quote_fields
        self._charset = charset
        if isinstance(fields, Mapping) and not isinstance(fields, (MultiDict, MultiDictProxy)):
            fields = list(fields.items())
        elif not isinstance(fields, (list, tuple, MultiDict, MultiDictProxy)):
            fields = (fields,)
        self.add_fields(*([fields] if isinstance(fields, (MultiDict, MultiDictProxy)) else fields))

    @property
    def is_multipart(self) -> bool:
        """Whether the form is sent as ``multipart/form-data``: never in this release."""
        return False

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

        :param value: text, or a number, which is sent as ``str()`` makes it; of a list, tuple or
            set, each item is a field of that name.
        :raises TypeError: for a name that is not text, and for other collections.
        :raises ValueError: for files, bytes and the parameters that only
            ``multipart/form-data`` can carry.
        """
        if not isinstance(name, str):
            raise TypeError(f"field name {name!r} is {type(name).__name__}, pass str")
        for option, given in (
            ("content_type", content_type),
            ("filename", filename),
            ("content_transfer_encoding", content_transfer_encoding),
        ):
            if given is not None:
                if not isinstance(given, str):
                    raise TypeError(f"{option}={given!r} is {type(given).__name__}, pass str")
                _refuse_multipart(f"field {name!r} with {option}={given!r}")
        for each in value if isinstance(value, (list, tuple, set, frozenset)) else (value,):
            if isinstance(each, (io.IOBase, bytes, bytearray, memoryview)):
                _refuse_multipart(f"field {name!r} of type {type(each).__name__}")
            self._fields.append((name, text_of(each, f"field {name!r}")))

    def add_fields(self, *fields: Any) -> None:
        """Add several fields: ``(name, value)`` pairs or multidicts."""
        for field in fields:
            if isinstance(field, (MultiDict, MultiDictProxy)):
                for name, value in field.items():
                    self.add_field(name, value)
            elif isinstance(field, (list, tuple)) and len(field) == 2:
                self.add_field(field[0], field[1])
            elif isinstance(field, io.IOBase):
                _refuse_multipart(f"a field of type {type(field).__name__}")
            else:
                raise TypeError(
                    f"form field {field!r} is neither a (name, value) pair nor a multidict;"
                    " use add_field() for more"
                )

    def __call__(self) -> BytesPayload:
        """Return the form as a payload."""
        return urlencoded(self._fields, self._charset)


def urlencoded(fields: Iterable[tuple[str, str]], charset: str | None = None) -> BytesPayload:
    """Encode *fields* as a URL-encoded form (WHATWG URL 5.2)."""
    charset = charset or "utf-8"
    content_type = URLENCODED if charset == "utf-8" else f"{URLENCODED}; charset={charset}"
    body = urlencode(list(fields), doseq=True, encoding=charset)
    return BytesPayload(body.encode("ascii"), content_type=content_type)


def _refuse_multipart(what: str) -> NoReturn:
    raise ValueError(
        f"{what} needs multipart/form-data, which this release cannot send;"
        " send the file alone as data=, or the form without it"
    )
