"""What ``extensions`` and ``compression`` offer or accept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...wire.deflate import DeflateOptions

__all__ = ("offered",)


def offered(
    extensions: Sequence[Any] | None, compression: str | DeflateOptions | None
) -> list[Any]:
    """The factories for a protocol: *extensions*, and permessage-deflate if it is not there.

    :raises ValueError: *compression* is a text other than ``"deflate"``.
    """
    factories = list(extensions or ())
    if compression is None:
        return factories
    if compression != "deflate" and not isinstance(compression, DeflateOptions):
        raise ValueError(
            f"unsupported compression: {compression!r}; pass 'deflate', DeflateOptions or None"
        )
    if any(
        isinstance(each, DeflateOptions) or getattr(each, "name", None) == "permessage-deflate"
        for each in factories
    ):
        return factories
    return [*factories, DeflateOptions() if compression == "deflate" else compression]
