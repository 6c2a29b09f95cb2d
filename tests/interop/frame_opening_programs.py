"""Programs about opening handshakes: part of the table of ``frame_programs``."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from tests.interop.frame_ends import Ends
from tests.interop.frame_programs import observes, raised_by
from tests.interop.talk import soon

UPGRADE = (
    b"GET /ws?a=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PLAIN = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def ask(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes to a server; what it answers until it closes: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await soon(reader.read())
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


async def refusal(ends: Ends, port: int, **options: Any) -> Any:
    """How connecting fails: the exception, the status and the body of the answer."""
    try:
        await ends.connect(port, **options)
    except Exception as exc:
        response = getattr(exc, "response", None)
        status = None if response is None else int(response.status)
        return type(exc).__name__, status
    return None


# ---------------------------------------------------------------------- the factory decides


@observes((("WSInvalidStatusError", 404), 404))
async def a_factory_that_returns_none(ends: Ends) -> Any:
    async with ends.serving(lambda request: None) as port:
        return await refusal(ends, port), (await ask(port, UPGRADE))[0]


@observes((("WSInvalidStatusError", 500), 500))
async def a_factory_that_raises(ends: Ends) -> Any:
    def factory(request: Any) -> Any:
        raise LookupError("not for the client to read")

    async with ends.serving(factory) as port:
        return await refusal(ends, port), (await ask(port, UPGRADE))[0]


@observes((("WSInvalidStatusError", 403), (403, "no-store", "close", b"not you")))
async def a_factory_that_refuses(ends: Ends) -> Any:
    far = ends.far

    def factory(request: Any) -> Any:
        response = far.WSUpgradeResponse.create_error_response(
            403, b"not you", {"Cache-Control": "no-store"}
        )
        return far.WSUpgradeResponseWithListener(response, None)

    async with ends.serving(factory) as port:
        status, headers, body = await ask(port, UPGRADE)
        told = status, headers["cache-control"], headers["connection"], body
        return await refusal(ends, port), told


@observes([("WSInvalidStatusError", 200), "ValueError", "ValueError"])
async def responses_with_a_listener_that_do_not_accept(ends: Ends) -> Any:
    far = ends.far
    made = far.WSUpgradeResponse
    both = far.WSUpgradeResponseWithListener

    def factory(request: Any) -> Any:
        return both(made.create_ok_response(b"fine"), ends.listener(far))

    async with ends.serving(factory) as port:
        return [
            await refusal(ends, port),
            raised_by(both, made.create_error_response(403), ends.listener(far)),
            raised_by(both, made.create_101_response(), None),
        ]


@observes((200, "text/plain; charset=utf-8", "close", b"fine"))
async def a_health_check(ends: Ends) -> Any:
    far = ends.far

    def factory(request: Any) -> Any:
        assert request.path == b"/health"
        response = far.WSUpgradeResponse.create_ok_response(b"fine")
        return far.WSUpgradeResponseWithListener(response, None)

    async with ends.serving(factory) as port:
        status, headers, body = await ask(port, PLAIN)
        return status, headers["content-type"], headers["connection"], body


@observes((400, 400, 400))
async def requests_that_are_no_upgrades(ends: Ends) -> Any:
    async with ends.serving(lambda request: ends.listener(ends.far)) as port:
        return (
            (await ask(port, PLAIN))[0],
            (await ask(port, UPGRADE.replace(b"Sec-WebSocket-Key", b"Sec-WebSocket-Que")))[0],
            (await ask(port, UPGRADE.replace(b"websocket\r\n", b"h2c\r\n")))[0],
        )


@observes(("GET", "/ws?a=1", "HTTP/1.1", "yes", "chat, superchat", "chat", "blue", True, 101))
async def headers_of_both_ends_and_a_subprotocol(ends: Ends) -> Any:
    far = ends.far
    seen: list[Any] = []

    def factory(request: Any) -> Any:
        seen.append(request)
        response = far.WSUpgradeResponse.create_101_response(
            {"Sec-WebSocket-Protocol": "chat", "X-Color": "blue"}
        )
        return far.WSUpgradeResponseWithListener(response, ends.listener(far))

    async with ends.serving(factory) as port:
        transport, listener = await ends.near.ws_connect(
            lambda: ends.listener(ends.near),
            f"ws://127.0.0.1:{port}/ws?a=1",
            extra_headers={"X-Wanted": "yes", "Sec-WebSocket-Protocol": "chat, superchat"},
        )
        response = transport.response
        told = (
            seen[0].method.decode(),
            seen[0].path.decode(),
            seen[0].version.decode(),
            seen[0].headers["x-wanted"],
            seen[0].headers["Sec-WebSocket-Protocol"],
            response.headers["sec-websocket-protocol"],
            response.headers["X-Color"],
            transport.request.path == seen[0].path,
            int(response.status),
        )
        transport.disconnect()
        await listener.ended()
        return told


@observes(("example.org:8080", 1))
async def a_host_header_of_the_users(ends: Ends) -> Any:
    seen: list[Any] = []

    def factory(request: Any) -> Any:
        seen.append(request.headers)

    async with ends.serving(factory) as port:
        await refusal(ends, port, extra_headers={"host": "example.org:8080"})
        return seen[0]["Host"], len(seen[0].getall("Host"))


@observes((b"/ws", 101, True))
async def a_client_factory_of_two_arguments(ends: Ends) -> Any:
    seen: list[Any] = []

    def make(request: Any, response: Any) -> Any:
        seen.append((request.path, int(response.status)))
        return ends.listener(ends.near)

    async with ends.serving(lambda request: ends.listener(ends.far)) as port:
        transport, listener = await ends.near.ws_connect(make, f"ws://127.0.0.1:{port}/ws")
        same = listener.transport is transport
        transport.disconnect()
        await listener.ended()
        return (*seen[0], same)


# ------------------------------------------------------------------------------- redirects


@observes((("WSInvalidStatusError", 307), ["/start", "/end", "/start"]))
async def redirects(ends: Ends) -> Any:
    far = ends.far
    asked: list[str] = []

    def factory(request: Any) -> Any:
        asked.append(request.path.decode())
        if request.path == b"/end":
            return ends.listener(far)
        response = far.WSUpgradeResponse.create_redirect_response(307, "/end")
        return far.WSUpgradeResponseWithListener(response, None)

    async with ends.serving(factory) as port:
        url = f"ws://127.0.0.1:{port}/start"
        transport, listener = await ends.near.ws_connect(lambda: ends.listener(ends.near), url)
        transport.disconnect()
        await listener.ended()
        try:
            await ends.near.ws_connect(lambda: ends.listener(ends.near), url, max_redirects=0)
        except ends.near.WSError as exc:
            return (type(exc).__name__, int(exc.response.status)), asked


@observes((("WSInvalidStatusError", 301), 3))
async def more_redirects_than_allowed(ends: Ends) -> Any:
    far = ends.far
    asked = []

    def factory(request: Any) -> Any:
        asked.append(request.path)
        response = far.WSUpgradeResponse.create_redirect_response(301, "/again")
        return far.WSUpgradeResponseWithListener(response, None)

    async with ends.serving(factory) as port:
        return await refusal(ends, port, max_redirects=2), len(asked)


# --------------------------------------------------------------------------- bad answers

ACCEPT = b"Sec-WebSocket-Accept: nope\r\n"
ANSWERS = {
    "another status": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no upgrade": b"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\n" + ACCEPT + b"\r\n",
    "no connection": b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\n" + ACCEPT + b"\r\n",
    "no key": b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "wrong key": b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + ACCEPT
    + b"\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
}


@observes(
    {
        "another status": ("WSInvalidStatusError", 200),
        "no upgrade": ("WSInvalidUpgradeError", 101),
        "no connection": ("WSInvalidUpgradeError", 101),
        "no key": ("WSInvalidHeaderError", 101),
        "wrong key": ("WSInvalidHeaderError", 101),
        "no HTTP": ("WSInvalidMessageError", None),
    }
)
async def answers_that_open_nothing(ends: Ends) -> Any:
    seen = {}
    for name, answer in ANSWERS.items():

        async def respond(reader: Any, writer: Any, answer: bytes = answer) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(respond, "127.0.0.1", 0)
        seen[name] = await refusal(ends, server.sockets[0].getsockname()[1])
        server.close()
    return seen


@observes((("TimeoutError", None), ("ConnectionRefusedError", None)))
async def a_server_that_does_not_answer(ends: Ends) -> Any:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        waited = await refusal(ends, port, websocket_handshake_timeout=0.05)
    return waited, await refusal(ends, port)


@observes(["WSInvalidURL"] * 3)
async def urls_that_are_none(ends: Ends) -> Any:
    seen = []
    for url in ("http://localhost/", "ws://", "ws://localhost/#part"):
        try:
            await ends.near.ws_connect(lambda: ends.listener(ends.near), url)
        except ends.near.WSError as exc:
            seen.append(type(exc).__name__)
    return seen


@observes([("127.0.0.1", "/", False), ("127.0.0.1", "/", False)])
async def sockets_that_the_user_makes(ends: Ends) -> Any:
    seen: list[Any] = []

    def make(url: Any) -> socket.socket:
        seen.append((url.host, url.resource_name, url.is_secure))
        return socket.socket()

    async def make_later(url: Any) -> socket.socket:
        return make(url)

    async with ends.serving(lambda request: ends.listener(ends.far)) as port:
        for factory in (make, make_later):
            listener = await ends.connect(port, socket_factory=factory)
            listener.transport.disconnect()
            await listener.ended()
    return seen


# ------------------------------------------------------------------------- made responses


@observes(
    {
        "ok": (200, b"fine", ["Content-Type"]),
        "error": (503, b"later", ["Retry-After"]),
        "redirect": (302, None, ["Location"]),
        "accept": 101,
        "made of an error": "raises",
        "made of a redirect": "raises",
    }
)
async def what_the_factories_of_responses_make(ends: Ends) -> Any:
    made = ends.far.WSUpgradeResponse
    ok = made.create_ok_response(b"fine")
    error = made.create_error_response(503, b"later", {"Retry-After": "3"})
    redirect = made.create_redirect_response(302, "/there")

    def plain(response: Any) -> Any:
        body = response.body if response.body else None
        own = [name for name in response.headers if name in ("Location", "Retry-After")]
        return int(response.status), body, own or list(response.headers)[:1]

    return {
        "ok": plain(ok),
        "error": plain(error),
        "redirect": plain(redirect),
        "accept": int(made.create_101_response().status),
        "made of an error": raised_by(made.create_error_response, 200) and "raises",
        "made of a redirect": raised_by(made.create_redirect_response, 200, "/") and "raises",
    }
