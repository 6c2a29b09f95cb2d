"""Echo over TLS: server CPU a message at several sizes, each server beside the first.

    python tls.py [--servers a,b] [--sizes 256,16384,1048576] [--conns 16] [--seconds 3]
        [--loop uvloop]

The client is picows for all, on CPU 1; the server is on CPU 0. The certificate is made on
the spot. Names: picows, ours-frames, ours, aiohttp, websockets; ending in ``-loop``, the
event loop's own TLS in place of aiofastnet's, where a server has the choice."""

import argparse
import asyncio
import logging
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

from measure import cpu

SERVERS = "picows,picows-loop,ours-frames,ours-frames-loop,ours,ours-loop,aiohttp,websockets"

# This program on one CPU, and on the other.
PINNED = [["taskset", "-c", each, sys.executable, __file__] for each in "01"]


def server_context(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "cert.pem"))
    return context


async def serve(name, port, folder):
    logging.disable()  # websockets reports each connection that the client has done with
    context = server_context(folder)
    own_tls = name.endswith("-loop")
    kind = name.removesuffix("-loop")
    if kind in ("picows", "ours-frames"):
        mod = __import__({"picows": "picows", "ours-frames": "aiohttp_ws"}[kind])

        class Echo(mod.WSListener):
            def on_ws_frame(self, transport, frame):
                if frame.msg_type == mod.WSMsgType.CLOSE:
                    transport.disconnect()
                else:
                    transport.send(frame.msg_type, frame.get_payload_as_memoryview())

        server = await mod.ws_create_server(
            lambda request: Echo(),
            "127.0.0.1",
            port,
            ssl=context,
            use_aiofastnet=False if own_tls else None,
        )
        print("ready", flush=True)
        await server.serve_forever()
    elif kind in ("aiohttp", "ours"):
        mod = __import__({"aiohttp": "aiohttp", "ours": "aiohttp_ws"}[kind], fromlist=["web"])
        __import__(mod.__name__ + ".web")
        web = mod.web

        async def handler(request):
            ws = web.WebSocketResponse(compress=False, max_msg_size=0)
            await ws.prepare(request)
            async for message in ws:
                await ws.send_bytes(message.data)
            return ws

        app = web.Application()
        app.router.add_get("/", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        choice = {"use_aiofastnet": False if own_tls else None} if kind == "ours" else {}
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context, **choice).start()
        print("ready", flush=True)
        await asyncio.Event().wait()
    else:
        from websockets.asyncio.server import serve as websockets_serve

        async def echo(ws):
            async for message in ws:
                await ws.send(message)

        async with websockets_serve(
            echo, "127.0.0.1", port, ssl=context, compression=None, max_size=None
        ):
            print("ready", flush=True)
            await asyncio.Event().wait()


async def load(port, folder, size, conns, seconds):
    import picows

    context = ssl.create_default_context(cafile=os.path.join(folder, "ca.pem"))
    payload = os.urandom(size)
    end = time.perf_counter() + seconds
    counts = []

    class Client(picows.WSListener):
        def on_ws_connected(self, transport):
            self.got = self.count = 0
            counts.append(self)
            transport.send(picows.WSMsgType.BINARY, payload)

        def on_ws_frame(self, transport, frame):
            self.got += frame.payload_size
            if self.got >= size:
                self.got = 0
                self.count += 1
                if time.perf_counter() < end:
                    transport.send(picows.WSMsgType.BINARY, payload)
                else:
                    transport.disconnect(False)

    transports = [
        (
            await picows.ws_connect(
                Client, f"wss://127.0.0.1:{port}/", ssl_context=context, max_frame_size=1 << 30
            )
        )[0]
        for _ in range(conns)
    ]
    for transport in transports:
        await transport.wait_disconnected()
    print(sum(each.count for each in counts))


def one(name, port, folder, size, a):
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    server = subprocess.Popen(
        [*PINNED[0], "--serve", name, str(port), folder, a.loop],
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )
    try:
        if "ready" not in server.stdout.readline():
            raise RuntimeError(f"{name} did not start")
        before = cpu(server.pid)
        began = time.time()
        client = subprocess.run(
            [*PINNED[1], "--load", str(port), folder, *map(str, (size, a.conns, a.seconds))],
            capture_output=True,
            text=True,
            timeout=60 + a.seconds,
            env=env,
        )
        if client.returncode:
            raise RuntimeError(client.stderr[-400:])
        n = int(client.stdout)
        return (cpu(server.pid) - before) / n * 1e6, n / (time.time() - began)
    finally:
        server.kill()
        server.wait()


def main():
    import uvloop

    if sys.argv[1:2] == ["--serve"]:
        run = uvloop.run if sys.argv[5] == "uvloop" else asyncio.run
        return run(serve(sys.argv[2], int(sys.argv[3]), sys.argv[4]))
    if sys.argv[1:2] == ["--load"]:
        numbers = [int(each) for each in sys.argv[4:6]]
        return uvloop.run(load(int(sys.argv[2]), sys.argv[3], *numbers, float(sys.argv[6])))
    ap = argparse.ArgumentParser()
    ap.add_argument("--servers", default=SERVERS)
    ap.add_argument("--sizes", default="256,16384,1048576")
    ap.add_argument("--conns", type=int, default=16)
    ap.add_argument("--seconds", type=float, default=3)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--loop", default="uvloop")
    a = ap.parse_args()
    import trustme

    port = 28000 + os.getpid() % 1000
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(os.path.join(folder, "ca.pem"))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            os.path.join(folder, "cert.pem")
        )
        for size in map(int, a.sizes.split(",")):
            print(
                f"# wss echo of {size} bytes, {a.conns} connections, one in flight each, {a.loop}"
            )
            rows = {name: [] for name in a.servers.split(",")}
            for _ in range(a.rounds):
                for name, row in rows.items():
                    port += 1
                    row.append(one(name, port, folder, size, a))
            base = None
            for name, row in rows.items():
                each, rate = (statistics.median(r[i] for r in row) for i in range(2))
                base = base or each
                print(
                    f"{name:20} cpu {each:9.2f} us   {rate:9.0f}/s"
                    f"   cpu vs first {each / base:5.2f}",
                    flush=True,
                )


main()
