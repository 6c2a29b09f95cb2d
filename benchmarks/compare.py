"""Side-by-side server load: rate and CPU per message, each against the limit.

    python compare.py http|ws [--servers a,b,c] [--size N] [--depth D] [--conns C]
                              [--seconds S] [--rounds R] [--loop uvloop]

The server is pinned to CPU 0 and the load generator to CPU 1. Rounds are
interleaved. CPU per message is the server's own user+sys time, which is
steadier than the rate on a noisy machine."""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time

from build import program
from measure import cpu

HERE = os.path.dirname(os.path.abspath(__file__))


EXTRA = {}
SERVERS = {
    "http": [
        "limit-http",
        "raw-http",
        "ours",
        "aiohttp",
        "starlette-uvicorn",
        "asgi-uvicorn",
        "granian",
        "tornado",
    ],
    "ws": [
        "limit-ws",
        "ours-frames",
        "ours",
        "ours-serve",
        "picows",
        "picows-websockets",
        "websockets",
        "aiohttp",
        "autobahn",
        "asgi-uvicorn",
        "granian",
        "tornado",
    ],
}


def start(name, port, loop, deflate=None):
    if name in EXTRA:
        argv = EXTRA[name].format(port=port).split()
    else:
        argv = (
            [program("limit"), str(port), name[6:]]
            if name.startswith("limit-")
            else [sys.executable, os.path.join(HERE, "servers.py"), name, str(port), loop]
            + ([deflate] if deflate else [])
        )
    p = subprocess.Popen(
        ["taskset", "-c", "0", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=HERE,
    )
    line = p.stdout.readline()
    if "ready" not in line:
        raise RuntimeError(f"{name} did not start: {p.stderr.read()[-400:]}")
    time.sleep(1.5 if name == "granian" else 0.2)
    return p


def deflated(size):
    """A file with one deflated JSON message of about SIZE bytes: ticks of made-up instruments."""
    import random
    import tempfile
    import zlib

    rnd = random.Random(7)
    rows = []
    while len(json.dumps(rows)) < size:
        rows.append(
            {
                "symbol": rnd.choice(["AAPL", "MSFT", "BTC-USD", "EUR-CHF"]),
                "bid": round(rnd.uniform(1, 999), 2),
                "ask": round(rnd.uniform(1, 999), 2),
                "ts": 1760000000000 + rnd.randrange(10**7),
            }
        )
    c = zlib.compressobj(6, zlib.DEFLATED, -15)
    data = c.compress(json.dumps(rows).encode()) + c.flush(zlib.Z_SYNC_FLUSH)
    path = os.path.join(tempfile.gettempdir(), f"aiohttp_ws-bench-deflated-{size}")
    with open(path, "wb") as f:
        f.write(data[:-4])
    return path


def load(kind, port, a):
    if kind == "http":
        out = subprocess.run(
            ["taskset", "-c", "1", "wrk", "-t1", f"-c{a.conns}", f"-d{a.seconds}s", "--latency"]
            + (["-s", a.script] if a.script else [])
            + [f"http://127.0.0.1:{port}/"],
            capture_output=True,
            text=True,
        ).stdout
        m = re.search(r"(\d+) requests in ([\d.]+)s", out)
        bad = re.search(r"Non-2xx.*: (\d+)", out)
        if bad:
            raise RuntimeError(out)
        n, s = int(m[1]), float(m[2])
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
        us = float(p99[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[p99[2]]
        return n, n / s, us
    r = subprocess.run(
        [
            "taskset",
            "-c",
            "1",
            program("wsload"),
            "127.0.0.1",
            str(port),
            "/ws",
            str(a.conns),
            str(a.size),
            str(a.depth),
            str(a.seconds),
            a.type,
        ]
        + ([deflated(a.size)] if a.deflate else []),
        capture_output=True,
        text=True,
    )
    if r.returncode:
        raise RuntimeError(r.stderr)
    d = json.loads(r.stdout)
    return d["messages"], d["rate"], d["p99_us"]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("kind", choices=["http", "ws"])
    ap.add_argument("--servers")
    ap.add_argument("--size", type=int, default=256)
    ap.add_argument("--depth", type=int, default=1)
    ap.add_argument("--conns", type=int, default=64)
    ap.add_argument("--seconds", type=int, default=3)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--loop", default="uvloop")
    ap.add_argument("--type", default="text")
    ap.add_argument(
        "--deflate",
        action="store_true",
        help="ws only: permessage-deflate on a JSON message of --size bytes",
    )
    ap.add_argument(
        "--defaults",
        action="store_true",
        help="with --deflate: ours with its own level and windows, not with aiohttp's",
    )
    ap.add_argument("--script")
    ap.add_argument(
        "--extra",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="one more server; {port} in COMMAND is filled in",
    )
    a = ap.parse_args()
    EXTRA.update(e.split("=", 1) for e in a.extra)
    if a.deflate and not a.servers:
        a.servers = "aiohttp,websockets,picows-websockets,asgi-uvicorn"
    deflate = ("deflate" if a.defaults else "deflate-as-aiohttp") if a.deflate else None
    names = a.servers.split(",") if a.servers else SERVERS[a.kind]
    res = {n: [] for n in names}
    port = 21000 + os.getpid() % 5000
    for _ in range(a.rounds):
        for n in names:
            port += 1
            try:
                p = start(n, port, a.loop, deflate)
            except Exception as e:
                print(n, "FAILED", str(e)[-300:], file=sys.stderr)
                continue
            try:
                c0 = cpu(p.pid, children=True)
                msgs, rate, p99 = load(a.kind, port, a)
                c1 = cpu(p.pid, children=True)
                res[n].append((rate, (c1 - c0) / msgs * 1e6, p99))
            except Exception as e:
                print(n, "FAILED", repr(e)[-300:], file=sys.stderr)
            finally:
                p.send_signal(signal.SIGTERM)
                try:
                    p.wait(3)
                except Exception:
                    p.kill()
                    p.wait()
    base = None
    print(
        f"# {a.kind} size={a.size} depth={a.depth} conns={a.conns} loop={a.loop} type={a.type}"
        f"{' deflate' if a.deflate else ''}"
    )
    print(
        f"{'server':20} {'rate/s':>10} {'cpu us/msg':>11} {'p99 us':>9}"
        f" {'rate vs first':>13} {'cpu vs first':>12}"
    )
    for n in names:
        if not res[n]:
            continue
        rate, used, p99 = (statistics.median(x[i] for x in res[n]) for i in range(3))
        if base is None:
            base = (rate, used)
        print(
            f"{n:20} {rate:10.0f} {used:11.2f} {p99:9.0f}"
            f" {rate / base[0]:13.2f} {used / base[1]:12.2f}"
        )


main()
