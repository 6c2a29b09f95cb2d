"""The content codings, and the place to register a further one.

A coding is a module of its own that makes a :class:`~.coding.Coding`, an entry of
:data:`CODINGS`, and a member of :class:`ContentCoding` when responses may be compressed with it.
Everything else asks this table: what a client offers, what bodies are decompressed, which
compressed files are sent in place of others.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from .brotli_coding import BROTLI
from .coding import Coding
from .field_values import FieldScanner
from .zlib_codings import DEFLATE, GZIP
from .zstd_coding import ZSTD

__all__ = ("ContentCoding",)

#: In the order of ``Accept-Encoding``.
CODINGS: Final[list[Coding]] = [GZIP, DEFLATE, BROTLI, ZSTD]

#: Name and suffix of the codings that files on disk may have, the smallest first.
SUFFIXES: Final = tuple((coding.name, coding.suffix) for coding in (BROTLI, GZIP))


class ContentCoding(enum.Enum):
    """The codings of :meth:`StreamResponse.enable_compression`, the preferred first.

    ``br`` and ``zstd`` are used where the packages for them are installed.
    """

    deflate = "deflate"
    gzip = "gzip"
    br = "br"
    zstd = "zstd"
    identity = "identity"


_WEIGHT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}")
_BY_NAME: dict[str, Coding] = {}


def register_coding(coding: Coding) -> None:
    """Let bodies be written and read in *coding*, replacing any other of its name."""
    for name in (coding.name, *coding.aliases):
        _BY_NAME[name] = coding


for _coding in CODINGS:
    if _coding.encoder is not None and _coding.decoder is not None:
        register_coding(_coding)


def supported_codings() -> tuple[str, ...]:
    """The names of the codings to offer in ``Accept-Encoding``, the best first."""
    return tuple(name for name, coding in _BY_NAME.items() if name == coding.name)


def is_supported(name: str) -> bool:
    """Whether bodies of the coding *name* (in lower case) can be written and read."""
    return name in _BY_NAME


def coding_named(name: str) -> Coding:
    """The coding of that name.

    :raises ValueError: it is not supported.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        known = ", ".join(supported_codings())
        raise ValueError(f"content coding {name!r} is not one of {known}") from None


@lru_cache(maxsize=256)
def accepted_weights(accept_encoding: str) -> Mapping[str, float]:
    """The weight that an ``Accept-Encoding`` gives to each coding it names (RFC 9110 12.4.2).

    A weight that is malformed counts as 0.
    """
    weights: dict[str, float] = {}
    scanner = FieldScanner(accept_encoding)
    while not scanner.ended:
        scanner.spaces()
        name = scanner.token().lower()
        weight = 1.0
        scanner.spaces()
        while scanner.take(";"):
            parameter, value = scanner.parameter()
            if parameter in ("q", "Q"):
                weight = _weight(value)
        if name and (scanner.ended or scanner.text[scanner.at] == ","):
            weights[name] = weight
        scanner.skip_element()
        scanner.take(",")
    return MappingProxyType(weights)


def _weight(text: str | None) -> float:
    # Not float(text): it takes "inf", "1_0" and the digits of every script.
    return min(float(text), 1.0) if text and _WEIGHT.fullmatch(text) else 0.0


def choose_coding(accept_encoding: str) -> ContentCoding:
    """The coding to which an ``Accept-Encoding`` gives most weight (RFC 9110 12.5.3).

    Our order decides between equals. A coding that is not listed is not used, unless ``*`` is;
    ``identity`` is what remains.
    """
    weights = accepted_weights(accept_encoding)
    best, best_weight = ContentCoding.identity, 0.0
    for coding in ContentCoding:
        if coding is ContentCoding.identity or not is_supported(coding.value):
            continue
        weight = weights.get(coding.value, weights.get("*", 0.0))
        if weight > best_weight:
            best, best_weight = coding, weight
    if weights.get("identity", 0.0) > best_weight:
        return ContentCoding.identity
    return best
