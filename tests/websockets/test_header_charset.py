"""Values of headers travel in ISO-8859-1, as those of websockets do since its release 17."""

import importlib.metadata
from typing import Any

import pytest

import aiohttp_ws.websockets as ours
from tests.peers import import_peer

# As a program that wants UTF-8 writes it.
VALUE = "Zoë".encode().decode("latin-1")
BYTES = b"Zo\xc3\xab"


def library(name: str) -> Any:
    if name == "ours":
        return ours
    peer = import_peer("websockets")
    if int(importlib.metadata.version("websockets").split(".")[0]) < 17:
        pytest.skip("websockets has written UTF-8 until its release 17")
    return peer


@pytest.mark.parametrize(
    ("server", "client"), [("ours", "ours"), ("ours", "websockets"), ("websockets", "ours")]
)
async def test_headers_of_both_ends_arrive_as_they_were_given(server: str, client: str) -> None:
    seen = []

    def answered(connection: Any, request: Any, response: Any) -> None:
        seen.append(request.headers["X-Name"])
        response.headers["X-Name"] = VALUE

    async def idle(connection: Any) -> None:
        await connection.wait_closed()

    async with library(server).serve(idle, "127.0.0.1", 0, process_response=answered) as serving:
        port = serving.sockets[0].getsockname()[1]
        async with library(client).connect(
            f"ws://127.0.0.1:{port}", additional_headers={"X-Name": VALUE}
        ) as connection:
            assert connection.response.headers["X-Name"] == VALUE
    assert seen == [VALUE]


async def test_headers_of_a_refusal_arrive_as_they_were_given() -> None:
    def refuse(connection: Any, request: Any) -> Any:
        response = connection.respond(403, "no\n")
        response.headers["X-Name"] = VALUE
        return response

    async def never(connection: Any) -> None:
        raise AssertionError

    async with ours.serve(never, "127.0.0.1", 0, process_request=refuse) as serving:
        port = serving.sockets[0].getsockname()[1]
        with pytest.raises(ours.exceptions.InvalidStatus) as raised:
            await ours.connect(f"ws://127.0.0.1:{port}")
    assert raised.value.response.headers["X-Name"] == VALUE
    assert raised.value.response.headers["X-Name"].encode("latin-1") == BYTES
