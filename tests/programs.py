"""Run a program of this project as its reader would, and know when it is ready."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Program:
    """A running Python program of ours: its output line by line, and its orderly end."""

    def __init__(
        self, script: str, *arguments: str, stdin: str | None = None, **environment: str
    ) -> None:
        with interruptible():
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / script), *arguments],
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            )
        self.said: list[str] = []
        self._stdin = stdin

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read its output until a line matches; fails with all it said when it ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"ended without saying {pattern!r}:\n{''.join(self.said)}")

    def finish(self, timeout: float = 30) -> str:
        """Wait for the program to end by itself and return everything it said."""
        rest, _ = self.process.communicate(self._stdin, timeout=timeout)
        return "".join(self.said) + rest

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"{self.process.args!r} ignored SIGTERM for 15 s") from None


@contextlib.contextmanager
def running(script: str, *arguments: str, **environment: str) -> Iterator[Program]:
    program = Program(script, *arguments, **environment)
    try:
        yield program
    finally:
        if program.process.returncode is None:
            program.stop()


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Start a program that SIGINT ends, also where this process was told to ignore it.

    A shell tells that to what it starts in the background, and a program inherits it.
    """
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
