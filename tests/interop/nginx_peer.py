"""nginx as it is run in front of an application, and as a server of files."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.programs import free_port

CONFIGURATION = """
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log stderr notice;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/plain txt; text/html html; application/json json; }}
    default_type application/octet-stream;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    {http}
    server {{
        listen 127.0.0.1:{port};
        {server}
    }}
}}
"""


@contextlib.contextmanager
def nginx(program: str, folder: Path, *, server: str, http: str = "") -> Iterator[str]:
    """Run nginx with these directives; gives the URL where it listens."""
    port = free_port()
    configuration = folder / "nginx.conf"
    text = CONFIGURATION.format(folder=folder, port=port, server=server, http=http)
    if os.getuid() != 0:
        text = text.replace("user root;\n", "")
    configuration.write_text(text)
    process = subprocess.Popen(
        [program, "-p", str(folder), "-e", "stderr", "-c", str(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if "start worker process " in line:
                break
        else:
            raise AssertionError("nginx did not start:\n" + "".join(said))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=15)
