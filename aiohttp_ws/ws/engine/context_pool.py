"""The compression contexts that are live in one event loop.

Connections make a context at a compressed message. It is parked when it was quiet for a while
or when too many live, so that memory follows the connections in use, not those that are open.
"""

from __future__ import annotations

import asyncio
import threading

from ...wire.contexts import ContextPool

__all__ = ("MAX_LIVE", "QUIET", "LoopContexts", "live_contexts")

# Contexts a loop, two for each connection that talks both ways: about 8 MiB with the default
# windows. A context made again costs 5 us; more contexts than the processor's cache holds cost
# more than that.
MAX_LIVE = 256
# Seconds between two looks; a context is parked at the second one that finds it unused.
QUIET = 1.0

_per_thread = threading.local()


class LoopContexts(ContextPool):
    """The pool of one loop, with a timer that runs while a context lives."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(MAX_LIVE)
        self.loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def on_first(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(QUIET, self._look)

    def on_last(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self.park_quiet():
            self._timer = self.loop.call_later(QUIET, self._look)


def live_contexts(loop: asyncio.AbstractEventLoop) -> LoopContexts:
    """Return the pool of *loop*, made when its thread first asks."""
    found: LoopContexts | None = getattr(_per_thread, "contexts", None)
    if found is None or found.loop is not loop:
        found = _per_thread.contexts = LoopContexts(loop)
    return found
