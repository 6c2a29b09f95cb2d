"""Programs about automatic pings: part of the table of ``frame_programs``.

They run side by side in each of their two, so that their periods pass once.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.interop.frame_ends import Ends
from tests.interop.frame_programs import codes_of, observes

# Seconds between pings, and until a pong is missed: room enough for a machine that is busy.
PERIOD = 0.25


def pinging(module: Any, strategy: str = "PING_WHEN_IDLE", reply: float = PERIOD) -> dict[str, Any]:
    return {
        "enable_auto_ping": True,
        "auto_ping_idle_timeout": PERIOD,
        "auto_ping_reply_timeout": reply,
        "auto_ping_strategy": getattr(module.WSAutoPingStrategy, strategy),
    }


async def pongs_by_hand(listener: Any) -> list[Any]:
    """Answer a ping; a second one tells that the answer was taken for one."""
    seen = [await listener.next()]
    listener.transport.send_pong(seen[0][2])
    return [*seen, await listener.next()]


async def of_a_client(ends: Ends, strategy: str) -> Any:
    async with ends.talking(
        client=pinging(ends.near, strategy), server={"enable_auto_pong": False}
    ) as (client, server):
        seen = await pongs_by_hand(server)
        return seen, client.queue.empty()


async def of_a_server(ends: Ends, strategy: str) -> Any:
    async with ends.talking(
        server=pinging(ends.far, strategy), client={"enable_auto_pong": False}
    ) as (client, server):
        seen = await pongs_by_hand(client)
        return seen, server.queue.empty()


PINGED = ([("PING", True, b"")] * 2, True)


@observes([PINGED] * 4)
async def automatic_pings_and_their_pongs(ends: Ends) -> Any:
    return await asyncio.gather(
        of_a_client(ends, "PING_WHEN_IDLE"),
        of_a_client(ends, "PING_PERIODICALLY"),
        of_a_server(ends, "PING_WHEN_IDLE"),
        of_a_server(ends, "PING_PERIODICALLY"),
    )


async def given_up(ends: Ends) -> Any:
    async with ends.talking(client=pinging(ends.near), server={"enable_auto_pong": False}) as (
        client,
        server,
    ):
        raised, _ = await client.ended()
        return raised, codes_of(await server.ended()), (await server.next())[0]


async def pings_of_its_own(ends: Ends) -> Any:
    """JSON or so for pings, as services have it: the pongs are not shown to on_ws_frame."""
    near = {
        "send_user_specific_ping": lambda self, transport: transport.send(
            ends.near.WSMsgType.TEXT, b"ping"
        ),
        "is_user_specific_pong": lambda self, frame: frame.get_payload_as_bytes() == b"pong",
    }
    async with ends.talking(near=near, client=pinging(ends.near)) as (client, server):
        seen = [(await server.next())[2]]
        server.transport.send(ends.far.WSMsgType.TEXT, b"pong")
        seen.append((await server.next())[2])
        return seen, client.queue.empty()


async def pongs_told_by_on_ws_frame(ends: Ends) -> Any:
    near = {
        "is_user_specific_pong": lambda self, frame: False,
        "on_ws_frame": lambda transport, frame: transport.notify_user_specific_pong_received(),
    }
    async with ends.talking(near=near, client=pinging(ends.near)) as (client, _):
        return [(await client.next())[0] for _ in range(2)]


@observes(
    [
        (None, (None, ((1001,), None, True)), "PING"),
        ([b"ping", b"ping"], True),
        ["PONG", "PONG"],
    ]
)
async def pongs_missed_and_pings_of_the_users_own(ends: Ends) -> Any:
    return await asyncio.gather(
        given_up(ends), pings_of_its_own(ends), pongs_told_by_on_ws_frame(ends)
    )
