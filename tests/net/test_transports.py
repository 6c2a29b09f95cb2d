"""Who makes a transport, and what of aiofastnet is worked around."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from aiohttp_ws import ClientSession, TCPConnector, UnixConnector, web
from aiohttp_ws.net import aiofastnet_fixes
from aiohttp_ws.net.transports import create_connection, create_server, uses_aiofastnet

aiofastnet = pytest.importorskip("aiofastnet")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the loop's own are the default")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serving(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", "xn--bcher-kva.example").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
async def reports() -> AsyncIterator[list[dict[str, Any]]]:
    """What the loop's exception handler is told."""
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    yield told
    loop.set_exception_handler(None)


class Reader(asyncio.BufferedProtocol):
    """Reads 16 bytes at a time, and no more after the first time until it is told to."""

    def __init__(self) -> None:
        self.buffer = bytearray(16)
        self.received = b""
        self.paused = asyncio.Event()
        self.changed = asyncio.Event()
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.received += self.buffer[:nbytes]
        self.changed.set()
        if not self.paused.is_set():
            self.paused.set()
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)

    async def wait_for(self, size: int) -> None:
        while len(self.received) < size:
            self.changed.clear()
            await self.changed.wait()


# -------------------------------------------------------------------------- the choice


@pytest.mark.skipif(aiofastnet.OPENSSL_DYN_LIBS is None, reason="this Python has OpenSSL inside")
def test_tls_is_aiofastnets_and_plain_is_the_loops(serving: ssl.SSLContext) -> None:
    assert uses_aiofastnet(None, serving)
    assert uses_aiofastnet(None, None, serving)
    assert not uses_aiofastnet(None, None)
    assert not uses_aiofastnet(False, serving)
    assert uses_aiofastnet(True, None)


def test_a_python_without_openssls_libraries_stays_with_the_loop(
    serving: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiofastnet, "OPENSSL_DYN_LIBS", None)
    assert not uses_aiofastnet(None, serving)
    assert uses_aiofastnet(True, serving)


class OwnContext(ssl.SSLContext):
    """As truststore has it."""


class OwnObject(ssl.SSLObject):
    """What a program wants to wrap connections in."""


def with_sni() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda *args: None
    return context


def with_keys(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.keylog_filename = str(folder / "keys")
    return context


def with_messages() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context._msg_callback = lambda *args: None  # type: ignore[attr-defined]
    return context


def with_objects() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslobject_class = OwnObject
    return context


def test_contexts_that_call_back_into_python_stay_with_the_loop(tmp_path: Path) -> None:
    contexts = {
        "sni_callback": with_sni(),
        "keylog_filename": with_keys(tmp_path),
        "_msg_callback": with_messages(),
        "sslobject_class": with_objects(),
        "subclass": OwnContext(ssl.PROTOCOL_TLS_CLIENT),
    }
    for name, context in contexts.items():
        assert not uses_aiofastnet(None, context)
        assert not uses_aiofastnet(False, context)
        with pytest.raises(ValueError, match=name):
            uses_aiofastnet(True, context)


async def test_a_certificate_is_chosen_by_name(
    authority: trustme.CA, serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(other)

    def choose(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        if name == "other.example":
            connection.context = other

    serving.sni_callback = choose
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving)
        await site.start()
        async with ClientSession() as session:
            for name in ("localhost", "other.example"):
                url = f"https://127.0.0.1:{site.port}/"
                async with session.get(url, ssl=trusting, server_hostname=name) as response:
                    assert response.status == 404
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("fast", [False, True])
async def test_a_name_beyond_ascii_is_verified(
    serving: ssl.SSLContext, trusting: ssl.SSLContext, fast: bool
) -> None:
    loop = asyncio.get_running_loop()
    async with await create_server(loop, True, asyncio.Protocol, "127.0.0.1", 0, ssl=serving) as on:
        host, port = on.sockets[0].getsockname()
        transport, _ = await create_connection(
            loop, fast, Reader, host, port, ssl=trusting, server_hostname="b\u00fccher.example"
        )  # Raises when the certificate is not for this name.
        assert transport.get_extra_info("peercert")
        transport.abort()


@pytest.mark.parametrize("fast", [False, True])
async def test_a_file_goes_over_every_transport(tmp_path: Path, fast: bool) -> None:
    content = bytes(range(256)) * 4096
    (tmp_path / "big.bin").write_bytes(content)
    app = web.Application()
    app.router.add_static("/", tmp_path)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        tcp = web.TCPSite(runner, "127.0.0.1", 0, use_aiofastnet=fast)
        await tcp.start()
        path = str(tmp_path / "socket")
        await web.UnixSite(runner, path, use_aiofastnet=fast).start()
        bound = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, bound, use_aiofastnet=fast).start()
        connector = UnixConnector(path, use_aiofastnet=fast)
        async with (
            ClientSession(connector=connector) as session,
            session.get("http://localhost/big.bin") as response,
        ):
            assert await response.read() == content
        connector = TCPConnector(use_aiofastnet=fast)
        async with ClientSession(connector=connector) as session:
            for port in (tcp.port, bound.getsockname()[1]):
                async with session.get(f"http://127.0.0.1:{port}/big.bin") as response:
                    assert await response.read() == content
    finally:
        await runner.cleanup()


# ------------------------------------------------------------------ what is worked around


@pytest.mark.parametrize("engine", ["OpenSSL", "ssl module"])
@pytest.mark.parametrize("ending", ["stays", "closes"])
async def test_what_was_read_before_a_pause_comes_after_it(
    serving: ssl.SSLContext, trusting: ssl.SSLContext, ending: str, engine: str
) -> None:
    if engine == "ssl module":
        serving._aiofastnet_force_fallback_ssl = True  # type: ignore[attr-defined]
    made: list[Reader] = []

    def reader() -> Reader:
        made.append(Reader())
        return made[-1]

    loop = asyncio.get_running_loop()
    async with await create_server(loop, True, reader, "127.0.0.1", 0, ssl=serving) as server:
        host, port = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(host, port, ssl=trusting)
        writer.write(b"x" * 1000)
        if ending == "closes":
            writer.close()
        await made[0].paused.wait()
        assert made[0].received == b"x" * 16
        made[0].transport.resume_reading()
        await asyncio.wait_for(made[0].wait_for(1000), 30)
        writer.transport.abort()
        await made[0].lost


async def test_a_pause_and_resumption_in_one_turn_lose_nothing(
    serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    class Fickle(Reader):
        def buffer_updated(self, nbytes: int) -> None:
            super().buffer_updated(nbytes)
            for _ in range(3):
                self.transport.pause_reading()
                self.transport.resume_reading()

    loop = asyncio.get_running_loop()
    made: list[Fickle] = []

    def fickle() -> Fickle:
        made.append(Fickle())
        return made[-1]

    async with await create_server(loop, True, fickle, "127.0.0.1", 0, ssl=serving) as server:
        host, port = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(host, port, ssl=trusting)
        data = bytes(range(256)) * 200
        writer.write(data)
        await writer.drain()
        await made[0].wait_for(len(data))
        assert made[0].received == data
        writer.transport.abort()
        await made[0].lost


async def test_a_client_that_leaves_during_the_tls_handshake_is_not_reported(
    serving: ssl.SSLContext, reports: list[dict[str, Any]]
) -> None:
    made: list[Reader] = []
    loop = asyncio.get_running_loop()

    class Waiting(Reader):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)
            arrived.set()

    arrived = asyncio.Event()
    async with await create_server(loop, True, Waiting, "127.0.0.1", 0, ssl=serving) as server:
        for said in (b"", b"GET / HTTP/1.1\r\n\r\n"):
            with socket.create_connection(server.sockets[0].getsockname()) as client:
                client.sendall(said)
                await arrived.wait()
                arrived.clear()
                client.shutdown(socket.SHUT_WR)
                client.setblocking(False)
                while True:
                    answer = await loop.sock_recv(client, 100)
                    if not answer:
                        break
    assert len(made) == 2
    assert reports == []


async def test_a_server_without_descriptors_rests(
    monkeypatch: pytest.MonkeyPatch, reports: list[dict[str, Any]]
) -> None:
    asked = 0
    exhausted = True

    class Listening(socket.socket):
        def accept(self) -> Any:
            nonlocal asked
            asked += 1
            if exhausted:
                raise OSError(errno.EMFILE, "Too many open files")
            accepted.set()
            return super().accept()

    accepted = asyncio.Event()

    rests = aiofastnet_fixes.PatchedLoop._rest

    def rest(self: Any, fd: int) -> None:
        rests(self, fd)
        rested.set()

    rested = asyncio.Event()
    monkeypatch.setattr(aiofastnet_fixes.PatchedLoop, "_rest", rest)
    monkeypatch.setattr(aiofastnet_fixes, "REST", 0.01)
    listening = Listening()
    listening.bind(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    async with await create_server(loop, True, asyncio.Protocol, sock=listening) as server:
        connecting = asyncio.ensure_future(
            loop.create_connection(asyncio.Protocol, *listening.getsockname())
        )
        await rested.wait()
        transport, _ = await connecting
        assert len(reports) == asked
        assert {report["message"] for report in reports} == {
            "socket.accept() out of system resource"
        }
        exhausted = False
        _, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"hello")
        await accepted.wait()
        transport.abort()
        writer.transport.abort()
        assert server.is_serving()
    assert len(reports) < asked
