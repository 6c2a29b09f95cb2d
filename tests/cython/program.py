"""What test_installed_wheel.py runs in the fresh environment: ``python program.py CASE``.

The compiled module ``listeners`` is beside it; the peers come from the environment of the tests.
"""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import listeners

import aiohttp_ws
from aiohttp_ws import WSCloseCode, WSMsgType, ws_connect, ws_create_server

PAYLOADS = [b"", b"a", b"b" * 125, b"c" * 126, b"d" * 5000, b"e" * 70_000, b"f" * 1_000_000]


async def served(factory: Callable[[Any], Any]) -> tuple[Any, str]:
    server = await ws_create_server(factory, "127.0.0.1", 0)
    return server, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def talk(url: str) -> None:
    """Use an echo server at *url* as the library websockets does."""
    from websockets import connect

    async with connect(url, compression=None, max_size=None) as ws:
        await ws.send("text")
        assert await ws.recv() == "text"
        for payload in PAYLOADS:
            await ws.send(payload)
            assert await ws.recv() == payload
        await ws.send(["fragment ", "by ", "fragment"])
        assert await ws.recv() == "fragment by fragment"
        await (await ws.ping(b"there?"))


async def serve_websockets() -> None:
    """A compiled listener serves the library websockets."""
    echo = listeners.Echo()
    server, url = await served(lambda request: echo)
    await talk(url)
    await echo.gone.wait()
    server.close()
    assert (echo.connected, echo.disconnected) == (1, 1)
    assert [kind for kind, *_ in echo.seen[:2]] == [WSMsgType.TEXT, WSMsgType.BINARY]
    assert echo.seen[0] == (1, b"text", True, 0, True)
    assert [payload for _, payload, *_ in echo.seen[1:8]] == PAYLOADS
    assert [(kind, fin) for kind, _, fin, *_ in echo.seen[8:-1]] == [
        (WSMsgType.TEXT, False),
        (WSMsgType.CONTINUATION, False),
        (WSMsgType.CONTINUATION, False),
        (WSMsgType.CONTINUATION, True),
    ]
    assert echo.seen[-1][0] == WSMsgType.CLOSE


async def serve_picows() -> None:
    """A compiled listener serves picows, which sends frames that arrive in one read."""
    import picows

    answers = []

    class Client(picows.WSListener):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type == picows.WSMsgType.CLOSE:
                transport.disconnect()
                return
            answers.append(frame.get_payload_as_bytes())
            if len(answers) == 3:
                transport.send_close(picows.WSCloseCode.OK)

    echo = listeners.Echo()
    server, url = await served(lambda request: echo)
    transport, _ = await picows.ws_connect(Client, url)
    # One write, and so one read: the others come after the first.
    transport.underlying_transport.write(
        b"\x81\x81\x00\x00\x00\x00a" + b"\x82\x82\x00\x00\x00\x00bc" + b"\x82\x80\x00\x00\x00\x00"
    )
    await transport.wait_disconnected()
    server.close()
    assert answers == [b"a", b"bc", b""]
    assert echo.seen[:3] == [
        (1, b"a", True, 14, False),
        (2, b"bc", True, 6, False),
        (2, b"", True, 0, True),
    ]


async def call_picows() -> None:
    """A compiled client talks to a server of picows."""
    import picows

    class Server(picows.WSListener):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type == picows.WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
                transport.disconnect()
            else:
                transport.send(frame.msg_type, frame.get_payload_as_bytes())

    server = await picows.ws_create_server(lambda request: Server(), "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    transport, caller = await ws_connect(lambda: listeners.Caller(PAYLOADS), url)
    await caller.done
    server.close()
    assert caller.answers == PAYLOADS
    assert transport.close_handshake.sent.code is WSCloseCode.OK


async def pass_python_by() -> None:
    """Frames reach a compiled listener through the vtable.

    With its methods, as Python finds them, exchanged for one that raises, all works on: nobody
    looks for them there. For a class of Python that derives from it, somebody does.
    """

    class Trap:
        """No function, which the engine would take for a method of a listener in Python."""

        def __call__(self, *arguments: object) -> None:
            raise AssertionError("called as a Python method")

    for kind in (listeners.Echo, aiohttp_ws.WSListener):
        (methods,) = (each for each in gc.get_referents(kind.__dict__) if isinstance(each, dict))
        for name in ("on_ws_connected", "on_ws_frame", "on_ws_disconnected"):
            methods[name] = Trap()
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
    await serve_websockets()

    class Derived(listeners.Echo):  # type: ignore[misc]
        pass

    try:
        Derived().on_ws_frame(None, None)
    except AssertionError:
        pass
    else:
        raise SystemExit("the trap does not work")


async def override_in_python() -> None:
    """What a class of Python overrides of a compiled listener is heard; the rest stays compiled."""
    heard = []

    class Loud(listeners.Echo):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            heard.append(frame.get_payload_as_bytes())
            transport.send(frame.msg_type, frame.get_payload_as_bytes())
            if len(heard) == 2:
                transport.disconnect()

    loud = Loud()
    server, url = await served(lambda request: loud)
    _, caller = await ws_connect(lambda: listeners.Caller([b"one", b"two"]), url)
    await caller.done
    server.close()
    assert heard == [b"one", b"two"] == caller.answers
    assert (loud.connected, loud.frames) == (1, 0)


async def name_the_same() -> None:
    """The package and its subpackages give out the same C types."""
    assert listeners.same_names()


if __name__ == "__main__":
    prefix = Path(sys.prefix).resolve()
    assert prefix in Path(aiohttp_ws.__file__).resolve().parents, aiohttp_ws.__file__
    case: Callable[[], Awaitable[None]] = globals()[sys.argv[1]]
    asyncio.run(asyncio.wait_for(case(), 60))
