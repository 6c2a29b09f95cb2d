"""Proxies of every kind that this library can ask, in this process and on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from base64 import b64encode
from types import TracebackType

# A name that no resolver knows: who reaches it let the proxy resolve it.
FAR = "server.test"


class Listener:
    """A server on 127.0.0.1 that counts what it has met.

    :ivar met: set when a client has connected.
    :ivar left: set when a client has gone.
    """

    scheme = "ws"

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.met = asyncio.Event()
        self.left = asyncio.Event()
        self.peers: list[tuple[str, int]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.tasks: list[asyncio.Task[None] | None] = []

    async def __aenter__(self) -> Listener:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.context)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.gather(*self.tasks)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.append(asyncio.current_task())
        self.writers.append(writer)
        self.peers.append(writer.get_extra_info("peername"))
        self.met.set()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self.talk(reader, writer)
        self.left.set()
        writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Echo."""
        await copy(reader, writer)


class Silent(Listener):
    """Reads, and says nothing."""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(10000):
        writer.write(data)
        await writer.drain()


class Proxy(Listener):
    """What all proxies share.

    :param login: the user and the password to insist on.
    :param answer: bytes to answer the first request with, in place of an answer; in pieces
        when it is a list.
    :ivar asked: the hosts and ports that clients asked for.
    """

    def __init__(
        self,
        login: tuple[str, str] | None = None,
        *,
        answer: bytes | list[bytes] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(context)
        self.login = login
        self.answer = [answer] if isinstance(answer, bytes) else answer
        self.asked: list[tuple[str, int]] = []

    @property
    def with_login(self) -> str:
        """The URL with the login in it, percent-encoded to the last letter."""
        assert self.login is not None
        user, password = ("".join(f"%{byte:02x}" for byte in each.encode()) for each in self.login)
        return self.url.replace("://", f"://{user}:{password}@")

    async def say(self, writer: asyncio.StreamWriter) -> None:
        assert self.answer is not None
        for piece in self.answer:
            writer.write(piece)
            await writer.drain()

    async def relay(
        self,
        host: str,
        port: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        welcome: bytes,
    ) -> None:
        self.asked.append((host, port))
        there, back = await asyncio.open_connection("127.0.0.1" if host == FAR else host, port)
        self.writers.append(back)
        writer.write(welcome)

        async def answer() -> None:
            await copy(there, writer)
            writer.close()

        other_way = asyncio.ensure_future(answer())
        try:
            await copy(reader, back)
        finally:
            other_way.cancel()
            back.transport.abort()


class HTTPProxy(Proxy):
    scheme = "http"
    welcome = b"HTTP/1.1 200 Connection established\r\n\r\n"

    def __init__(
        self,
        login: tuple[str, str] | None = None,
        *,
        answer: bytes | list[bytes] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(login, answer=answer, context=context)
        self.forwarded: list[str] = []
        self.heads: list[bytes] = []
        if context is not None:
            self.scheme = "https"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = await reader.readuntil(b"\r\n\r\n")
        if self.answer is not None:
            return await self.say(writer)
        line, *fields = self.head.decode().split("\r\n")
        method, target, version = line.split(" ")
        assert version == "HTTP/1.1"
        if method == "CONNECT":
            assert f"Host: {target}" in fields
        if self.login is not None:
            token = b64encode(":".join(self.login).encode()).decode()
            if f"Proxy-Authorization: Basic {token}" not in fields:
                writer.write(
                    b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n"
                    b"Content-Length: 4\r\n\r\nwho?"
                )
                return None
        if method != "CONNECT":
            return await self.forward(target, reader, writer)
        host, _, port = target.rpartition(":")
        return await self.relay(host.strip("[]"), int(port), reader, writer, self.welcome)

    async def forward(
        self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Send requests that name their server whole on to it (RFC 9112 3.2.2)."""
        while True:
            self.forwarded.append(target)
            self.heads.append(self.head)
            scheme, _, host, *path = target.split("/", 3)
            assert scheme == "http:"
            name, _, port = host.rpartition(":")
            there, back = await asyncio.open_connection(
                "127.0.0.1" if name == FAR else name.strip("[]"), int(port)
            )
            self.writers.append(back)
            line, _, fields = self.head.partition(b"\r\n")
            method = line.split(b" ")[0]
            back.write(b"%b /%b HTTP/1.1\r\n" % (method, "".join(path).encode()))
            back.write(fields.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answer = await there.readuntil(b"\r\n\r\n")
            writer.write(answer.replace(b"Connection: close\r\n", b"") + await there.read())
            back.close()
            self.head = await reader.readuntil(b"\r\n\r\n")
            target = self.head.split(b" ")[1].decode()


class SOCKS4Proxy(Proxy):
    """SOCKS4, and 4a: names in place of addresses."""

    scheme = "socks4"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, command, port, *address = struct.unpack("!BBH4B", await reader.readexactly(8))
        assert (version, command) == (4, 1)
        user = (await reader.readuntil(b"\0"))[:-1].decode()
        host = ".".join(map(str, address))
        if host.startswith("0.0.0."):
            host = (await reader.readuntil(b"\0"))[:-1].decode()
        if self.answer is not None:
            return await self.say(writer)
        if self.login is not None and user != self.login[0]:
            writer.write(b"\0\x5d" + bytes(6))
            return None
        return await self.relay(host, port, reader, writer, b"\0\x5a" + bytes(6))


class SOCKS5Proxy(Proxy):
    """SOCKS5 (RFC 1928), with user and password (RFC 1929)."""

    scheme = "socks5"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, methods = await reader.readexactly(2)
        assert version == 5
        offered = await reader.readexactly(methods)
        if self.answer is not None:
            return await self.say(writer)
        method = 0 if self.login is None else 2
        if method not in offered:
            writer.write(b"\x05\xff")
            return None
        writer.write(bytes([5, method]))
        if self.login is not None:
            await reader.readexactly(1)
            user = await reader.readexactly((await reader.readexactly(1))[0])
            password = await reader.readexactly((await reader.readexactly(1))[0])
            right = (user.decode(), password.decode()) == self.login
            writer.write(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return None
        _, _, _, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            assert kind == 1
            host = ".".join(map(str, await reader.readexactly(4)))
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        return await self.relay(host, port, reader, writer, b"\x05\0\0\x01" + bytes(6))
