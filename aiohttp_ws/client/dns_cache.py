"""Addresses that a connector remembers; lookups of the same name at the same time are one."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from .interfaces import ResolveResult

__all__ = ("DNSCache",)

_Name = tuple[str, int]


class DNSCache:
    """Remembers the addresses of host names.

    :param ttl: seconds an answer is good for; ``None`` for no expiry, 0 for no caching.
    :param max_size: names kept; the one not asked for longest goes first.
    """

    def __init__(self, ttl: float | None, max_size: int) -> None:
        self._ttl = math.inf if ttl is None else ttl
        self._max_size = max_size
        self._known: OrderedDict[_Name, tuple[list[ResolveResult], float]] = OrderedDict()
        self._asking: dict[_Name, asyncio.Task[list[ResolveResult]]] = {}

    def get(self, name: _Name) -> list[ResolveResult] | None:
        """Return the addresses of *name*, or ``None`` when they have to be asked for.

        Each call begins with another address, to spread the connections.
        """
        known = self._known.get(name)
        if known is None:
            return None
        addresses, good_until = known
        if asyncio.get_running_loop().time() >= good_until:
            del self._known[name]
            return None
        self._known.move_to_end(name)
        turn = list(addresses)
        addresses.append(addresses.pop(0))
        return turn

    def knows(self, name: _Name) -> bool:
        """Whether nobody has to be asked for *name*: it is known, or asked for already."""
        known = self._known.get(name)
        if known is not None and asyncio.get_running_loop().time() < known[1]:
            return True
        return name in self._asking

    async def resolve(
        self, name: _Name, ask: Callable[[], Awaitable[list[ResolveResult]]]
    ) -> list[ResolveResult]:
        """Return the addresses of *name*, through *ask* when they are not known.

        Concurrent callers for the same name share one lookup, which continues when one of them
        is cancelled.
        """
        known = self.get(name)
        if known is not None:
            return known
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.ensure_future(self._ask(name, ask))
            # Retrieve the error even when every caller has been cancelled.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return list(await asyncio.shield(task))

    async def _ask(
        self, name: _Name, ask: Callable[[], Awaitable[list[ResolveResult]]]
    ) -> list[ResolveResult]:
        try:
            addresses = await ask()
        finally:
            self._asking.pop(name, None)
        if addresses and self._ttl > 0:
            good_until = asyncio.get_running_loop().time() + self._ttl
            self._known[name] = (list(addresses), good_until)
            if len(self._known) > self._max_size:
                self._known.popitem(last=False)
        return addresses

    def forget(self, name: _Name | None = None) -> None:
        """Forget *name*, or every name."""
        if name is None:
            self._known.clear()
        else:
            self._known.pop(name, None)

    def cancel(self) -> None:
        """Cancel the questions under way."""
        for task in list(self._asking.values()):
            task.cancel()
