"""``python -m tests.soak``: many connections in turn leave a process as they found it.

Each soak opens, uses and ends connections with a process at the other end of loopback, first to
warm it up, then SOAK of them, and fails when the process has grown: by more than 2 MiB of
resident memory, by a descriptor, by a task, or by objects of any type. It stops by itself, and
after TIMEOUT seconds at the latest.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.programs import ROOT
from tests.soak.measuring import Holdings
from tests.soak.raw_client import RawClients
from tests.soak.servers import SERVERS

MIB = 1 << 20
WARM_UP = 8000
GROWTH = 2 * MIB
# More objects of one type than this is growth, less is a cache or a timer not yet due: one
# object every hundred connections would show.
OBJECTS = 50
# asyncio keeps up to a hundred cancelled timers, empty ones, until they are due.
OBJECTS_OF = {"asyncio.events.TimerHandle": 250}
TIMEOUT = 1200.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("connections", type=int, help="how many connections each soak opens")
    parser.add_argument("--only", default="", help="only soaks with this in their name")
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        print("the soak reads /proc, which only Linux has: nothing was measured")
        return 1
    sound = True
    for name, soak in soaks():
        if options.only in name:
            sound = soak(name, options.connections) and sound
    print("sound: nothing grew" if sound else "NOT sound")
    return 0 if sound else 1


Soak = Callable[[str, int], bool]


def soaks() -> Iterator[tuple[str, Soak]]:
    for deflate in (False, True):
        suffix = ", permessage-deflate" if deflate else ""
        for api in SERVERS:
            yield f"{api} server{suffix}", server_soak(api, deflate)
        yield f"session client{suffix}", client_soak(deflate)


def server_soak(api: str, deflate: bool) -> Soak:
    def soak(name: str, connections: int) -> bool:
        with subject("server", api, 0, deflate) as server:
            clients = RawClients(server.port, deflate)
            return grown(name, connections, clients.run, server)

    return soak


def client_soak(deflate: bool) -> Soak:
    def soak(name: str, connections: int) -> bool:
        with (
            subject("server", "web", 0, deflate) as server,
            subject("client", "-", server.port, deflate) as client,
        ):
            return grown(name, connections, lambda n: client.do(f"run {n}"), client, server)

    return soak


class Subject:
    """A process under soak (``subject.py``)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.port: int = self.read()

    def read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the process under soak ended; its error stands above")
        return json.loads(line)

    def do(self, command: str) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.read()

    def holdings(self) -> Holdings:
        return Holdings(**self.do("measure"))


@contextlib.contextmanager
def subject(role: str, api: str, port: int, deflate: bool) -> Iterator[Subject]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.soak.subject", role, api, str(port), str(int(deflate))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield Subject(process)
    finally:
        # It ends when there is nothing more to read.
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def grown(name: str, connections: int, run: Callable[[int], Any], *subjects: Subject) -> bool:
    """Warm up, run, and say what grew; true when nothing did."""
    # Twice: the first measurement makes what later ones use again, and trims what the next
    # connections fetch back.
    for _ in range(2):
        run(WARM_UP // 2)
        before = [one.holdings() for one in subjects]
    began = time.monotonic()
    run(connections)
    seconds = time.monotonic() - began
    after = [one.holdings() for one in subjects]
    faults = [fault for pair in zip(before, after, strict=True) for fault in judge(*pair)]
    growth = ", ".join(
        f"{(late.rss - early.rss) / 1024:+.0f} KiB of {early.rss / MIB:.1f} MiB"
        for early, late in zip(before, after, strict=True)
    )
    verdict = "FAILED" if faults else "ok"
    print(f"{name:36} {connections} connections in {seconds:4.0f} s: {growth}: {verdict}")
    for fault in faults:
        print(f"    {fault}")
    sys.stdout.flush()
    return not faults


def judge(before: Holdings, after: Holdings) -> Iterator[str]:
    if after.rss - before.rss > GROWTH:
        yield f"resident memory grew by {after.rss - before.rss} bytes, more than {GROWTH}"
    if after.descriptors > before.descriptors:
        yield f"descriptors grew from {before.descriptors} to {after.descriptors}"
    if after.tasks > before.tasks:
        yield f"tasks grew from {before.tasks} to {after.tasks}"
    for kind, count in sorted(after.objects.items()):
        had = before.objects.get(kind, 0)
        if count - had > OBJECTS_OF.get(kind, OBJECTS):
            yield f"objects of {kind} grew from {had} to {count}"
    if after.blocks - before.blocks > 20 * OBJECTS:
        yield f"allocated blocks grew from {before.blocks} to {after.blocks}"


if __name__ == "__main__":
    sys.exit(main())
