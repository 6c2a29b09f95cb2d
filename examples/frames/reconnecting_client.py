"""Stay connected: ``python examples/frames/reconnecting_client.py [URL]``.

Start it, then start, stop and start ``echo_server.py``.
"""

import asyncio
import random
import sys
from collections.abc import Callable

from aiohttp_ws import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

# Not what a further attempt could mend: a URL that is none, or an exception of the program.
FAILURES = (WSError, OSError, asyncio.TimeoutError)


async def stay_connected(
    make_listener: Callable[[], WSListener],
    url: str,
    *,
    first: float = 0.5,
    most: float = 30.0,
    say: Callable[[str], object] = print,
) -> None:
    """Connect, and connect again whenever the connection is lost, until cancelled.

    :param make_listener: makes a listener a connection: none inherits the state of the last.
    :param first: seconds until the second attempt; doubled for each further one.
    :param most: seconds that it never exceeds.
    """
    wait = first
    while True:
        try:
            transport, _ = await ws_connect(
                make_listener,
                url,
                # A connection that died without a word is lost as well.
                enable_auto_ping=True,
            )
            say(f"connected to {url}")
            wait = first
            try:
                await transport.wait_disconnected()
            finally:
                # Cancelled, or a failure in the listener: say goodbye. Does nothing otherwise.
                transport.send_close(WSCloseCode.GOING_AWAY)
                transport.disconnect()
            say("disconnected")
        except FAILURES as error:
            say(f"failed: {error}")
        # Somewhere between half of it and all: when a server restarts, its clients do not
        # all come at the same moment.
        await asyncio.sleep(wait * random.uniform(0.5, 1))
        wait = min(wait * 2, most)


class Greeter(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, b"hello")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            print(frame.get_payload_as_utf8_text(), flush=True)


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8080/"
    try:
        asyncio.run(stay_connected(Greeter, url, say=lambda text: print(text, flush=True)))
    except KeyboardInterrupt:
        pass
