"""What a process holds: memory, descriptors, tasks and objects."""

import asyncio
import ctypes
import gc
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Holdings:
    rss: int
    """Resident bytes, after the allocator gave back what it could."""
    descriptors: int
    tasks: int
    blocks: int
    """Blocks of Python's own allocator: they count what ``gc`` does not see."""
    objects: dict[str, int] = field(repr=False)
    """How many objects of each type ``gc`` tracks."""


def free_unused() -> None:
    """Collect garbage, and let the C library return free memory where it can (glibc)."""
    for _ in range(3):
        gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * PAGE


def named(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


async def holdings() -> Holdings:
    """Measure this process once its connections have come to rest."""
    await at_rest()
    free_unused()
    return Holdings(
        rss=resident(),
        descriptors=descriptors(),
        tasks=len(asyncio.all_tasks()),
        blocks=sys.getallocatedblocks(),
        objects=dict(Counter(named(type(item)) for item in gc.get_objects())),
    )


async def at_rest(patience: float = 10.0) -> None:
    """Wait until nothing is opened or closed any more: ten equal readings in a row."""
    before, equal, left = (0, 0), 0, int(patience / 0.02)
    while equal < 10 and left:
        now = descriptors(), len(asyncio.all_tasks())
        equal = equal + 1 if now == before else 0
        before = now
        left -= 1
        await asyncio.sleep(0.02)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
