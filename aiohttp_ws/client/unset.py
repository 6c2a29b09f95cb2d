"""A default that differs from ``None``, for arguments where ``None`` means something."""

from __future__ import annotations

import enum
from typing import Final

__all__ = ("UNSET", "Unset")


class Unset(enum.Enum):
    """The type of :data:`UNSET`."""

    UNSET = enum.auto()


UNSET: Final = Unset.UNSET
