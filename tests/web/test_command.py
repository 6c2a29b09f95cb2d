"""``python -m aiohttp_ws.web``: what it serves, and what it says of a wrong command line."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import aiohttp_ws
from aiohttp_ws.web.command import main
from tests.programs import ROOT, Program, free_port

TARGET = "tests.web.command_program"


class Serving(Program):
    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "aiohttp_ws.web", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        self.said = []
        self._stdin = None


@pytest.mark.parametrize(("function", "more"), [("make", []), ("make_later", ["later"])])
async def test_what_the_function_makes_of_its_arguments_is_served(
    function: str, more: list[str]
) -> None:
    port = free_port()
    options = ("-H", "127.0.0.1", "-P", str(port))
    program = Serving(*options, "--extra", f"{TARGET}:{function}", "further", "--known=no")
    try:
        program.wait_for(rf"Running on http://127\.0\.0\.1:{port}")
        async with (
            aiohttp_ws.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/") as response,
        ):
            assert await response.json() == ["--extra", "further", "--known=no", *more]
        program.wait_for("GET / HTTP/1.1")  # the access log can be seen
        program.process.send_signal(signal.SIGINT)
        assert "Stopped" in program.finish()
        assert program.process.returncode == 0
    finally:
        if program.process.returncode is None:
            program.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="no UNIX sockets")
async def test_a_socket_in_the_file_system_is_enough(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    program = Serving("--path", path, f"{TARGET}:make")
    try:
        said = program.wait_for("Running on (.*) ====")[1]
        assert said == f"http://unix:{path}:"
        connector = aiohttp_ws.UnixConnector(path)
        async with (
            aiohttp_ws.ClientSession(connector=connector) as session,
            session.get("http://localhost/") as response,
        ):
            assert await response.json() == []
    finally:
        program.stop()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("module", "not in 'module:function' syntax"),
        (":function", "not in 'module:function' syntax"),
        ("module:", "not in 'module:function' syntax"),
        (".module:function", "relative module names not supported"),
        ("no_such_module:function", "unable to import no_such_module: No module named"),
        (f"{TARGET}:nothing", f"module '{TARGET}' has no attribute 'nothing'"),
    ],
)
def test_a_wrong_target_is_named(
    target: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([target])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
