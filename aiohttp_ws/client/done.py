"""What has happened when it is called, and may be awaited all the same."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

__all__ = ()


class Done:
    """What a method returns that may be awaited and need not be: nothing is left to wait for."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


DONE = Done()
