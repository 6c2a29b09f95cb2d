"""Find a peer that is gone: ``python examples/frames/auto_ping.py``.

TCP does not tell when a cable is cut or a machine loses its power: a connection that only
receives would wait forever. So ask now and then, and hang up when nothing answers.
"""

import asyncio
import json
from typing import Any

from aiohttp_ws import (
    WSAutoPingStrategy,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)

# Ping when nothing has come for a while. What does come is proof enough that the peer lives:
# a busy connection is never pinged.
WHEN_IDLE = {"enable_auto_ping": True, "auto_ping_strategy": WSAutoPingStrategy.PING_WHEN_IDLE}
# Ping in any case: where a service drops clients that do not, or a router in between forgets
# connections on which nothing is sent.
PERIODICALLY = {
    "enable_auto_ping": True,
    "auto_ping_strategy": WSAutoPingStrategy.PING_PERIODICALLY,
}


class JsonPings(WSListener):
    """For a service that has pings of its own: ``{"op": "ping"}`` and ``{"op": "pong"}``."""

    def send_user_specific_ping(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, b'{"op": "ping"}')

    def is_user_specific_pong(self, frame: WSFrame) -> bool:
        # Asked for every frame while a pong is missing. It does not come to on_ws_frame then.
        # Where telling is expensive, return False here, and in on_ws_frame, which parses the
        # message in any case, call transport.notify_user_specific_pong_received().
        return (
            frame.msg_type == WSMsgType.TEXT
            and json.loads(frame.get_payload_as_memoryview().tobytes()).get("op") == "pong"
        )


class Peer(WSListener):
    """Answers *pongs* pings of either kind, and then no more, as a machine without power."""

    def __init__(self, pongs: int) -> None:
        self.pongs = pongs
        self.pings: list[str] = []

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.PING:
            self.pings.append("ping frame")
            if len(self.pings) <= self.pongs:
                transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.TEXT:
            self.pings.append(frame.get_payload_as_utf8_text())
            if len(self.pings) <= self.pongs:
                transport.send(WSMsgType.TEXT, b'{"op": "pong"}')
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()


async def serve(peer: Peer, port: int = 0) -> asyncio.Server:
    def listener_for(request: WSUpgradeRequest) -> WSListener:
        return peer

    # Pings are answered by the engine, as they should be, unless the listener wants to.
    return await ws_create_server(listener_for, "127.0.0.1", port, enable_auto_pong=False)


async def watch(url: str, listener: WSListener, period: float, options: dict[str, Any]) -> None:
    """Return when the peer does not answer any more."""
    transport, _ = await ws_connect(
        lambda: listener,
        url,
        auto_ping_idle_timeout=period,
        auto_ping_reply_timeout=period,
        **options,
    )
    # Neither the peer nor this program did anything wrong: nothing is raised.
    await transport.wait_disconnected()


async def main() -> None:
    for name, listener, options in (
        ("when idle", WSListener(), WHEN_IDLE),
        ("periodically", WSListener(), PERIODICALLY),
        ("in JSON", JsonPings(), WHEN_IDLE),
    ):
        peer = Peer(pongs=2)
        server = await serve(peer)
        await watch(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", listener, 0.1, options)
        print(f"{name}: {', '.join(peer.pings)}, then given up")
        server.close()


if __name__ == "__main__":
    asyncio.run(main())
