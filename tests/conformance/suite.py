"""Run the suite against one end of an API, and give what it found."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from tests.conformance.environment import ROOT, wstest

HERE = Path(__file__).parent
REPORTS = HERE / "reports"
# Seconds. A case that hangs is a failure, not a build that never ends.
RUN_TIMEOUT = 3000.0
START_TIMEOUT = 30.0

# What the suite says of one case: "behavior", "behaviorClose", "reportfile" ...
Results = dict[str, dict[str, str]]
Command = Sequence[str | Path]


def server_results(api: str, cases: list[str], library: str) -> Results:
    """The suite plays the client: each case is a connection to our echo server."""
    port = free_port()
    end = f"{api}-server"
    servers = [{"agent": library, "url": f"ws://127.0.0.1:{port}"}]
    spec = write_spec(end, cases, servers=servers)
    with open_log(end) as log, running(echo(api, "server", port, library), port, log):
        run([wstest(), "-m", "fuzzingclient", "-s", spec], log)
    return read_index(end, library)


def client_results(api: str, cases: list[str], library: str) -> Results:
    """The suite plays the server: our client connects once for each case."""
    port = free_port()
    end = f"{api}-client"
    url = f"ws://127.0.0.1:{port}"
    spec = write_spec(end, cases, url=url)
    with open_log(end) as log:
        # --webport=0: without the suite's web pages.
        server: Command = [wstest(), "-m", "fuzzingserver", "-s", spec, "--webport=0"]
        with running(server, port, log):
            run(echo(api, "client", url, library), log)
    return read_index(end, library)


def echo(api: str, end: str, where: int | str, library: str) -> Command:
    return [sys.executable, "-m", "tests.conformance.echo", api, end, str(where), library]


def write_spec(end: str, cases: list[str], **more: object) -> Path:
    """Write the suite's order for one end, and clear the reports of the last run."""
    shutil.rmtree(REPORTS / end, ignore_errors=True)
    (REPORTS / end).mkdir(parents=True)
    spec = REPORTS / f"{end}.json"
    order = {
        "outdir": str(REPORTS / end),
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
        "options": {"failByDrop": False},
        **more,
    }
    spec.write_text(json.dumps(order, indent=2))
    return spec


def read_index(end: str, agent: str) -> Results:
    index = REPORTS / end / "index.json"
    if not index.exists():
        raise SystemExit(f"error: the suite wrote no report; see {REPORTS / end}.log")
    results: Results = json.loads(index.read_text())[agent]
    return results


def open_log(end: str) -> TextIO:
    return open(REPORTS / f"{end}.log", "w")


def run(command: Command, log: TextIO) -> None:
    try:
        subprocess.run(command, stdout=log, stderr=log, cwd=ROOT, timeout=RUN_TIMEOUT, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        raise SystemExit(f"error: {exc}; see {log.name}") from None


@contextlib.contextmanager
def running(command: Command, port: int, log: TextIO) -> Iterator[None]:
    """Keep a server running; enter when it accepts connections on PORT."""
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    try:
        wait_until_listening(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: TextIO) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)  # Nothing announces that another program has begun to listen.
    raise SystemExit(f"error: {process.args!r} did not listen on port {port}; see {log.name}")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
