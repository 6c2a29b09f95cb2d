"""What the measuring programs share: CPU and memory of a process, and a client's opening."""

import os
import resource
import subprocess

TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid, children=False):
    """User and system time of a process in seconds, with that of its children on request."""
    pids = [pid]
    if children:
        found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
        pids += [int(p) for p in found.stdout.split()]
    total = 0
    for p in pids:
        with open(f"/proc/{p}/stat") as f:
            parts = f.read().rsplit(")", 1)[1].split()
        total += int(parts[11]) + int(parts[12])
    return total / TICKS


def memory(pid):
    """Proportional set size in bytes."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("Pss:"))


def open_many_files():
    """Raise the limit of open sockets to what the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def opening(port, *more):
    """The client's half of the opening handshake, with a fixed key."""
    lines = [
        "GET /ws HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *more,
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
