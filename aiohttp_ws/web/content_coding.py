"""Which content coding a response gets (RFC 9110 12.5.3)."""

from __future__ import annotations

import enum

__all__ = ("ContentCoding",)


class ContentCoding(enum.Enum):
    """The content codings of :meth:`StreamResponse.enable_compression`, the preferred first."""

    deflate = "deflate"
    gzip = "gzip"
    identity = "identity"


def choose_coding(accept_encoding: str) -> ContentCoding:
    """Return the coding that the client weighs highest; ours decides between equals.

    A coding that is not listed is not used, ``*`` aside; ``identity`` is what remains.
    """
    weights: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        weights[name] = weight
    best, best_weight = ContentCoding.identity, 0.0
    for coding in (ContentCoding.deflate, ContentCoding.gzip):
        weight = weights.get(coding.value, weights.get("*", 0.0))
        if weight > best_weight:
            best, best_weight = coding, weight
    if weights.get("identity", 0.0) > best_weight:
        return ContentCoding.identity
    return best
