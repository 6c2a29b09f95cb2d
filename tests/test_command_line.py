"""``python -m aiohttp_ws URI`` through pipes and on a terminal, against other servers."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from aiohttp_ws.command_line import main
from aiohttp_ws.command_line.arguments import make_parser
from aiohttp_ws.version import __version__
from tests.peers import import_peer
from tests.programs import ROOT, free_port, interruptible

aiohttp = import_peer("aiohttp")
websockets = import_peer("websockets")
aiohttp_web = importlib.import_module("aiohttp.web")

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")


@contextlib.asynccontextmanager
async def serving(handler: Any, scheme: str = "ws", **settings: Any) -> AsyncIterator[str]:
    """Serve with websockets, and give the URI."""
    async with websockets.serve(handler, "127.0.0.1", 0, **settings) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"{scheme}://127.0.0.1:{port}/"


@contextlib.asynccontextmanager
async def aiohttp_serving(handler: Any) -> AsyncIterator[str]:
    """The same with aiohttp."""
    app = aiohttp_web.Application()
    app.router.add_get("/", handler)
    runner = aiohttp_web.AppRunner(app)
    await runner.setup()
    try:
        await aiohttp_web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


class Run:
    """One run of the program through pipes."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


async def start(*arguments: str) -> asyncio.subprocess.Process:
    with interruptible():
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "aiohttp_ws", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONUTF8": "1"},
        )


async def run(*arguments: str, given: str | bytes = "") -> Run:
    process = await start(*arguments)
    data = given.encode() if isinstance(given, str) else given
    out, err = await asyncio.wait_for(process.communicate(data), 30)
    assert process.returncode is not None
    assert err.count(b"\n") <= 1, err.decode()
    return Run(process.returncode, out.decode(), err.decode())


async def echo(connection: Any) -> None:
    async for message in connection:
        await connection.send(message)


# ------------------------------------------------------------------------------ through a pipe


async def test_lines_are_sent_and_answers_are_printed_and_nothing_else():
    async with serving(echo) as uri:
        done = await run(uri, given="hello\n\n/ping\nwörld ☃\r\nlast")
    assert (done.status, done.out, done.err) == (0, "hello\n\n/ping\nwörld ☃\nlast\n", "")


async def test_it_talks_to_a_server_of_aiohttp():
    async def answer(request: Any) -> Any:
        ws = aiohttp_web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(message.data.upper())
            if message.data == "bye":
                await ws.close(code=1001, message=b"see you")
        return ws

    async with aiohttp_serving(answer) as uri:
        done = await run(uri, "--wait", "inf", given="hello\nbye\n")
    assert (done.status, done.out, done.err) == (0, "HELLO\nBYE\n", "")


async def test_binary_messages_are_hexadecimal_both_ways():
    received: list[Any] = []

    async def handler(connection: Any) -> None:
        received.append(await connection.recv())
        await connection.send(b"\x00\x7f\xff")

    async with serving(handler) as uri:
        done = await run(uri, "--binary", "--wait", "inf", given="00 FE\n")
    assert received == [b"\x00\xfe"]
    assert (done.status, done.out) == (0, "007fff\n")


async def test_after_the_end_of_the_input_it_waits_while_messages_come():
    async def handler(connection: Any) -> None:
        await connection.recv()
        for _ in range(3):
            await connection.send("news")
            # Each is asked for, so that the client is known to live through the last.
            await (await connection.ping())

    async with serving(handler) as uri:
        done = await run(uri, "--wait", "10", given="begin\n")
    assert (done.status, done.out) == (0, "news\n" * 3)


async def test_wait_0_closes_with_1000_behind_the_last_line():
    closed: list[Any] = []

    async def handler(connection: Any) -> None:
        closed.append([message async for message in connection])
        closed.append(connection.close_code)

    async with serving(handler) as uri:
        done = await run(uri, "--wait", "0", given="one\ntwo\n")
    assert closed == [["one", "two"], 1000]
    assert (done.status, done.out, done.err) == (0, "", "")


async def test_more_lines_than_are_read_ahead_arrive_in_order():
    lines = "".join(f"{number}\n" for number in range(2000))

    async def handler(connection: Any) -> None:
        for _ in range(2000):
            await connection.send(await connection.recv())

    async with serving(handler) as uri:
        done = await run(uri, "--wait", "inf", given=lines)
    assert done.out == lines


async def test_a_reader_that_leaves_ends_it_with_a_closing_handshake():
    codes: list[Any] = []

    async def handler(connection: Any) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await connection.send("line")
                await (await connection.ping())
        codes.append(connection.close_code)

    async with serving(handler) as uri:
        process = await start(uri)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"line\n"
        process.stdout._transport.close()  # type: ignore[attr-defined]
        await asyncio.wait_for(process.wait(), 30)
        assert process.stderr is not None
        assert await process.stderr.read() == b""
    assert codes == [1000]
    assert process.returncode == 0


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_closes_the_connection_with_1000(number: int):
    codes: list[Any] = []

    async def handler(connection: Any) -> None:
        await connection.send("ready")
        await connection.wait_closed()
        codes.append(connection.close_code)

    async with serving(handler) as uri:
        process = await start(uri)
        assert process.stdout is not None
        await process.stdout.readline()
        process.send_signal(number)
        out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out, err, codes) == (0, b"", b"", [1000])


# ------------------------------------------------------------------------------- exit status


@pytest.mark.parametrize(
    ("code", "reason", "status", "error"),
    [
        (1000, "bye", 0, ""),
        (1001, "", 0, ""),
        (1011, "", 1, "aiohttp_ws: closed with 1011 (internal error)\n"),
        (4001, "as\x1b told", 1, "aiohttp_ws: closed with 4001 (private use) as\\x1b told\n"),
    ],
)
async def test_the_close_code_decides_the_exit_status(
    code: int, reason: str, status: int, error: str
):
    async def handler(connection: Any) -> None:
        await connection.close(code, reason)

    async with serving(handler) as uri:
        done = await run(uri, "--wait", "inf")
    assert (done.status, done.err) == (status, error)


async def test_a_connection_that_is_lost_gives_status_1():
    async def handler(connection: Any) -> None:
        connection.transport.abort()

    async with serving(handler) as uri:
        done = await run(uri, "--wait", "inf")
    assert done.status == 1
    assert done.err == "aiohttp_ws: connection lost: no close frame received or sent\n"


async def test_a_message_longer_than_max_size_gives_status_1_and_says_so():
    async def handler(connection: Any) -> None:
        await connection.send("four")
        await connection.send("fives")

    async with serving(handler) as uri:
        done = await run(uri, "--wait", "inf", "--max-size", "4")
        unlimited = await run(uri, "--wait", "inf", "--max-size", "0")
    assert (done.status, done.out) == (1, "four\n")
    assert "1009" in done.err
    assert (unlimited.status, unlimited.out) == (0, "four\nfives\n")


@pytest.mark.parametrize(
    ("arguments", "given", "error"),
    [
        (["--binary"], b"00\nno\n", "'no' is not hexadecimal, such as 00ff or 00 ff"),
        ([], b"\xff\n", "input is not utf-8: invalid start byte"),
    ],
)
async def test_input_that_cannot_be_sent_gives_status_2(
    arguments: list[str], given: bytes, error: str
):
    async with serving(echo) as uri:
        done = await run(uri, *arguments, given=given)
    assert (done.status, done.err) == (2, f"aiohttp_ws: {error}\n")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "the following arguments are required: URI"),
        (["gopher://127.0.0.1/"], "gopher://127.0.0.1/ isn't a valid URI"),
        (["ws://127.0.0.1:1/", "--header", "novalue"], "'novalue' is not of the form"),
        (["ws://127.0.0.1:1/", "--subprotocol", "a b"], "'a b' is not a token"),
        (["wss://127.0.0.1:1/", "--cafile", "/nowhere"], "--cafile /nowhere: No such file"),
        (["ws://127.0.0.1:1/", "--wait", "-1"], "'-1' is not a number of seconds"),
        (["ws://127.0.0.1:1/", "--max-size", "1k"], "'1k' is not a number of bytes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_gives_status_2_and_one_line(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as caught:
        sys.exit(main(arguments))
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert error in err
    assert err.count("\n") == 1


async def test_no_connection_gives_status_3_and_one_line():
    done = await run(f"ws://127.0.0.1:{free_port()}/")
    assert (done.status, done.out) == (3, "")
    assert done.err.startswith("aiohttp_ws: ")


async def test_a_refusal_gives_status_3_and_names_the_http_status():
    def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(403, "no\n")

    async with serving(echo, process_request=refuse) as uri:
        done = await run(uri)
    assert done.status == 3
    assert done.err == "aiohttp_ws: server rejected WebSocket connection: HTTP 403\n"


@posix
async def test_an_interrupt_before_there_is_a_connection_gives_status_130():
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    try:
        process = await start(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await asked.wait()
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)
    finally:
        server.close()
        await server.wait_closed()
    assert (process.returncode, out, err) == (130, b"", b"")


# ---------------------------------------------------------------------------------- options


async def test_the_options_make_the_request():
    requests: list[Any] = []

    async def handler(connection: Any) -> None:
        requests.append((connection.request.headers, connection.subprotocol))

    async with serving(handler, subprotocols=["two"]) as uri:
        done = await run(
            *(uri, "--wait", "inf", "-H", "X-One: 1", "--header", "X-One:2:3"),
            *("--origin", "https://example.com", "--no-compression"),
            *("--subprotocol", "one", "--subprotocol", "two"),
        )
    assert done.status == 0
    ((headers, subprotocol),) = requests
    assert headers.get_all("X-One") == ["1", "2:3"]
    assert headers["Origin"] == "https://example.com"
    assert "Sec-WebSocket-Extensions" not in headers
    assert subprotocol == "two"


async def test_certificates_are_verified_unless_told_otherwise(tmp_path: Path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    cafile = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(cafile))

    async def handler(connection: Any) -> None:
        await connection.send("secret")

    async with serving(handler, "wss", ssl=context) as uri:
        strict, trusting, insecure = await asyncio.gather(
            run(uri, "--wait", "inf"),
            run(uri, "--wait", "inf", "--cafile", str(cafile)),
            run(uri, "--wait", "inf", "--insecure"),
        )
    assert (strict.status, strict.out) == (3, "")
    assert re.search("certificate.verify.failed", strict.err, re.IGNORECASE)
    assert (trusting.status, trusting.out) == (0, "secret\n")
    assert (insecure.status, insecure.out) == (0, "secret\n")


async def test_version_and_help():
    version, help_ = await asyncio.gather(run("--version"), run("--help"))
    assert (version.status, version.out) == (0, f"aiohttp_ws {__version__}\n")
    assert help_.status == 0
    assert "exit status" in help_.out


def test_the_guide_names_every_option():
    guide = (ROOT / "docs" / "guide" / "command_line.rst").read_text()
    options = {option for action in make_parser()._actions for option in action.option_strings}
    assert {option for option in options if f"``{option}" not in guide} == set()


# ------------------------------------------------------------------------------ on a terminal


@contextlib.asynccontextmanager
async def typing(*arguments: str, **environment: str) -> AsyncIterator[tuple[Any, Any]]:
    """The program on a terminal: give that, and the server's connection, which is silent."""
    from tests.screen import Terminal

    accepted: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(connection: Any) -> None:
        accepted.set_result(connection)
        await connection.wait_closed()

    async with serving(handler) as uri, Terminal("aiohttp_ws", uri, *arguments) as terminal:
        connection = await accepted
        await terminal.until(lambda lines: lines[-1:] == [">"])
        assert terminal.screen.lines[0].startswith(f"connected to {uri}"[:40])
        yield terminal, connection


@posix
async def test_a_line_typed_is_sent_and_messages_leave_the_line_being_typed_alone():
    async with typing() as (terminal, connection):
        terminal.type("Hello!\r")
        assert await connection.recv() == "Hello!"
        terminal.type("half a li")
        await terminal.shows("> half a li")
        await connection.send("one")
        await connection.send(b"\x00\xff")
        await connection.send("two\n> spoofed\x1b[2J")
        lines = await terminal.shows("> half a li")
        lines = await terminal.shows(
            "> Hello!", "< one", "< (binary) 00ff", "< two", "  > spoofed\\x1b[2J", "> half a li"
        )
        terminal.type("ne\r")
        assert await connection.recv() == "half a line"
        await terminal.shows("> half a line", ">")
        assert lines[0] in terminal.screen.lines


@posix
async def test_a_long_message_scrolls_by_above_a_line_of_several_rows():
    async with typing() as (terminal, connection):
        typed = "x" * 50
        terminal.type(typed)
        await terminal.shows("> " + "x" * 38, "x" * 12)
        await connection.send("".join(f"{number:039} " for number in range(30)))
        message = "< " + "".join(f"{number:039} " for number in range(30))
        rows = [message[at : at + 40].rstrip() for at in range(0, len(message), 40)]
        await terminal.shows(*rows, "> " + "x" * 38, "x" * 12)
        terminal.type("y\r")
        assert await connection.recv() == typed + "y"


@posix
async def test_a_message_leaves_the_cursor_where_the_line_is_edited():
    async with typing() as (terminal, connection):
        terminal.type("ac\x1b[D")
        await terminal.until(lambda lines: lines[-1] == "> ac" and terminal.screen.column == 3)
        await connection.send("news")
        await terminal.shows("< news", "> ac")
        terminal.type("b")
        await terminal.shows("< news", "> abc")
        terminal.type("\r")
        assert await connection.recv() == "abc"


@posix
async def test_up_brings_the_last_line_back_also_from_the_history_file(tmp_path: Path):
    history = str(tmp_path / "history")
    async with typing("--history", history) as (terminal, connection):
        terminal.type("first\rsecond\r")
        assert [await connection.recv(), await connection.recv()] == ["first", "second"]
        terminal.type("\x1b[A\x1b[A")
        await terminal.shows("> first")
        terminal.type("\r\x04")
        assert await connection.recv() == "first"
        assert (await terminal.end())[0] == 0
    async with typing("--history", history) as (terminal, connection):
        terminal.type("\x1b[A\x1b[A\r")
        assert await connection.recv() == "second"


@posix
async def test_commands():
    async with typing() as (terminal, connection):
        terminal.type("/ping\r")
        await terminal.until(lambda lines: bool(re.fullmatch(r"pong after \d+\.\d ms", lines[-2])))
        terminal.type("/hex 00 ff\r")
        assert await connection.recv() == b"\x00\xff"
        terminal.type("//ping\r")
        assert await connection.recv() == "/ping"
        terminal.type("/nothing\r")
        await terminal.until(lambda lines: any(line.startswith("no command") for line in lines))
        terminal.type("/close 1005\r")
        await terminal.until(lambda lines: any(line.startswith("1005 is no") for line in lines))
        terminal.type("/close 4002 see you\r")
        await connection.wait_closed()
        assert (connection.close_code, connection.close_reason) == (4002, "see you")
        status, lines = await terminal.end()
        assert status == 1
        assert lines[-1] == "closed with 4002 (private use) see you"


@posix
@pytest.mark.parametrize("key", ["\x04", "\x03"], ids=["Ctrl-D", "Ctrl-C"])
async def test_ctrl_d_and_ctrl_c_close_and_leave_the_terminal_as_it_was(key: str):
    import termios

    async with typing() as (terminal, connection):
        terminal.type(key)
        await connection.wait_closed()
        assert connection.close_code == 1000
        status, lines = await terminal.end()
        assert (status, lines[-1]) == (0, "closed with 1000 (OK)")
        assert terminal.screen.column == 0
        assert termios.tcgetattr(terminal.theirs) == terminal.settings


@posix
async def test_a_close_by_the_server_ends_it_amid_a_line():
    import termios

    async with typing() as (terminal, connection):
        terminal.type("half a li")
        await terminal.shows("> half a li")
        await connection.close(1001, "going")
        status, lines = await terminal.end()
        assert (status, lines[-1]) == (0, "closed with 1001 (going away) going")
        assert termios.tcgetattr(terminal.theirs) == terminal.settings


@posix
async def test_a_second_ctrl_c_does_not_wait_for_the_server():
    from tests.screen import Terminal

    closing, over = asyncio.Event(), asyncio.Event()

    async def answer(request: Any) -> Any:
        ws = aiohttp_web.WebSocketResponse(autoclose=False)
        await ws.prepare(request)
        await ws.send_str("ready")
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
        closing.set()
        await over.wait()
        return ws

    async with aiohttp_serving(answer) as uri, Terminal("aiohttp_ws", uri) as terminal:
        await terminal.shows("< ready", ">")
        terminal.type("\x03")
        await closing.wait()
        terminal.type("\x03")
        status, lines = await terminal.end()
        over.set()
    assert status == 1
    assert any(line.startswith("connection lost: sent 1000 (OK)") for line in lines)
