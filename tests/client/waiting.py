"""Waiting for a state that no event announces."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Let the event loop run until *condition* is true; ``TimeoutError`` when it never is."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError("the awaited state did not come")
        await asyncio.sleep(0)


async def standstill(progress: Callable[[], int]) -> None:
    """Let the event loop run until *progress* has begun and then stays where it is."""
    before = -1
    while before != progress() or not progress():
        before = progress()
        for _ in range(50):
            await asyncio.sleep(0.001)
