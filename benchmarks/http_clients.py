"""CPU per call of HTTP clients against the C server of origin.c.

    python http_clients.py [--cases get,get64,...] [--clients a,b] [--rounds R] [--seconds S]

The server runs on CPU 0, one client process at a time on CPU 1, the clients in turn. CPU is the
process's user and system time, with that of the threads a client may have, without its start."""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time

from build import program

MIB = b"x" * 2**20
VALUE = {"name": "a name", "values": list(range(20)), "text": "t" * 900}  # 1 KiB of JSON
# Path, JSON value, body, calls at a time.
CASES = {
    "get": ("", None, None, 1),
    "get64": ("", None, None, 64),
    "post": ("", VALUE, None, 1),
    "download": ("1048576", None, None, 1),
    "upload": ("", None, MIB, 1),
}
CLIENTS = ["aiohttp", "ours", "raw", "pyreqwest", "rnet", "niquests", "httpx"]


def of_session(module):
    """A maker of calls for aiohttp's interface."""

    async def calls(url, value, body):
        session = __import__(module).ClientSession()

        async def get():
            async with session.get(url) as response:
                return await response.read()

        async def post():
            async with session.post(url, json=value, data=body) as response:
                return await response.read()

        return get if value is body is None else post

    return calls


async def of_httpx(url, value, body):
    import httpx

    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    client = httpx.AsyncClient(limits=limits)

    async def get():
        return (await client.get(url)).content

    async def post():
        return (await client.post(url, json=value, content=body)).content

    return get if value is body is None else post


async def of_niquests(url, value, body):
    import niquests

    client = niquests.AsyncSession(pool_maxsize=100)

    async def get():
        return (await client.get(url)).content

    async def post():
        return (await client.post(url, json=value, data=body)).content

    return get if value is body is None else post


async def of_pyreqwest(url, value, body):
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().build()

    async def get():
        return await (await client.get(url).build().send()).bytes()

    async def post():
        request = client.post(url)
        request = request.body_bytes(body) if value is None else request.body_json(value)
        return await (await request.build().send()).bytes()

    return get if value is body is None else post


async def of_rnet(url, value, body):
    import rnet

    client = rnet.Client()

    async def get():
        return await (await client.get(url)).bytes()

    async def post():
        given = {"body": body} if value is None else {"json": value}
        return await (await client.post(url, **given)).bytes()

    return get if value is body is None else post


async def of_raw(url, value, body):
    """No client at all: a protocol that sends what is ready and counts what comes back."""
    host, _, rest = url.removeprefix("http://").partition(":")
    port, _, path = rest.partition("/")
    loop = asyncio.get_running_loop()
    body = json.dumps(value).encode() if value is not None else body or b""
    method = "POST" if body else "GET"
    request = f"{method} /{path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n"
    request = request.encode() + b"\r\n" + body
    idle = []

    class Raw(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            if self.left < 0:
                data = data.partition(b"\r\n\r\n")[2]
                self.left = int(path or 5)
                self.body = []
            self.body.append(data)
            self.left -= len(data)
            if not self.left:
                self.done.set_result(b"".join(self.body))

    async def call():
        if not idle:
            idle.append((await loop.create_connection(Raw, host, int(port)))[1])
        raw = idle.pop()
        raw.left, raw.done = -1, loop.create_future()
        raw.transport.write(request)
        answer = await raw.done
        idle.append(raw)
        return answer

    return call


MAKERS = {
    "raw": of_raw,
    "aiohttp": of_session("aiohttp"),
    "ours": of_session("aiohttp_ws"),
    "httpx": of_httpx,
    "niquests": of_niquests,
    "pyreqwest": of_pyreqwest,
    "rnet": of_rnet,
}


async def run(name, case, url, seconds):
    path, value, body, at_once = CASES[case]
    call = await MAKERS[name](url + path, value, body)
    answer = await call()
    assert len(answer) == int(path or 5), (name, len(answer))
    counts = [0] * at_once

    async def caller(index, end):
        while time.perf_counter() < end:
            await call()
            counts[index] += 1

    await asyncio.gather(*(caller(i, time.perf_counter() + 0.1) for i in range(at_once)))
    counts[:] = [0] * at_once
    cpu, start = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller(i, start + seconds) for i in range(at_once)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - start
    print(json.dumps([cpu / sum(counts) * 1e6, sum(counts) / wall]), flush=True)
    os._exit(0)


def measure(name, case, url, seconds):
    command = [sys.executable, __file__, "--one", name, case, url, str(seconds)]
    done = subprocess.run(["taskset", "-c", "1", *command], capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"{name} failed: {last[:200]}", file=sys.stderr)
        return None
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    port = 25000 + os.getpid() % 2000
    server = subprocess.Popen(
        ["taskset", "-c", "0", program("origin"), str(port)], stdout=subprocess.PIPE, text=True
    )
    server.stdout.readline()
    names = options.clients.split(",")
    try:
        for case in options.cases.split(","):
            found = {name: [] for name in names}
            for _ in range(options.rounds):
                for name in names:
                    one = measure(name, case, f"http://127.0.0.1:{port}/", options.seconds)
                    if one:
                        found[name].append(one)
            print(f"# {case}, uvloop")
            first = None
            for name, ones in found.items():
                if ones:
                    cpu, rate = (statistics.median(column) for column in zip(*ones, strict=True))
                    first = first or cpu
                    figures = f"{cpu:9.2f} us  {rate:8.0f}/s  cpu vs first {cpu / first:5.2f}"
                    print(f"{name:12} cpu {figures}")
    finally:
        server.terminate()


if sys.argv[1:2] == ["--one"]:
    import uvloop

    uvloop.run(run(*sys.argv[2:5], float(sys.argv[5])))
else:
    main()
