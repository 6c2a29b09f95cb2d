"""Negotiate a subprotocol: ``python examples/frames/subprotocol.py``.

A client offers the languages that it speaks; the server picks one of them, or refuses.
"""

import asyncio
import json

from aiohttp_ws import (
    WSCloseCode,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_connect,
    ws_create_server,
)


class JsonSum(WSListener):
    """Answers ``[1, 2]`` with ``{"sum": 3}``."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            transport.send(WSMsgType.TEXT, self.answer(frame.get_payload_as_utf8_text()).encode())

    def answer(self, text: str) -> str:
        return json.dumps({"sum": sum(json.loads(text))})


class PlainSum(JsonSum):
    """Answers ``1 2`` with ``3``."""

    def answer(self, text: str) -> str:
        return str(sum(map(int, text.split())))


# In the order in which the server prefers them.
SPEAKERS: dict[str, type[WSListener]] = {
    "sum.v2.json": JsonSum,
    "sum.v1.plain": PlainSum,
}


def listener_for(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
    # The header may stand there more than once, and each may list several (RFC 6455 4.1).
    offers = ", ".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    offered = {name.strip() for name in offers.split(",")}
    for name, speaker in SPEAKERS.items():
        if name in offered:
            return WSUpgradeResponseWithListener(
                WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": name}),
                speaker(),
            )
    # Accepting without one is allowed as well: it leaves the client to guess.
    known = ", ".join(SPEAKERS)
    return WSUpgradeResponseWithListener(
        WSUpgradeResponse.create_error_response(400, f"speak one of {known}\n".encode()), None
    )


async def serve(port: int = 0) -> asyncio.Server:
    return await ws_create_server(listener_for, "127.0.0.1", port)


class Question(WSListener):
    """Asks in the negotiated language."""

    def __init__(self, request: WSUpgradeRequest, response: WSUpgradeResponse) -> None:
        # A client's factory that takes two arguments is given both messages of the opening
        # handshake, before any frame.
        self.spoken = response.headers.get("Sec-WebSocket-Protocol")
        self.answer = ""

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, b"[1, 2]" if self.spoken == "sum.v2.json" else b"1 2")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        else:
            self.answer = frame.get_payload_as_utf8_text()
            transport.send_close(WSCloseCode.OK)


async def ask(url: str, *offers: str) -> tuple[str | None, str]:
    """Return the subprotocol that was negotiated, and the answer.

    :raises WSHandshakeError: the server speaks none of *offers*.
    """
    headers = {"Sec-WebSocket-Protocol": ", ".join(offers)} if offers else None
    transport, question = await ws_connect(Question, url, extra_headers=headers)
    assert isinstance(question, Question)
    await transport.wait_disconnected()
    return question.spoken, question.answer


async def main() -> None:
    server = await serve()
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    print(*await ask(url, "sum.v1.plain", "sum.v2.json"))
    print(*await ask(url, "sum.v1.plain"))
    try:
        await ask(url, "difference")
    except WSHandshakeError as error:
        print(error)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
