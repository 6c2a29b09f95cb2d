"""Both ends at the frame API: ``ws_create_server`` and ``ws_connect``, and a listener that echoes.

The API hands out frames: what makes messages of them is the listener, as in a user's program.
"""

from aiohttp_ws import WSCloseCode, WSListener, WSMsgType, WSProtocolError

DATA = (WSMsgType.TEXT, WSMsgType.BINARY)
# check_utf8: text is to fail at its first bad byte, also within a frame.
OPTIONS = {"compression": "deflate", "max_frame_size": 0, "check_utf8": True}


class Messages(WSListener):
    """Assembles messages; answers the peer's close frame."""

    def __init__(self) -> None:
        self.type: WSMsgType | None = None
        self.parts: list[bytes] = []

    def on_ws_frame(self, transport, frame) -> None:
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            # RFC 6455 5.2: no extension that was negotiated uses them.
            raise WSProtocolError(WSCloseCode.PROTOCOL_ERROR, "reserved bits without an extension")
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
            return
        if frame.msg_type == WSMsgType.PONG:
            return
        if frame.msg_type in DATA:
            self.type = frame.msg_type
        self.parts.append(frame.get_payload_as_bytes())
        if frame.fin:
            data = b"".join(self.parts)
            self.parts.clear()
            self.on_message(transport, data.decode() if self.type is WSMsgType.TEXT else data)

    def on_message(self, transport, message: str | bytes) -> None:
        """A message has come."""


class Echo(Messages):
    def on_message(self, transport, message: str | bytes) -> None:
        transport.send(self.type, message)


class First(Messages):
    """Keeps the first message."""

    message: str | bytes | None = None

    def on_message(self, transport, message: str | bytes) -> None:
        if self.message is None:
            self.message = message


async def serve(library, port: int) -> None:
    server = await library.ws_create_server(lambda request: Echo(), "127.0.0.1", port, **OPTIONS)
    async with server:
        await server.serve_forever()


async def echo(library, url: str) -> None:
    await until_closed(library, Echo, url)


async def first_message(library, url: str) -> str | None:
    """The first message of a connection; ``None`` where it is closed without one."""
    return (await until_closed(library, First, url)).message


async def until_closed(library, listener, url: str):
    # The suite may be busy with its reports.
    transport, listener = await library.ws_connect(
        listener, url, websocket_handshake_timeout=60, **OPTIONS
    )
    try:
        await transport.wait_disconnected()
    except WSProtocolError as exc:
        print(f"  {url}: {exc}")  # the suite sees it in our close frame
    return listener
