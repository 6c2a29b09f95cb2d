"""Fan-out: server CPU to deliver one message to each of many connections.

    python broadcast.py [--servers a,b] [--conns 1000] [--messages 200] [--size 256]

Every connection joins on /ws; a text message "go" makes the server send
MESSAGES messages to all of them, one event-loop turn apart. A reader drains all
sockets. Names: websockets, websockets-loop, aiohttp, picows, ours, ours-frames."""

import argparse
import asyncio
import os
import select
import socket
import statistics
import subprocess
import sys
import time

from measure import cpu, open_many_files, opening

HERE = os.path.dirname(os.path.abspath(__file__))


async def fan_out(send_all, n):
    for _ in range(n):
        r = send_all()
        if asyncio.iscoroutine(r):
            await r
        await asyncio.sleep(0)


async def serve(name, port, n, size):
    data = "x" * size
    conns = set()
    if name in ("websockets", "websockets-loop", "ours-serve"):
        if name == "ours-serve":
            from aiohttp_ws import broadcast, serve
        else:
            from websockets.asyncio.server import broadcast, serve

        async def each():
            for c in list(conns):
                await c.send(data)

        async def handler(ws):
            conns.add(ws)
            async for _ in ws:
                await fan_out(each if name.endswith("loop") else lambda: broadcast(conns, data), n)

        async with serve(handler, "127.0.0.1", port, compression=None, ping_interval=None):
            print("ready", flush=True)
            await asyncio.Event().wait()
    elif name in ("aiohttp", "ours"):
        mod = __import__({"aiohttp": "aiohttp", "ours": "aiohttp_ws"}[name], fromlist=["web"])
        __import__(mod.__name__ + ".web")
        web = mod.web

        async def each():
            for c in list(conns):
                await c.send_str(data)

        async def handler(request):
            ws = web.WebSocketResponse(compress=False)
            await ws.prepare(request)
            conns.add(ws)
            async for _ in ws:
                await fan_out(each if name == "aiohttp" else lambda: mod.broadcast(conns, data), n)
            return ws

        app = web.Application()
        app.router.add_get("/ws", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        print("ready", flush=True)
        await asyncio.Event().wait()
    else:
        mod = __import__({"picows": "picows", "ours-frames": "aiohttp_ws"}[name])
        raw = data.encode()

        class L(mod.WSListener):
            def on_ws_connected(self, t):
                conns.add(t)

            def on_ws_frame(self, t, f):
                if f.msg_type == mod.WSMsgType.TEXT:
                    asyncio.get_running_loop().create_task(fan_out(self.each, n))

            def each(self):
                if name == "ours-frames":
                    return mod.broadcast(conns, data)
                for c in conns:
                    c.send(mod.WSMsgType.TEXT, raw)

        s = await mod.ws_create_server(lambda r: L(), "127.0.0.1", port)
        print("ready", flush=True)
        await s.serve_forever()


def one(name, port, a):
    p = subprocess.Popen(
        [
            "taskset",
            "-c",
            "0",
            sys.executable,
            __file__,
            "--serve",
            name,
            str(port),
            str(a.messages),
            str(a.size),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        if "ready" not in p.stdout.readline():
            raise RuntimeError(f"{name} did not start")
        time.sleep(0.3)
        socks = []
        for _ in range(a.conns):
            s = socket.create_connection(("127.0.0.1", port))
            s.sendall(opening(port))
            assert b" 101 " in s.recv(4096)
            s.setblocking(False)
            socks.append(s)
        time.sleep(0.5)
        poll = select.epoll()
        fds = {}
        for s in socks:
            poll.register(s.fileno(), select.EPOLLIN)
            fds[s.fileno()] = s
        frame = (2 if a.size < 126 else 4 if a.size < 65536 else 10) + a.size
        want = frame * a.messages * a.conns
        c0, t0, got = cpu(p.pid), time.time(), 0
        socks[0].sendall(b"\x81\x82\x00\x00\x00\x00go")
        while got < want and time.time() - t0 < 60:
            for fd, _ in poll.poll(1):
                d = fds[fd].recv(1 << 20)
                got += len(d)
        t1, c1 = time.time(), cpu(p.pid)
        if got < want:
            raise RuntimeError(f"{name}: {got} of {want} bytes")
        n = a.messages * a.conns
        return (c1 - c0) / n * 1e6, n / (t1 - t0)
    finally:
        p.kill()
        p.wait()
        for s in socks:
            s.close()


def main():
    if sys.argv[1:2] == ["--serve"]:
        import uvloop

        return uvloop.run(serve(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
    ap = argparse.ArgumentParser()
    ap.add_argument("--servers", default="websockets,picows,aiohttp,ours,ours-serve,ours-frames")
    ap.add_argument("--conns", type=int, default=1000)
    ap.add_argument("--messages", type=int, default=200)
    ap.add_argument("--size", type=int, default=256)
    ap.add_argument("--rounds", type=int, default=2)
    a = ap.parse_args()
    open_many_files()
    port = 26000 + os.getpid() % 2000
    os.sched_setaffinity(0, {1})
    base = None
    print(f"# {a.messages} messages of {a.size} bytes to {a.conns} connections")
    for name in a.servers.split(","):
        rows = []
        for _ in range(a.rounds):
            port += 1
            rows.append(one(name, port, a))
        c, r = (statistics.median(x[i] for x in rows) for i in range(2))
        base = base or c
        print(
            f"{name:20} cpu {c:6.2f} us a delivery   {r:9.0f} deliveries/s"
            f"   cpu vs first {c / base:5.2f}",
            flush=True,
        )


main()
