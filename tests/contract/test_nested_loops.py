"""Loops that run within themselves, as notebooks let them: a task that a message has woken may run
the loop again, and be given further messages of the same connection."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.peers import import_peer
from tests.programs import ROOT


@pytest.mark.parametrize("patch", ["nest_asyncio", "nest_asyncio2"])
@pytest.mark.parametrize("api", ["web", "messages"])
@pytest.mark.parametrize("role", ["server", "client"])
def test_a_task_woken_by_a_message_can_run_the_loop_for_the_next(
    patch: str, api: str, role: str
) -> None:
    """In a process of its own, which is patched."""
    import_peer(patch)
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.nested_loops_program", patch, api, role],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "all answered"
    assert done.stderr == ""
