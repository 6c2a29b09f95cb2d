"""What the tests say to every peer, whatever library or language it is."""

import asyncio
import ssl
from collections.abc import Awaitable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from tests.peers import import_peer

Message = str | bytes
T = TypeVar("T")

# A peer that has said nothing for this long will not: the test fails instead of hanging.
PATIENCE = 60.0
MAX_SIZE = 64 * 1024 * 1024


async def soon(awaitable: Awaitable[T]) -> T:
    return await asyncio.wait_for(awaitable, PATIENCE)


@dataclass(frozen=True)
class Closing:
    """What one end was told when the connection closed."""

    code: int | None
    reason: str


@dataclass(frozen=True)
class Tls:
    """A certificate for 127.0.0.1 and the authority that signed it."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    authority: str
    certificate: str
    key: str

    @classmethod
    def make(cls, folder: str) -> "Tls":
        authority = import_peer("trustme").CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client = ssl.create_default_context()
        issued.configure_cert(server)
        authority.configure_trust(client)
        paths = [f"{folder}/{name}.pem" for name in ("authority", "certificate", "key")]
        authority.cert_pem.write_to_path(paths[0])
        issued.cert_chain_pems[0].write_to_path(paths[1])
        issued.private_key_pem.write_to_path(paths[2])
        return cls(server, client, *paths)


@dataclass(frozen=True)
class Setting:
    """How the two ends are set up."""

    compress: bool = False
    tls: Tls | None = None
    subprotocols: Sequence[str] = ()
    # aiohttp's interface shows pongs to those who answer pings themselves.
    watch_pongs: bool = False

    def url(self, port: int) -> str:
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{port}/"


@dataclass
class Opened:
    """What an end says was negotiated."""

    subprotocol: str | None
    compressed: bool


class Link(Protocol):
    """A client's end of a connection."""

    opened: Opened

    async def send(self, message: Message) -> None: ...

    async def send_fragments(self, fragments: Sequence[str]) -> None: ...

    async def receive(self) -> Message: ...

    async def ping(self, data: str) -> None:
        """Send a ping and wait for its pong."""

    async def close(self, code: int, reason: str) -> Closing:
        """Close, and return what the server answered."""

    async def closed(self) -> Closing:
        """Wait for the server to close, and return what it said."""


@dataclass
class Server:
    """A running server, and what it has to tell.

    It echoes each message, but closes on ``close CODE REASON`` and answers ``fragments`` with
    a message in three frames (``three ``, ``""``, ``fragments``) where it can.
    """

    url: str
    opened: "asyncio.Queue[Opened]" = field(default_factory=asyncio.Queue)
    closings: "asyncio.Queue[Closing]" = field(default_factory=asyncio.Queue)


class Connect(Protocol):
    def __call__(self, url: str, setting: Setting) -> AbstractAsyncContextManager[Link]: ...


class Serve(Protocol):
    def __call__(self, setting: Setting) -> AbstractAsyncContextManager[Server]: ...


def asked_to_close(message: Message) -> Closing | None:
    """Return the code and reason of ``close CODE REASON``, None for any other message."""
    if not isinstance(message, str) or not message.startswith("close "):
        return None
    _, code, reason = message[:200].split(" ", 2)
    return Closing(int(code), reason)
