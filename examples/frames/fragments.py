"""Send a message in parts, put parts together: ``python examples/frames/fragments.py``.

The sender of a long message need not have all of it yet: each part is a frame, and the
last one says so. The frame API shows frames, so a program that wants messages puts them together.
"""

import asyncio
from collections.abc import Iterable

from aiohttp_ws import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSProtocolError,
    WSTransport,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)

# max_frame_size limits a frame, not a message: without this a peer could send parts forever.
MAX_MESSAGE = 1 << 20


class Messages(WSListener):
    """Override :meth:`on_message`."""

    def __init__(self) -> None:
        self._kind: WSMsgType | None = None
        self._parts = bytearray()

    def on_message(self, transport: WSTransport, kind: WSMsgType, payload: bytes) -> None:
        raise NotImplementedError

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        # Control frames may stand between the parts of a message, and are never parts.
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY) and frame.fin:
            # Most messages are one frame, and have nothing to wait for.
            self.on_message(transport, frame.msg_type, frame.get_payload_as_bytes())
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._add(transport, frame)

    def _add(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.CONTINUATION:
            self._kind = frame.msg_type
        if len(self._parts) + frame.payload_size > MAX_MESSAGE:
            # Ends the connection with this code and reason.
            raise WSProtocolError(
                WSCloseCode.MESSAGE_TOO_BIG, f"a message may have {MAX_MESSAGE} bytes"
            )
        self._parts += frame.get_payload_as_memoryview()
        if frame.fin:
            message, self._parts = bytes(self._parts), bytearray()
            assert self._kind is not None
            self.on_message(transport, self._kind, message)


def send_in_parts(transport: WSTransport, kind: WSMsgType, parts: Iterable[bytes]) -> None:
    """Send *parts* as one message, the last of them marked as such.

    One part is held back: only when there is another is it known not to be the last.
    """
    held = b""
    for index, part in enumerate(parts):
        if index:
            transport.send(kind, held, fin=False)
            kind = WSMsgType.CONTINUATION
        held = part
    transport.send(kind, held)


class Sizes(Messages):
    """Answers each message with its size, in two parts."""

    def on_message(self, transport: WSTransport, kind: WSMsgType, payload: bytes) -> None:
        send_in_parts(transport, WSMsgType.TEXT, [b"%d " % len(payload), b"bytes"])


class Answer(Messages):
    def __init__(self) -> None:
        super().__init__()
        self.text: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_message(self, transport: WSTransport, kind: WSMsgType, payload: bytes) -> None:
        self.text.set_result(payload.decode())
        transport.send_close(WSCloseCode.OK)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.text.done():
            self.text.set_exception(ConnectionError("the connection was closed without an answer"))


def listener_for(request: WSUpgradeRequest) -> WSListener:
    return Sizes()


async def serve(port: int = 0) -> asyncio.Server:
    return await ws_create_server(listener_for, "127.0.0.1", port)


async def ask(url: str, parts: Iterable[bytes]) -> str:
    """Send *parts* as one message; return the answer.

    :raises ConnectionError: the server closed instead.
    """
    answer = Answer()
    transport, _ = await ws_connect(lambda: answer, url)
    send_in_parts(transport, WSMsgType.BINARY, parts)
    await transport.wait_disconnected()
    return answer.text.result()


async def main() -> None:
    server = await serve()
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    print(await ask(url, (b"x" * 1000 for _ in range(10))))
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
