"""The event loop that the tests run in: ``make test LOOP=uvloop``.

=============  ==================================================================
``LOOP``
=============  ==================================================================
``asyncio``    asyncio's own loop (the default)
``uvloop``     uvloop's
``eager``      asyncio's, and a task starts within ``create_task`` (Python 3.12+)
``pytasks``    asyncio's, and tasks are those written in Python, not in C
=============  ==================================================================
"""

import asyncio
import asyncio.tasks
import os
from collections.abc import Callable
from typing import Any

import pytest

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def uvloop_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        raise pytest.UsageError("LOOP=uvloop needs uvloop: pip install uvloop") from None
    return uvloop.new_event_loop()


def eager_loop() -> asyncio.AbstractEventLoop:
    if not hasattr(asyncio, "eager_task_factory"):
        raise pytest.UsageError("LOOP=eager needs Python 3.12 or later")
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


def pytasks_loop() -> asyncio.AbstractEventLoop:
    """A loop whose tasks are asyncio's in Python, as where asyncio's C module is absent."""

    def python_task(loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> Any:
        return asyncio.tasks._PyTask(coro, loop=loop, **kwargs)  # type: ignore[attr-defined]

    loop = asyncio.new_event_loop()
    loop.set_task_factory(python_task)
    return loop


LOOPS: dict[str, LoopFactory] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop_loop,
    "eager": eager_loop,
    "pytasks": pytasks_loop,
}
LOOP = os.environ.get("LOOP") or "asyncio"


def chosen_loop() -> dict[str, LoopFactory]:
    """The loop that ``LOOP`` names, and how it is made."""
    if LOOP not in LOOPS:
        raise pytest.UsageError(f"LOOP={LOOP} is none of {', '.join(LOOPS)}")
    return {LOOP: LOOPS[LOOP]}
