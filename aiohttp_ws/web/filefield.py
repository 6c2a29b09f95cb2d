"""A file in a form."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from multidict import CIMultiDictProxy

__all__ = ("FileField",)

#: A file of a form beyond so many bytes goes to disk.
SPOOL_AT: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileField:
    """A file that came in a form; a value of what :meth:`BaseRequest.post` returns."""

    #: The name of the field.
    name: str
    #: The name of the file, as the client gave it.
    filename: str
    #: The file, open for reading: in memory up to 1 MiB, else a temporary file without a name.
    file: io.BufferedIOBase
    #: Its media type; ``application/octet-stream`` where the client gave none.
    content_type: str
    #: The headers of its part.
    headers: CIMultiDictProxy[str]
