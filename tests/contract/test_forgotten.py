"""What is forgotten goes, and what an end leaves behind is not kept."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest

from .ends import rounds
from .peer import request
from .sides import Options, Sides


@pytest.mark.only(api=["web"], role=["client"])
async def test_a_forgotten_websocket_ends_with_a_warning(sides: Sides) -> None:
    end, peer = await sides.open()
    with pytest.raises(asyncio.TimeoutError):
        await end.raw.receive(timeout=0.01)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sides.ends.clear()
        del end
        gc.collect()
        await peer.rest()
    assert [each.category for each in caught] == [ResourceWarning]


@pytest.mark.only(wire=["plain"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # when it is no longer in use
async def test_a_websocket_in_use_is_not_forgotten(sides: Sides) -> None:
    end, peer = await sides.open()
    receiving = asyncio.create_task(end.receive())
    sides.ends.clear()
    del end
    await rounds()
    gc.collect()
    peer.send(1, "still here")
    assert await receiving == "still here"


def transports() -> int:
    """How many transports of aiofastnet there are."""
    gc.collect()
    return sum(str(type(each).__module__).startswith("aiofastnet") for each in gc.get_objects())


@pytest.mark.only(role=["server"], wire=["aiofastnet"])
async def test_a_client_that_resets_with_its_request_leaves_nothing(sides: Sides) -> None:
    async def until_the_end(end: Any) -> None:
        await end.rest()

    served = await sides.serve(Options(body=until_the_end))

    async def come_and_go() -> None:
        peer = await sides.reach(served)
        peer.write(request(served.port), "cut")
        await rounds(20)

    await come_and_go()
    sides.peers.clear()
    before = transports()
    for _ in range(10):
        await come_and_go()
    sides.peers.clear()
    while not served.opened.empty():
        served.opened.get_nowait()
    while transports() > before:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
