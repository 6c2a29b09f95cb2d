"""gunicorn runs our worker: signals, TLS, the access log, and what does not start."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

import aiohttp_ws
from tests.interop.talk import Tls
from tests.programs import Program

pytestmark = pytest.mark.peer("gunicorn")

PROGRAM = "tests.interop.gunicorn_app"


class Gunicorn(Program):
    """gunicorn as a program; what it says is read line by line."""

    def __init__(self, target: str, *options: str, worker: str = "GunicornWebWorker") -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--workers", "1", "--bind", "127.0.0.1:0"),
                *("--worker-class", f"aiohttp_ws.{worker}", *options, f"{PROGRAM}:{target}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.said: list[str] = []
        self._stdin = None

    def url(self) -> str:
        url = self.wait_for(r"Listening at: (http\S+)")[1]
        self.wait_for(r"Booting worker with pid")
        return url


@contextlib.contextmanager
def serving(target: str = "make_app", *options: str, **kwargs: str) -> Iterator[Gunicorn]:
    gunicorn = Gunicorn(target, *options, **kwargs)
    try:
        yield gunicorn
    finally:
        if gunicorn.process.returncode is None:
            gunicorn.stop()


@pytest.mark.parametrize(
    ("worker", "loop"), [("GunicornWebWorker", "asyncio"), ("GunicornUVLoopWebWorker", "uvloop")]
)
async def test_an_application_is_served_on_the_loop_of_the_worker(worker: str, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    with serving(worker=worker) as gunicorn:
        async with aiohttp_ws.ClientSession(gunicorn.url()) as session:
            async with session.get("/") as response:
                answer = await response.json()
            assert answer["pid"] != gunicorn.process.pid
            assert answer["loop"].startswith(loop)
            async with session.ws_connect("/ws") as ws:
                await ws.send_str("hello")
                assert await ws.receive_str() == "hello"
                gunicorn.process.send_signal(signal.SIGTERM)
                assert (await ws.receive()).data == 1001
        assert "Shutting down" in gunicorn.finish()
        assert gunicorn.process.returncode == 0


async def test_a_running_handler_is_waited_for_after_sigterm() -> None:
    with serving() as gunicorn:
        signalled = asyncio.Event()

        async def upload() -> AsyncIterator[bytes]:
            yield b"one\n"
            await signalled.wait()
            gunicorn.wait_for("Handling signal: term")
            yield b"two\n"

        async with (
            aiohttp_ws.ClientSession(gunicorn.url()) as session,
            session.post("/slow", data=upload()) as response,
        ):
            assert await response.content.readline() == b"begun\n"
            gunicorn.process.send_signal(signal.SIGTERM)
            signalled.set()
            assert await response.content.readline() == b"done\n"
        gunicorn.finish()
        assert gunicorn.process.returncode == 0


async def test_tls_is_gunicorns(tls: Tls) -> None:
    with serving("make_app", "--certfile", tls.certificate, "--keyfile", tls.key) as gunicorn:
        async with (
            aiohttp_ws.ClientSession(gunicorn.url()) as session,
            session.get("/", ssl=tls.client) as response,
        ):
            assert (await response.json())["scheme"] == "https"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], r'^127\.0\.0\.1 \[.*\] "GET / HTTP/1\.1" 200 \d+ "-" "tests"$'),
        (["--access-logformat", "%a|%s|%{User-Agent}i"], r"^127\.0\.0\.1\|200\|tests$"),
    ],
)
async def test_the_access_log_has_our_format(options: list[str], line: str) -> None:
    with serving("make_app", "--access-logfile", "-", *options) as gunicorn:
        async with (
            aiohttp_ws.ClientSession(gunicorn.url()) as session,
            session.get("/", headers={"User-Agent": "tests"}) as response,
        ):
            assert response.status == 200
        gunicorn.wait_for(line)


async def test_a_worker_ends_after_its_requests_and_another_takes_its_place() -> None:
    with serving("make_app", "--max-requests", "1") as gunicorn:
        url = gunicorn.url()
        pids = set()
        async with aiohttp_ws.ClientSession(url) as session:
            for _ in range(2):
                async with session.get("/", headers={"Connection": "close"}) as response:
                    pids.add((await response.json())["pid"])
            gunicorn.wait_for("Max requests, shutting down")
            gunicorn.wait_for("Booting worker with pid")
            async with session.get("/") as response:
                pids.add((await response.json())["pid"])
        assert len(pids) == 2


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("broken", [], "no application today"),
        ("not_an_app", [], "Application object must be callable"),
        ("make_app", ["--access-logformat", "%(h)s"], r"gunicorn's %\(name\)s atoms"),
    ],
)
def test_what_cannot_start_is_not_tried_again(
    target: str, options: list[str], message: str
) -> None:
    with serving(target, *options) as gunicorn:
        gunicorn.wait_for(message)
        gunicorn.finish()
        # gunicorn's own: no worker booted, or there was no application to load.
        assert gunicorn.process.returncode in (3, 4)
