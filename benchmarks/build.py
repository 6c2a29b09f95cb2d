"""Compiles the C programs on first use and says where they are."""

import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def program(name):
    src = os.path.join(HERE, name + ".c")
    out = os.path.join(
        tempfile.gettempdir(), f"aiohttp_ws-bench-{name}-{int(os.path.getmtime(src))}"
    )
    if not os.path.exists(out):
        subprocess.run(["cc", "-O3", "-march=native", "-w", "-o", out, src], check=True)
    return out
