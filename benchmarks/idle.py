"""Memory per idle WebSocket connection and the rate of opening handshakes.

    python idle.py [--servers a,b] [--conns 4000] [--deflate]

Each connection sends one text message and gets its echo before it idles; with
--deflate it offers permessage-deflate as browsers do and its message is compressed."""

import argparse
import os
import socket
import subprocess
import sys
import time
import zlib

from measure import cpu, memory, open_many_files, opening

HERE = os.path.dirname(os.path.abspath(__file__))
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


def compressed(text):
    """A masked (with zeros) and compressed text frame."""
    z = zlib.compressobj(6, zlib.DEFLATED, -9)
    data = (z.compress(text) + z.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return b"\xc1" + bytes([0x80 | len(data)]) + b"\0\0\0\0" + data


def connect(port, deflate):
    """Open a connection and let one message come back, so that lazily made state exists."""
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(opening(port, DEFLATE) if deflate else opening(port))
    answer = s.recv(4096)
    assert b" 101 " in answer, answer
    assert not deflate or b"permessage-deflate" in answer, answer
    s.sendall(MESSAGES[deflate])
    assert s.recv(4096)
    return s


MESSAGES = {
    False: b"\x81\x82\x00\x00\x00\x00hi",
    True: compressed(b"a message long enough to be worth compressing " * 8),
}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument(
        "--servers",
        default="ours-frames,ours,ours-serve,aiohttp,picows,picows-websockets,websockets",
    )
    ap.add_argument("--conns", type=int, default=4000)
    ap.add_argument("--loop", default="uvloop")
    ap.add_argument("--deflate", action="store_true")
    ap.add_argument("--extra", action="append", default=[], metavar="NAME=COMMAND")
    a = ap.parse_args()
    open_many_files()
    extra = dict(e.split("=", 1) for e in a.extra)
    port = 27000 + os.getpid() % 3000
    for name in a.servers.split(","):
        port += 1
        argv = (
            extra[name].format(port=port).split()
            if name in extra
            else [sys.executable, os.path.join(HERE, "servers.py"), name, str(port), a.loop]
            + (["deflate"] if a.deflate else [])
        )
        p = subprocess.Popen(
            ["taskset", "-c", "0", *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=HERE,
            text=True,
        )
        p.stdout.readline()
        time.sleep(0.5)
        warm = [connect(port, a.deflate) for _ in range(50)]
        time.sleep(0.3)
        r0, c0, t0 = memory(p.pid), cpu(p.pid), time.time()
        conns = [connect(port, a.deflate) for _ in range(a.conns)]
        t1, c1 = time.time(), cpu(p.pid)
        time.sleep(1)
        r1 = memory(p.pid)
        print(
            f"{name:20} {(r1 - r0) / a.conns / 1024:8.2f} KiB/conn"
            f"   handshake cpu {(c1 - c0) / a.conns * 1e6:8.1f} us"
            f"   {a.conns / (t1 - t0):7.0f} conn/s",
            flush=True,
        )
        for s in conns + warm:
            s.close()
        p.terminate()
        try:
            p.wait(3)
        except Exception:
            p.kill()


main()
