"""Round trips per second of WebSocket clients against the C floor server.

    python clients.py ws [--clients a,b] [--size N] [--rounds R] [--seconds S]

The C server (limit) runs on CPU 0, one client process at a time on CPU 1."""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time

from build import program

HERE = os.path.dirname(os.path.abspath(__file__))


async def ws_session(mod, url, data, secs):
    n = 0
    async with mod.ClientSession() as s, s.ws_connect(url, compress=0, max_msg_size=0) as ws:
        end = time.perf_counter() + secs
        t0 = time.perf_counter()
        while time.perf_counter() < end:
            for _ in range(100):
                await ws.send_bytes(data)
                await ws.receive()
            n += 100
        return n, time.perf_counter() - t0


async def ws_frames(mod, url, data, secs):
    done = asyncio.get_running_loop().create_future()

    class L(mod.WSListener):
        n = 0

        def on_ws_connected(self, t):
            self.end = time.perf_counter() + secs
            self.t0 = time.perf_counter()
            t.send(mod.WSMsgType.BINARY, data)

        def on_ws_frame(self, t, f):
            self.n += 1
            if self.n % 100 == 0 and time.perf_counter() > self.end:
                if not done.done():
                    done.set_result((self.n, time.perf_counter() - self.t0))
                t.disconnect()
                return
            t.send(mod.WSMsgType.BINARY, data)

    await mod.ws_connect(L, url)
    return await done


async def ws_messages(connect, url, data, secs):
    n = 0
    async with connect(url, compression=None, max_size=None) as ws:
        end = time.perf_counter() + secs
        t0 = time.perf_counter()
        while time.perf_counter() < end:
            for _ in range(100):
                await ws.send(data)
                await ws.recv()
            n += 100
        return n, time.perf_counter() - t0


def one(name, kind, url, size, secs):
    data = b"x" * size
    if name in ("aiohttp", "ours"):
        c = ws_session(
            __import__({"aiohttp": "aiohttp", "ours": "aiohttp_ws"}[name]), url, data, secs
        )
    elif name in ("picows", "ours-frames"):
        c = ws_frames(
            __import__({"picows": "picows", "ours-frames": "aiohttp_ws"}[name]), url, data, secs
        )
    else:
        if name == "websockets":
            from websockets.asyncio.client import connect
        elif name == "picows-websockets":
            from picows.websockets.asyncio.client import connect
        else:
            from aiohttp_ws import connect
        c = ws_messages(connect, url, data, secs)
    import uvloop

    t = time.process_time()
    n, s = uvloop.run(c)
    print(n, s, (time.process_time() - t) / n * 1e6)


def main():
    if sys.argv[1] == "--one":
        return one(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), float(sys.argv[6]))
    ap = argparse.ArgumentParser()
    ap.add_argument("kind", choices=["ws"])
    ap.add_argument("--clients")
    ap.add_argument("--size", type=int, default=256)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--seconds", type=float, default=2)
    a = ap.parse_args()
    names = (
        a.clients or "picows,ours-frames,ours,ours-serve,picows-websockets,aiohttp,websockets"
    ).split(",")
    port = 25000 + os.getpid() % 2000
    srv = subprocess.Popen(
        ["taskset", "-c", "0", program("limit"), str(port), a.kind],
        stdout=subprocess.PIPE,
        text=True,
    )
    srv.stdout.readline()
    url = f"ws://127.0.0.1:{port}/"
    res = {n: [] for n in names}
    try:
        for _ in range(a.rounds):
            for n in names:
                r = subprocess.run(
                    [
                        "taskset",
                        "-c",
                        "1",
                        sys.executable,
                        __file__,
                        "--one",
                        n,
                        a.kind,
                        url,
                        str(a.size),
                        str(a.seconds),
                    ],
                    capture_output=True,
                    text=True,
                )
                if r.returncode:
                    print(n, "FAILED", r.stderr[-300:], file=sys.stderr)
                    continue
                c, s, cpu = map(float, r.stdout.split())
                res[n].append((c / s, cpu))
    finally:
        srv.terminate()
    base = None
    print(f"# {a.kind} client, one connection, size={a.size}")
    for n in names:
        if res[n]:
            rate, cpu = (statistics.median(x[i] for x in res[n]) for i in range(2))
            base = base or rate
            print(f"{n:20} {rate:9.0f}/s  cpu {cpu:7.2f} us  rate vs first {rate / base:5.2f}")


main()
