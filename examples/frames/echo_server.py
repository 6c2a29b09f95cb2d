"""Echo every frame: ``python examples/frames/echo_server.py``, then ``echo_client.py``."""

import asyncio
import os

from aiohttp_ws import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)


class Echo(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            # Closing is the listener's business: answer with the same code, then hang up.
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            # The view needs no copy: send() has taken what it needs of it when it returns, and
            # the frame's memory is lent for as long as this method runs. A fragment goes back
            # as a fragment: fin says whether it was the last of its message.
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), fin=frame.fin)


def listener_for(request: WSUpgradeRequest) -> WSListener:
    """Called for each connection: what it returns listens to that one."""
    return Echo()


async def serve(port: int) -> asyncio.Server:
    return await ws_create_server(listener_for, "127.0.0.1", port)


async def main() -> None:
    server = await serve(int(os.environ.get("PORT", "8080")))
    print(f"running on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
