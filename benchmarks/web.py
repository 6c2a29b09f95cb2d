"""Server CPU per request of what web applications do, each case beside the peers.

    python web.py [--cases json,routes] [--servers ours,aiohttp] [--seconds S] [--rounds R]
                  [--loop uvloop] [--extra NAME=PYTHON]

The cases and the applications are in web_cases.py. The server is pinned to CPU 0 and wrk to CPU 1;
rounds are interleaved, and the lowest figure of each server counts: what disturbs a process only
adds. The last column is the server's CPU as a multiple of aiohttp's, or of the first server's."""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from measure import cpu
from web_cases import CASES, write_files

HERE = os.path.dirname(os.path.abspath(__file__))
SERVERS = "ours,aiohttp,starlette-uvicorn,starlette-granian"


def start(name, case, port, loop, pythons):
    python = pythons.get(name, sys.executable)
    known = "ours" if name in pythons else name
    server = subprocess.Popen(
        ["taskset", "-c", "0", python, "web_cases.py", known, case, str(port), loop],
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE,
    )
    if "ready" not in server.stdout.readline():
        raise RuntimeError(f"{name} did not start")
    time.sleep(1.5 if "granian" in name else 0.1)
    return server


def load(case, port, seconds):
    target, script, connections = CASES[case]
    argv = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        if script is not None:
            file.write(script())
            file.flush()
            argv += ["-s", file.name]
        out = subprocess.run(
            [*argv, f"http://127.0.0.1:{port}{target}"], capture_output=True, text=True
        ).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(out)
    return int(re.search(r"(\d+) requests in", out)[1])


def measure(name, case, port, a, pythons):
    server = start(name, case, port, a.loop, pythons)
    try:
        load(case, port, 1 if a.seconds > 1 else a.seconds)  # caches fill, memory is mapped
        before = cpu(server.pid, children=True)
        requests = load(case, port, a.seconds)
        return (cpu(server.pid, children=True) - before) / requests * 1e6
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(3)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--cases", default=",".join(CASES))
    ap.add_argument("--servers", default=SERVERS)
    ap.add_argument("--seconds", type=int, default=2)
    ap.add_argument("--rounds", type=int, default=2)
    ap.add_argument("--loop", default="uvloop")
    ap.add_argument(
        "--extra",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="ours once more, in another environment's interpreter",
    )
    a = ap.parse_args()
    pythons = dict(extra.split("=", 1) for extra in a.extra)
    names = [*a.servers.split(","), *pythons]
    base = "aiohttp" if "aiohttp" in names else names[0]
    write_files()
    print(f"# {a.loop}; server CPU per request")
    print(f"{'case':12} {'server':20} {'us':>9} {'vs ' + base:>12}")
    port = 26000 + os.getpid() % 4000
    for case in a.cases.split(","):
        servers = names + (["granian"] if case == "get" and not a.extra else [])
        used = {name: [] for name in servers}
        for _ in range(a.rounds):
            for name in servers:
                port += 1
                try:
                    used[name].append(measure(name, case, port, a, pythons))
                except Exception as e:
                    print(case, name, "FAILED", repr(e)[-300:], file=sys.stderr)
        for name in servers:
            if used[name]:
                ratio = f"{min(used[name]) / min(used[base]):12.2f}" if used[base] else ""
                print(f"{case:12} {name:20} {min(used[name]):9.1f} {ratio}", flush=True)


main()
