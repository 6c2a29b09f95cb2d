"""One limit of time for several steps."""

from __future__ import annotations

import time

__all__ = ("Deadline",)


class Deadline:
    """A moment, from a number of seconds.

    :param timeout: seconds from now; ``None`` for no limit.
    """

    def __init__(self, timeout: float | None) -> None:
        self.deadline = None if timeout is None else time.monotonic() + timeout

    def timeout(self, *, raise_if_elapsed: bool = True) -> float | None:
        """The seconds that are left, ``None`` without a limit.

        :param raise_if_elapsed: ``False`` gives 0 or less after the moment, instead of raising.
        :raises TimeoutError: the moment is over.
        """
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if raise_if_elapsed and left <= 0:
            raise TimeoutError("timed out")
        return left
