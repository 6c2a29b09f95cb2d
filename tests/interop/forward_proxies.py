"""Forward proxies that nobody here wrote: proxy.py, with TLS or without, and tinyproxy."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import trustme

from tests.programs import free_port

LOGIN = ("user", "password")


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a proxy until it accepts connections, and stop it at the end."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        for _ in range(600):  # Neither of them says when it listens.
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, process.communicate()[0].decode()
            time.sleep(0.05)
        else:
            raise AssertionError(f"{command[0]} does not listen")
        yield
    finally:
        process.terminate()
        process.communicate(timeout=15)


@contextlib.contextmanager
def proxy_py(folder: Path, authority: trustme.CA | None, login: bool) -> Iterator[str]:
    """Run proxy.py; gives its URL, whose scheme is https with an *authority*."""
    port = free_port()
    command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", str(port)]
    command += ["--num-workers", "1", "--num-acceptors", "1", "--log-level", "e"]
    if authority is not None:
        issued = authority.issue_cert("localhost", "127.0.0.1")
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        issued.private_key_pem.write_to_path(key)
        issued.cert_chain_pems[0].write_to_path(certificate)
        command += ["--cert-file", str(certificate), "--key-file", str(key)]
    if login:
        command += ["--basic-auth", ":".join(LOGIN)]
    with running(command, port):
        yield f"{'http' if authority is None else 'https'}://127.0.0.1:{port}"


@contextlib.contextmanager
def tinyproxy(program: str, folder: Path, login: bool) -> Iterator[str]:
    """Run tinyproxy; gives its URL."""
    port = free_port()
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "MaxClients 20"]
    if login:
        lines.append("BasicAuth {} {}".format(*LOGIN))
    configuration = folder / "tinyproxy.conf"
    configuration.write_text("\n".join(lines) + "\n")
    with running([program, "-d", "-c", str(configuration)], port):
        yield f"http://127.0.0.1:{port}"
