"""What ``connection.protocol`` shows, held against that of websockets."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from aiohttp_ws.websockets import ServerConnection, connect
from aiohttp_ws.websockets.protocol import Protocol

from .ends import LIBRARIES, ROLES, connected, serving, stay, theirs, url_of
from .reference import as_websockets_17


def looks(connection: Any) -> dict[str, Any]:
    protocol = connection.protocol
    closes = (protocol.close_rcvd, protocol.close_sent)
    seen = {
        "state": protocol.state.name,
        "side": protocol.side.name,
        "subprotocol": protocol.subprotocol,
        "origin": protocol.origin,
        "extensions": [type(extension).__name__ for extension in protocol.extensions],
        "close_code": protocol.close_code,
        "close_reason": protocol.close_reason,
        "closes": [close and (int(close.code), close.reason) for close in closes],
        "close_rcvd_then_sent": protocol.close_rcvd_then_sent,
        "close_expected": protocol.close_expected(),
        "handshake_exc": protocol.handshake_exc,
        "parser_exc": protocol.parser_exc,
        "max_message_size": protocol.max_message_size,
        "max_fragment_size": protocol.max_fragment_size,
        "available_subprotocols": list(protocol.available_subprotocols or []),
        "id": protocol.id == connection.id,
    }
    if protocol.state.name == "CLOSED":
        seen["close_exc"] = (type(protocol.close_exc).__name__, str(protocol.close_exc))
    return seen


async def life(server_of: str, client_of: str, watched: str, **kwargs: Any) -> list[Any]:
    """What the *watched* end's protocol shows from its opening to its end."""
    accepted: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(connection: Any) -> None:
        accepted.set_result(connection)
        await connection.wait_closed()

    shown = []
    async with (
        LIBRARIES[server_of].serve(handler, "127.0.0.1", 0, **kwargs) as server,
        LIBRARIES[client_of].connect(url_of(server), origin="http://a", **kwargs) as client,
    ):
        end = client if watched == "client" else await accepted
        shown.append(looks(end))
        await client.close(4001, "enough")
        await (await accepted).wait_closed()
        await end.wait_closed()
        shown.append(looks(end))
    return shown


@as_websockets_17
@pytest.mark.parametrize("watched", ROLES)
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"subprotocols": ["chat"], "max_size": (1000, 100)},
        {"compression": None, "max_size": None},
    ],
)
async def test_a_protocol_shows_what_that_of_websockets_shows(watched: str, kwargs: Any):
    other = "client" if watched == "server" else "server"
    ours = {watched: "aiohttp_ws", other: "websockets"}
    ours_shown = await life(ours["server"], ours["client"], watched, **kwargs)
    assert ours_shown == await life("websockets", "websockets", watched, **kwargs)


@pytest.mark.parametrize("role", ROLES)
async def test_the_extension_shows_what_both_ends_negotiated(role: str):
    async with connected(role) as (our, their):
        (ours,), (theirs_,) = our.protocol.extensions, their.protocol.extensions
        assert ours.local_max_window_bits == theirs_.remote_max_window_bits
        assert ours.remote_max_window_bits == theirs_.local_max_window_bits
        assert ours.local_no_context_takeover == theirs_.remote_no_context_takeover


async def test_a_protocol_costs_a_connection_nothing():
    async with serving(stay) as server, connect(url_of(server)) as client:
        assert client.protocol.state.name == "OPEN"
        (accepted,) = server.handlers
        for connection in (client, accepted):
            held = gc.get_referents(connection)
            assert not any(type(each).__name__ == "LiveProtocol" for each in held)
        assert client.protocol == client.protocol
        assert client.protocol != accepted.protocol
        assert len({client.protocol, client.protocol}) == 1


@pytest.mark.parametrize("name", ["send_text", "receive_data", "data_to_send", "fail"])
async def test_a_method_that_the_engine_has_itself_says_where_it_is(name: str):
    assert hasattr(Protocol, name)
    async with serving(stay) as server, connect(url_of(server)) as client:
        with pytest.raises(AttributeError, match=rf"no {name}\(\).*the connection's own methods"):
            getattr(client.protocol, name)
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            _ = client.protocol.nothing


async def test_a_subclass_gets_the_settings_and_shows_the_protocol():
    made = []

    class Own(ServerConnection):
        def __init__(self, protocol: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(protocol, *args, **kwargs)
            made.append((protocol.logger, self.protocol.state.name))

    async with (
        serving(stay, create_connection=Own) as server,
        theirs.connect(url_of(server)) as client,
    ):
        assert client.protocol.state.name == "OPEN"
        assert [state for _, state in made] == ["CONNECTING"]
