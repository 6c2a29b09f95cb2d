"""Conditional requests and ranges of bytes, decided from header fields alone.

RFC 9110 13.2.2 gives the order in which preconditions count, 14.2 when a range applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from .. import hdrs
from ..http.dates import parse_http_date
from ..http.headers import ETAG_ANY, ETag, parse_etags, parse_range

__all__ = ("RangeNotSatisfiable", "evaluate_preconditions", "requested_range")


class RangeNotSatisfiable(Exception):
    """No byte of the content is in the requested range: the answer is 416."""


def evaluate_preconditions(
    method: str, headers: Mapping[str, str], etag: str, modified: int
) -> HTTPStatus:
    """Return 200 to go on, 304 or 412.

    :param method: the request's method.
    :param headers: the request's headers.
    :param etag: the value of the content's strong entity tag, without quotes.
    :param modified: when the content changed last, in whole seconds since the epoch.
    """
    reads = method in (hdrs.METH_GET, hdrs.METH_HEAD)
    if_match = parse_etags(headers.get(hdrs.IF_MATCH))
    if if_match is not None:
        if not any(_matches_strongly(tag, etag) for tag in if_match):
            return HTTPStatus.PRECONDITION_FAILED
    else:
        limit = _seconds(headers.get(hdrs.IF_UNMODIFIED_SINCE))
        if limit is not None and modified > limit:
            return HTTPStatus.PRECONDITION_FAILED
    if_none_match = parse_etags(headers.get(hdrs.IF_NONE_MATCH))
    if if_none_match is not None:
        # RFC 9110 13.1.2: compared weakly.
        if any(tag.value in (ETAG_ANY, etag) for tag in if_none_match):
            return HTTPStatus.NOT_MODIFIED if reads else HTTPStatus.PRECONDITION_FAILED
    elif reads:
        limit = _seconds(headers.get(hdrs.IF_MODIFIED_SINCE))
        if limit is not None and modified <= limit:
            return HTTPStatus.NOT_MODIFIED
    return HTTPStatus.OK


def requested_range(
    method: str, headers: Mapping[str, str], size: int, etag: str, modified: int
) -> range | None:
    """Return the bytes asked for, or ``None`` for all of them.

    Ignored are ranges of other units, several ranges at once, and ranges of a content
    that is no longer the one ``If-Range`` names.

    :raises RangeNotSatisfiable: no byte of *size* is in the range, or it is malformed.
    """
    value = headers.get(hdrs.RANGE)
    # RFC 9110 14.2: ranges are defined for GET only.
    if value is None or method != hdrs.METH_GET:
        return None
    value = value.strip().lower()
    if not value.startswith("bytes=") or "," in value:
        return None
    if not _if_range_holds(headers.get(hdrs.IF_RANGE), etag, modified):
        return None
    try:
        wanted = parse_range(value)
    except ValueError:
        raise RangeNotSatisfiable(value) from None
    start, stop = wanted.start or 0, wanted.stop
    if start < 0 or value.startswith("bytes=-"):
        if start == 0:
            raise RangeNotSatisfiable(value)  # the last 0 bytes
        start, stop = max(0, size + start), size
    found = range(start, size if stop is None else min(stop, size))
    if not found:
        raise RangeNotSatisfiable(value)
    return found


def _if_range_holds(value: str | None, etag: str, modified: int) -> bool:
    # RFC 9110 13.1.5: a strong tag or exactly the date, else all of the content is sent.
    if value is None:
        return True
    if '"' in value:
        tags = parse_etags(value)
        return tags is not None and len(tags) == 1 and _matches_strongly(tags[0], etag)
    return _seconds(value) == modified


def _matches_strongly(tag: ETag, etag: str) -> bool:
    return tag.value == ETAG_ANY or (not tag.is_weak and tag.value == etag)


def _seconds(value: str | None) -> int | None:
    moment = parse_http_date(value)
    return None if moment is None else int(moment.timestamp())
