"""Readers and writers that go on after the end: they end, or raise, and never stop the loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from tests.programs import ROOT

from .ends import rounds
from .readers_program import TASKS
from .sides import Sides

CASES = [(api, name) for api, tasks in TASKS.items() for name in tasks]


@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize(("api", "task"), CASES, ids=["-".join(case) for case in CASES])
def test_a_task_that_goes_on_after_the_end_lets_the_loop_run(
    api: str, task: str, role: str
) -> None:
    """In a process of its own: what is wrong here cannot be interrupted."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.readers_program", api, task, role],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    assert done.stdout.split() == ["close", "peer", "lost"]


@pytest.mark.only(api=["web"])
async def test_closed_is_true_as_soon_as_close_begins(sides: Sides) -> None:
    end, peer = await sides.open()
    assert not end.raw.closed
    closing = asyncio.create_task(end.close())
    await rounds()
    assert end.raw.closed
    assert not closing.done()
    await peer.receive_close()
    peer.close()
    peer.write(b"", "close_notify" if sides.wire.tls else "fin")
    await closing


@pytest.mark.only(api=["web"])
async def test_closed_is_false_until_what_came_before_the_end_is_received(sides: Sides) -> None:
    end, peer = await sides.open()
    texts = ["one", "two", "three"]
    peer.write(b"".join(peer.frame(1, text) for text in texts) + peer.close_frame())
    received = []
    while not end.raw.closed:
        message = await end.raw.receive()
        if isinstance(message.data, str):
            received.append(message.data)
    assert received == texts
