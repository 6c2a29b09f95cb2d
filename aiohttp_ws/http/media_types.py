"""The parts of a media type, as the value of ``Content-Type`` has them (RFC 9110 8.3.1)."""

from __future__ import annotations

from functools import lru_cache

import attrs
from multidict import MultiDict, MultiDictProxy

from .field_values import FieldScanner

__all__ = ("MimeType", "parse_mimetype")


@attrs.frozen(slots=True)
class MimeType:
    """A media type in its parts, in lower case but for the values of parameters.

    :param type: what comes before the slash: ``application`` of ``application/rss+xml``.
    :param subtype: what comes after it, without the suffix: ``rss``.
    :param suffix: what comes after a plus sign: ``xml``; ``""`` without one.
    :param parameters: the parameters, in their order; ``""`` is the value of one without a value.
    """

    type: str
    subtype: str
    suffix: str
    parameters: MultiDictProxy[str]


@lru_cache(maxsize=64)
def parse_mimetype(mimetype: str) -> MimeType:
    """Split the value of ``Content-Type`` into its parts; never raises.

    Parts that are missing are ``""``, and ``*`` stands for ``*/*``.
    """
    scanner = FieldScanner(mimetype)
    name = scanner.until(";").strip(" \t").lower()
    parameters: MultiDict[str] = MultiDict()
    while scanner.take(";"):
        key, value = scanner.parameter()
        if key:
            parameters.add(key.lower(), value or "")
        scanner.until(";")
    kind, _, subtype = ("*/*" if name == "*" else name).partition("/")
    subtype, _, suffix = subtype.partition("+")
    return MimeType(kind, subtype, suffix, MultiDictProxy(parameters))
