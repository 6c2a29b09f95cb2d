"""What a file's name says about its content, and which siblings hold it compressed."""

from __future__ import annotations

import mimetypes
import os
from functools import lru_cache
from typing import Final

from ..http.codings import CODINGS, SUFFIXES, accepted_weights

__all__ = ("accepted_encodings", "guess_content_type")

# Not the machine's own lists: the same file has the same type everywhere.
_TYPES: Final = mimetypes.MimeTypes(filenames=())
for _suffix, _type in {
    ".avif": "image/avif",
    ".js": "text/javascript",  # RFC 9239
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}.items():
    _TYPES.add_type(_type, _suffix)

_TYPES.encodings_map.update((suffix, name) for name, suffix in SUFFIXES)

_COMPRESSED_TYPES: Final = {
    **{coding.name: coding.media_type for coding in CODINGS},
    "bzip2": "application/x-bzip2",
    "compress": "application/x-compress",
    "xz": "application/x-xz",
}


@lru_cache(maxsize=1024)
def guess_content_type(path: str) -> str:
    """Return the media type that the name of *path* suggests.

    A compressed file is of the type of its compression: ``.tar.gz`` is served as it lies.
    """
    content_type, encoding = _TYPES.guess_type(os.path.basename(path))
    if encoding is not None:
        return _COMPRESSED_TYPES.get(encoding, "application/octet-stream")
    return content_type or "application/octet-stream"


@lru_cache(maxsize=256)
def accepted_encodings(accept_encoding: str) -> frozenset[str]:
    """Return the codings that an ``Accept-Encoding`` names and does not refuse (RFC 9110 12.5.3).

    ``*`` is not taken as an offer: a client that means gzip says so.
    """
    weights = accepted_weights(accept_encoding)
    return frozenset(name for name, weight in weights.items() if weight)
