"""Time the answers of ``echo_server.py``: ``python examples/frames/echo_client.py [URL]``."""

import asyncio
import statistics
import sys
import time

from aiohttp_ws import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)


class Timer(WSListener):
    """Sends a message when the last has come back, until it has seen *rounds* of them."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.seconds: list[float] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.send(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            # No task is woken between the frame and the answer to it: that is what the frame
            # API is for.
            self.seconds.append(time.perf_counter() - self.sent)
            if len(self.seconds) < self.rounds:
                self.send(transport)
            else:
                transport.send_close(WSCloseCode.OK)

    def send(self, transport: WSTransport) -> None:
        self.sent = time.perf_counter()
        transport.send(WSMsgType.TEXT, b"hello")


async def measure(url: str, rounds: int = 10_000) -> list[float]:
    """How many seconds each of *rounds* messages took to the server and back."""
    timer = Timer(rounds)
    transport, _ = await ws_connect(lambda: timer, url)
    # Raises what on_ws_frame has raised, if it has.
    await transport.wait_disconnected()
    return timer.seconds


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8080/"
    try:
        seconds = asyncio.run(measure(url))
    except (OSError, WSError, asyncio.TimeoutError) as error:
        sys.exit(f"cannot connect to {url}: {error}")
    print(f"{len(seconds)} round trips, median {statistics.median(seconds) * 1e6:.0f} us")
