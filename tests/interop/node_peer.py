"""Node's ws library, in a process of its own that talks in lines of JSON."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.interop.talk import Closing, Link, Message, Opened, Server, Setting, soon
from tests.peers import NODE_FOLDER, require

# A line holds a message of 16 MiB as base64.
LINE_LIMIT = 128 * 1024 * 1024


class Node:
    """The process; :meth:`next` gives its next event of a kind, in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def run(cls, side: str, options: dict[str, Any]) -> AsyncIterator["Node"]:
        require("node-ws")
        process = await asyncio.create_subprocess_exec(
            require("node"),
            str(NODE_FOLDER / "peer.js"),
            side,
            json.dumps(options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
        )
        try:
            yield cls(process)
        finally:
            if process.returncode is None:
                process.kill()
            # Reads what is left of the pipes, so that the loop can close them.
            await process.communicate()

    async def tell(self, command: str, **facts: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **facts}).encode() + b"\n")
        await self._process.stdin.drain()

    async def event(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise EOFError("the Node process ended; its messages are on standard error")
        event: dict[str, Any] = json.loads(line)
        return event

    async def next(self, kind: str) -> dict[str, Any]:
        event = await soon(self.event())
        assert event["event"] == kind, event
        return event


def opened(event: dict[str, Any]) -> Opened:
    extensions = event["extensions"]
    return Opened(event["subprotocol"] or None, "permessage-deflate" in extensions)


def closing(event: dict[str, Any]) -> Closing:
    return Closing(event["code"], event["reason"])


class NodeLink:
    def __init__(self, node: Node, opened: Opened) -> None:
        self._node = node
        self.opened = opened

    async def _send(self, message: Message, fin: bool) -> None:
        payload = message.encode() if isinstance(message, str) else message
        data = base64.b64encode(payload).decode()
        await self._node.tell("send", data=data, binary=isinstance(message, bytes), fin=fin)

    async def send(self, message: Message) -> None:
        await self._send(message, fin=True)

    async def send_fragments(self, fragments: Sequence[str]) -> None:
        for fragment in fragments[:-1]:
            await self._send(fragment, fin=False)
        await self._send(fragments[-1], fin=True)

    async def receive(self) -> Message:
        event = await self._node.next("message")
        data = base64.b64decode(event["data"])
        return data if event["binary"] else data.decode()

    async def ping(self, data: str) -> None:
        await self._node.tell("ping", data=data)
        assert (await self._node.next("pong"))["data"] == data

    async def close(self, code: int, reason: str) -> Closing:
        await self._node.tell("close", code=code, reason=reason)
        return await self.closed()

    async def closed(self) -> Closing:
        return closing(await self._node.next("close"))


@asynccontextmanager
async def connect(url: str, setting: Setting) -> AsyncIterator[Link]:
    options = {
        "url": url,
        "compress": setting.compress,
        "subprotocols": list(setting.subprotocols),
        "ca": setting.tls and setting.tls.authority,
    }
    async with Node.run("client", options) as node:
        yield NodeLink(node, opened(await node.next("open")))


@asynccontextmanager
async def serve(setting: Setting) -> AsyncIterator[Server]:
    options = {
        "compress": setting.compress,
        "subprotocols": list(setting.subprotocols),
        "cert": setting.tls and setting.tls.certificate,
        "key": setting.tls and setting.tls.key,
    }

    async def listen_to(node: Node, server: Server) -> None:
        while True:
            event = await node.event()
            if event["event"] == "open":
                server.opened.put_nowait(opened(event))
            elif event["event"] == "close":
                server.closings.put_nowait(closing(event))

    async with Node.run("server", options) as node:
        server = Server(setting.url((await node.next("listening"))["port"]))
        listening = asyncio.create_task(listen_to(node, server))
        try:
            yield server
        finally:
            listening.cancel()
            await asyncio.wait([listening])
