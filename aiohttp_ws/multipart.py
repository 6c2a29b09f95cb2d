"""Names that aiohttp has in its module ``multipart``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import exports as _exports

if TYPE_CHECKING:
    from .http.disposition import *
else:
    __getattr__, __dir__ = _exports.face(
        __name__,
        """
        BadContentDispositionHeader BadContentDispositionParam BodyPartReader
        BodyPartReaderPayload MultipartPayloadWriter MultipartReader MultipartResponseWrapper
        MultipartWriter content_disposition_filename parse_content_disposition
        """,
    )
