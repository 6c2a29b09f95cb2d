"""What serve() promises about opening handshakes."""

from __future__ import annotations

import asyncio
import http
import re
from base64 import b64encode
from typing import Any

import pytest

from aiohttp_ws import DeflateOptions
from aiohttp_ws.websockets import (
    Headers,
    NegotiationError,
    Request,
    Response,
    ServerConnection,
    basic_auth,
)
from aiohttp_ws.websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from .ends import UPGRADE, answer_to, serving, theirs, url_of

# ------------------------------------------------------------- opening handshakes


@pytest.mark.parametrize(
    ("origins", "origin", "accepted"),
    [
        (None, None, True),
        (None, "https://a.test", True),
        (["https://a.test"], "https://a.test", True),
        (["https://a.test"], "https://b.test", False),
        (["https://a.test"], None, False),
        (["https://a.test", None], None, True),
        ([re.compile(r"https://.*\.test")], "https://a.test", True),
        ([re.compile(r"https://.*\.test")], "https://a.test.evil", False),
    ],
)
async def test_origins_say_whose_pages_may_connect(origins: Any, origin: Any, accepted: bool):
    async with serving(origins=origins) as server:
        if accepted:
            async with theirs.connect(url_of(server), origin=origin):
                return
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server), origin=origin)
        assert caught.value.response.status_code == 403


async def test_subprotocols_are_chosen_in_the_servers_order():
    async with (
        serving(subprotocols=["a", "b"]) as server,
        theirs.connect(url_of(server), subprotocols=["b", "a"]) as client,
    ):
        assert client.subprotocol == "a"


@pytest.mark.parametrize("offered", [None, ["c"]])
async def test_a_client_without_a_common_subprotocol_is_refused(offered: Any):
    async with serving(subprotocols=["a", "b"]) as server:
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server), subprotocols=offered)
        assert caught.value.response.status_code == 400
        assert b"subprotocol" in caught.value.response.body


async def test_select_subprotocol_decides():
    def select(connection: ServerConnection, offered: list[str]) -> str | None:
        if "refuse" in offered:
            raise NegotiationError("not today")
        return offered[-1] if offered else None

    async with serving(subprotocols=["x"], select_subprotocol=select) as server:
        async with theirs.connect(url_of(server), subprotocols=["a", "b"]) as client:
            assert client.subprotocol == "b"
        async with theirs.connect(url_of(server)) as client:
            assert client.subprotocol is None
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server), subprotocols=["refuse"])
        assert caught.value.response.status_code == 400
        assert b"not today" in caught.value.response.body


async def test_a_subprotocol_not_on_offer_is_the_servers_bug(caplog: pytest.LogCaptureFixture):
    async with serving(select_subprotocol=lambda connection, offered: "other") as server:
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server), subprotocols=["a"])
    assert caught.value.response.status_code == 500
    assert "'other' was selected" in caplog.text


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_process_request_can_answer(asynchronous: bool):
    def decide(connection: ServerConnection, request: Request) -> Response | None:
        assert request is connection.request
        assert request.headers["Host"] == "localhost" or request.path == "/"
        if request.path == "/path?query":
            response = connection.respond(http.HTTPStatus.OK, "healthy\n")
            response.headers["X-Health"] = "good"
            return response
        return None

    async def decide_later(connection: ServerConnection, request: Request) -> Response | None:
        await asyncio.sleep(0)
        return decide(connection, request)

    async with serving(process_request=decide_later if asynchronous else decide) as server:
        answer = await answer_to(server, "GET /path?query HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.startswith("HTTP/1.1 200 OK\r\n")
        assert "X-Health: good\r\n" in answer
        assert "Content-Length: 8\r\n" in answer
        assert answer.endswith("\r\n\r\nhealthy\n")
        async with theirs.connect(url_of(server)) as client:
            await client.send("through")
            assert await client.recv() == "through"


@pytest.mark.parametrize("hook", ["process_request", "process_response"])
async def test_an_exception_in_a_hook_answers_500(hook: str, caplog: pytest.LogCaptureFixture):
    def broken(*args: Any) -> None:
        raise KeyError("ours alone")

    async with serving(**{hook: broken}) as server:
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server))
    assert caught.value.response.status_code == 500
    assert b"ours alone" not in caught.value.response.body
    assert f"{hook} failed" in caplog.text
    assert "ours alone" in caplog.text


async def test_process_response_may_change_the_response_or_replace_it():
    async def change(connection: ServerConnection, request: Request, response: Response) -> Any:
        if request.path == "/no":
            return Response(418, "I'm a Teapot", Headers({"Connection": "close"}), b"tea")
        response.headers["X-Added"] = "yes"
        return None

    async with serving(process_response=change) as server:
        async with theirs.connect(url_of(server)) as client:
            assert client.response.headers["X-Added"] == "yes"
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server, "/no"))
        assert caught.value.response.status_code == 418
        assert caught.value.response.body == b"tea"


async def test_a_hook_cannot_split_the_response(caplog: pytest.LogCaptureFixture):
    def split(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(200, "")
        response.headers.set_insecure("X-Split", "a\r\nX-Injected: b")
        return response

    async with serving(process_request=split) as server:
        answer = await answer_to(server, UPGRADE + "\r\n")
    assert answer.startswith("HTTP/1.1 500 ")
    assert "Injected" not in answer


async def test_the_server_header_can_be_changed_and_left_out():
    async with serving() as server, theirs.connect(url_of(server)) as client:
        assert "aiohttp_ws/" in client.response.headers["Server"]
    async with (
        serving(server_header="mine") as server,
        theirs.connect(url_of(server)) as client,
    ):
        assert client.response.headers["Server"] == "mine"
        assert (await answer_to(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")).count("Server: mine")
    async with serving(server_header=None) as server, theirs.connect(url_of(server)) as client:
        assert "Server" not in client.response.headers


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405),
        (UPGRADE.replace("13", "12") + "\r\n", 426),
        (UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short") + "\r\n", 400),
        (UPGRADE.replace("HTTP/1.1", "HTTP/1.0") + "\r\n", 505),
        ("nonsense\r\n\r\n", 400),
    ],
)
async def test_a_request_that_is_not_an_opening_handshake_is_refused(
    request_text: str, status: int
):
    async with serving() as server:
        answer = await answer_to(server, request_text)
    assert answer.startswith(f"HTTP/1.1 {status} ")


async def test_a_client_that_says_nothing_is_refused_after_open_timeout():
    async with serving(open_timeout=0.01) as server:
        assert (await answer_to(server, "GET /")).startswith("HTTP/1.1 408 ")


async def test_open_timeout_holds_for_process_request_too():
    async def never(connection: ServerConnection, request: Request) -> None:
        await asyncio.Event().wait()

    async with serving(open_timeout=0.01, process_request=never) as server:
        assert (await answer_to(server, UPGRADE + "\r\n")).startswith("HTTP/1.1 408 ")


async def test_messages_right_after_the_request_arrive():
    received = []

    async def handler(connection: ServerConnection) -> None:
        received.append(await connection.recv())

    async with serving(handler) as server:
        masked = b"\x81\x82\0\0\0\0hi"
        reader, writer = await asyncio.open_connection(*url_of(server)[5:-1].split(":"))
        writer.write(UPGRADE.encode() + b"\r\n" + masked)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert await reader.readexactly(4) == b"\x88\x02\x03\xe8"
        writer.write(b"\x88\x82\0\0\0\0\x03\xe8")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert received == ["hi"]


# ------------------------------------------------------------------- compression


@pytest.mark.parametrize(
    "kwargs",
    [
        {"compression": "deflate"},
        {"compression": DeflateOptions(server_no_context_takeover=True)},
        {"extensions": [ServerPerMessageDeflateFactory(server_max_window_bits=9)]},
        {"extensions": [DeflateOptions()], "compression": None},
    ],
)
async def test_compression_is_negotiated_in_each_form(kwargs: Any):
    async with serving(**kwargs) as server, theirs.connect(url_of(server)) as client:
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
        for _ in range(3):
            await client.send("again and again " * 50)
            assert await client.recv() == "again and again " * 50


async def test_compression_none_declines():
    async with (
        serving(compression=None) as server,
        theirs.connect(url_of(server)) as client,
    ):
        assert "Sec-WebSocket-Extensions" not in client.response.headers


# -------------------------------------------------------------------- basic_auth


async def check_later(name: str, password: str) -> bool:
    await asyncio.sleep(0)
    return (name, password) == ("user", "pass:word")


@pytest.mark.parametrize(
    "credentials",
    [
        {"credentials": ("user", "pass:word")},
        {"credentials": [("other", "x"), ("user", "pass:word")]},
        {"check_credentials": lambda name, password: (name, password) == ("user", "pass:word")},
        {"check_credentials": check_later},
    ],
)
async def test_basic_auth_lets_in_who_knows_the_password(credentials: Any):
    names = []

    async def handler(connection: ServerConnection) -> None:
        names.append(connection.username)

    async with serving(handler, process_request=basic_auth("my realm", **credentials)) as server:
        known = {"Authorization": f"Basic {b64encode(b'user:pass:word').decode()}"}
        async with theirs.connect(url_of(server), additional_headers=known) as client:
            await client.wait_closed()
        for login in ("", "user:wrong@", "unknown:@"):
            with pytest.raises(theirs.InvalidStatus) as caught:
                await theirs.connect(url_of(server).replace("//", f"//{login}"))
            response = caught.value.response
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == 'Basic realm="my realm", charset="UTF-8"'
    assert names == ["user"]


def test_basic_auth_wants_one_way_to_check():
    with pytest.raises(ValueError, match="either"):
        basic_auth("x")
    with pytest.raises(ValueError, match="either"):
        basic_auth("x", ("a", "b"), lambda name, password: True)
    for wrong in (5, ("a", 5), ["a"]):
        with pytest.raises(TypeError):
            basic_auth("x", wrong)  # type: ignore[arg-type]
