"""``run_app()`` as a program: where it listens, what it prints, how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys

import aiohttp
import pytest

from aiohttp_ws.test_utils import unused_port
from tests.programs import ROOT

PROGRAM = "tests.web.run_app_program"


class Run:
    """The program, running."""

    def __init__(self, process):
        self.process = process
        self.said = []

    async def line(self, pattern):
        while True:
            raw = await asyncio.wait_for(self.process.stdout.readline(), 20)
            assert raw, f"the program ended without saying {pattern!r}: {self.said}"
            self.said.append(raw.decode().rstrip())
            if match := re.search(pattern, self.said[-1]):
                return match

    async def url(self):
        return (await self.line(r"Running on (http\S+)"))[1]

    async def end(self):
        rest, _ = await asyncio.wait_for(self.process.communicate(), 20)
        self.said += rest.decode().splitlines()
        return self.process.returncode


@contextlib.asynccontextmanager
async def running(**options):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        PROGRAM,
        json.dumps(options),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield Run(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def get(url, **options):
    async with aiohttp.ClientSession(**options) as session, session.get(url) as response:
        return await response.text()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_a_signal_ends_it_in_order(name):
    async with running(host="127.0.0.1", port=0) as run:
        await run.url()
        run.process.send_signal(getattr(signal, name))
        assert await run.end() == 0
    assert [line for line in run.said if not line.startswith(("=", "("))] == [
        "on_startup",
        "on_shutdown",
        "on_cleanup",
        "returned",
    ]
    assert "(Press CTRL+C to quit)" in run.said


async def test_a_running_request_is_answered_first():
    async with running(host="127.0.0.1", port=0) as run:
        request = asyncio.create_task(get(await run.url() + "/slow"))
        await run.line("handling")
        run.process.send_signal(signal.SIGTERM)
        assert await request == "slow"
        assert await run.end() == 0
    assert run.said.index("on_shutdown") < run.said.index("handled") < run.said.index("on_cleanup")


async def test_a_signal_from_inside_a_handler_stops_it_too():
    async with running(host="127.0.0.1", port=0) as run:
        assert await get(await run.url() + "/kill/SIGTERM") == "stopping"
        assert await run.end() == 0


async def test_live_websockets_are_closed_with_1001():
    async with running(host="127.0.0.1", port=0) as run:
        url = await run.url()
        async with aiohttp.ClientSession() as session, session.ws_connect(url + "/ws") as ws:
            run.process.send_signal(signal.SIGINT)
            message = await ws.receive()
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        assert await run.end() == 0


async def test_uvloop_is_used_when_installed():
    pytest.importorskip("uvloop", reason="pip install uvloop")
    async with running(host="127.0.0.1", port=0) as run:
        assert await get(await run.url()) == "uvloop"


async def test_files_are_served_on_any_loop(tmp_path):
    (tmp_path / "f").write_text("0123456789" * 200_000)
    for own_loop in (False, True):
        async with running(host="127.0.0.1", port=0, files=str(tmp_path), own_loop=own_loop) as run:
            url = await run.url()
            assert await get(f"{url}/files/f") == (tmp_path / "f").read_text()


async def test_a_loop_that_is_given_is_used():
    async with running(host="127.0.0.1", port=0, own_loop=True) as run:
        assert "asyncio" in await get(await run.url())
        run.process.send_signal(signal.SIGTERM)
        assert await run.end() == 0


async def test_the_application_may_be_a_coroutine():
    async with running(host="127.0.0.1", port=0, **{"as": "coroutine"}) as run:
        assert await get(await run.url())


async def test_a_failure_to_make_the_application_is_raised():
    async with running(port=0, **{"as": "failure"}) as run:
        assert await run.end() == 1
    assert run.said[-1] == "ValueError: no application today"


async def test_it_listens_on_several_hosts_and_a_unix_socket(tmp_path):
    port, path = unused_port(), str(tmp_path / "s")
    async with running(host=["127.0.0.1", "127.0.0.2"], port=port, path=path) as run:
        match = await run.line("Running on (.*) =")
        assert match[1].split(", ") == [
            f"http://127.0.0.1:{port}",
            f"http://127.0.0.2:{port}",
            f"http://unix:{path}:",
        ]
        assert await get(f"http://127.0.0.2:{port}/")
        assert await get("http://any/", connector=aiohttp.UnixConnector(path))


async def test_a_path_alone_means_no_tcp(tmp_path):
    path = str(tmp_path / "s")
    async with running(path=path) as run:
        assert (await run.line("Running on (.*) ="))[1] == f"http://unix:{path}:"


async def test_a_taken_port_is_raised_after_cleaning_up():
    port = unused_port()
    async with running(host="127.0.0.1", port=port) as first:
        await first.url()
        async with running(host="127.0.0.1", port=port) as second:
            assert await second.end() == 1
    assert "in use" in second.said[-1]
    assert "on_cleanup" in second.said


async def test_it_can_leave_signals_alone():
    async with running(host="127.0.0.1", port=0, handle_signals=False) as run:
        await run.url()
        run.process.send_signal(signal.SIGTERM)
        assert await run.end() == -signal.SIGTERM


async def test_it_can_keep_silent():
    port = unused_port()
    async with running(host="127.0.0.1", port=port, print=None) as run:
        await run.line("on_startup")
        run.process.send_signal(signal.SIGTERM)
        assert await run.end() == 0
    assert run.said == ["on_startup", "on_shutdown", "on_cleanup", "returned"]
