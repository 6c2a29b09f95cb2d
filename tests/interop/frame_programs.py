"""Programs in the frame API, each with what it is to observe whatever library runs it.

A program takes :class:`Ends`: the modules of the client and of the server. It returns plain values.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from tests.interop.frame_ends import Ends, echo
from tests.interop.talk import soon

Program = Callable[[Ends], Awaitable[Any]]
#: Every program with what it returns.
PROGRAMS: list[tuple[Program, Any]] = []


def observes(expected: Any) -> Callable[[Program], Program]:
    def add(program: Program) -> Program:
        PROGRAMS.append((program, expected))
        return program

    return add


def raised_by(call: Callable[..., Any], *args: Any, **kwargs: Any) -> str | None:
    """The name of what a call raises."""
    try:
        call(*args, **kwargs)
    except Exception as exc:
        return type(exc).__name__
    return None


# ------------------------------------------------------------------------------ frames


@observes(
    [
        ("TEXT", True, b"hello"),
        ("BINARY", True, b"\x00\xff"),
        ("BINARY", True, b""),
        ("TEXT", True, b"view"),
        ("BINARY", True, b"array"),
        ("BINARY", True, b"x" * 70_000),
    ]
)
async def payloads_of_every_kind(ends: Ends) -> Any:
    async with ends.talking(far={"on_ws_frame": echo}) as (client, _):
        types = ends.near.WSMsgType
        send = client.transport.send
        send(types.TEXT, b"hello")
        send(types.BINARY, b"\x00\xff")
        send(types.BINARY, None)
        send(types.TEXT, memoryview(b"a view")[2:])
        send(types.BINARY, bytearray(b"array"))
        send(types.BINARY, b"x" * 70_000)
        return [await client.next() for _ in range(6)]


@observes([("TEXT", False, b"one"), ("CONTINUATION", False, b""), ("CONTINUATION", True, b"two")])
async def fragments(ends: Ends) -> Any:
    async with ends.talking(far={"on_ws_frame": echo}) as (client, _):
        types = ends.near.WSMsgType
        client.transport.send(types.TEXT, b"one", fin=False)
        client.transport.send(types.CONTINUATION, b"", fin=False)
        client.transport.send(types.CONTINUATION, b"two")
        return [await client.next() for _ in range(3)]


@observes([(True, False, False), (False, True, False), (False, False, True), (True, True, True)])
async def reserved_bits(ends: Ends) -> Any:
    seen: asyncio.Queue[Any] = asyncio.Queue()

    def note(transport: Any, frame: Any) -> None:
        seen.put_nowait((frame.rsv1, frame.rsv2, frame.rsv3))

    async with ends.talking(near={"on_ws_frame": note}, far={"on_ws_frame": echo}) as (client, _):
        types = ends.near.WSMsgType
        client.transport.send(types.BINARY, b"1", rsv1=True)
        client.transport.send(types.BINARY, b"2", rsv2=True)
        client.transport.send(types.BINARY, b"3", True, False, False, True)
        client.transport.send(types.BINARY, b"4", rsv1=True, rsv2=True, rsv3=True)
        return [await soon(seen.get()) for _ in range(4)]


@observes(
    {
        "bytes": b"caf\xc3\xa9",
        "utf8": "café",
        "ascii": "UnicodeDecodeError",
        "view": (b"caf\xc3\xa9", "b", 1, 5),
        "size": 5,
        "last": (True, 0),
    }
)
async def what_a_frame_tells(ends: Ends) -> Any:
    seen = asyncio.get_running_loop().create_future()

    def note(transport: Any, frame: Any) -> None:
        view = frame.get_payload_as_memoryview()
        seen.set_result(
            {
                "bytes": frame.get_payload_as_bytes(),
                "utf8": frame.get_payload_as_utf8_text(),
                "ascii": raised_by(frame.get_payload_as_ascii_text),
                "view": (bytes(view), view.format.lower(), view.ndim, view.nbytes),
                "size": frame.payload_size,
                "last": (bool(frame.last_in_buffer), frame.tail_size),
            }
        )

    async with ends.talking(near={"on_ws_frame": note}) as (_, server):
        server.transport.send(ends.far.WSMsgType.TEXT, "café".encode())
        return await soon(seen)


@observes([("TEXT", 1, False, 9), ("BINARY", 2, False, 5), ("BINARY", 3, True, 0)])
async def frames_of_one_read(ends: Ends) -> Any:
    seen: asyncio.Queue[Any] = asyncio.Queue()

    def note(transport: Any, frame: Any) -> None:
        last = bool(frame.last_in_buffer)
        seen.put_nowait((frame.msg_type.name, frame.payload_size, last, frame.tail_size))

    async with ends.talking(near={"on_ws_frame": note}) as (_, server):
        # One write below both libraries, so that one read finds them all.
        server.transport.underlying_transport.write(b"\x81\x01a\x82\x02bb\x82\x03ccc")
        return [await soon(seen.get()) for _ in range(3)]


@observes([("BINARY", True, b"in place"), ("BINARY", False, b"x" * 70_000), "raises", "raises"])
async def a_bytearray_sent_in_place(ends: Ends) -> Any:
    async with ends.talking(far={"on_ws_frame": echo}) as (client, _):
        kind = ends.near.WSMsgType.BINARY
        send = client.transport.send_reuse_external_bytearray
        send(kind, bytearray(14) + b"in place", 14)
        seen = [await client.next()]
        send(kind, bytearray(20) + b"x" * 70_000, 20, fin=False)
        seen.append(await client.next())
        for buffer, offset in ((bytearray(20), 13), (bytearray(20), 21)):
            seen.append(raised_by(send, kind, buffer, offset) and "raises")
        return seen


# ------------------------------------------------------------------------------ closing


@observes(
    {
        "client": (None, ((4000, "bye"), (4000, "bye"), False)),
        "server": (None, ((4000, "bye"), (4000, "bye"), True)),
        "frame": (4000, b"bye", "bye"),
    }
)
async def a_closing_handshake_with_a_reason(ends: Ends) -> Any:
    seen = asyncio.get_running_loop().create_future()

    def note(transport: Any, frame: Any) -> None:
        code = int(frame.get_close_code())
        seen.set_result((code, frame.get_close_message(), frame.get_close_reason()))
        echo(transport, frame)

    async with ends.talking(far={"on_ws_frame": note}) as (client, server):
        client.transport.send_close(4000, b"bye")
        return {
            "client": await client.ended(),
            "server": await server.ended(),
            "frame": await soon(seen),
        }


@observes(((None, ((1000, None), None, True)), (1000, None, None), "WSCloseCode"))
async def a_close_frame_without_a_reason(ends: Ends) -> Any:
    seen = asyncio.get_running_loop().create_future()

    def note(transport: Any, frame: Any) -> None:
        code = frame.get_close_code()
        seen.set_result(
            (
                (int(code), frame.get_close_message(), frame.get_close_reason()),
                type(code).__name__,
            )
        )
        transport.disconnect()

    async with ends.talking(near={"on_ws_frame": note}) as (client, server):
        server.transport.send_close(ends.far.WSCloseCode.OK)
        return (await client.ended(), *await soon(seen))


@observes((None, None))
async def a_peer_that_hangs_up_without_a_close_frame(ends: Ends) -> Any:
    async with ends.talking() as (client, server):
        server.transport.disconnect(graceful=False)
        return await client.ended()


@observes([("TEXT", True, b"before"), True, True, ("CLOSE", True, b"\x03\xe8"), True])
async def nothing_is_sent_behind_a_close_frame(ends: Ends) -> Any:
    async with ends.talking() as (client, server):
        types = ends.near.WSMsgType
        client.transport.send(types.TEXT, b"before")
        client.transport.send_close(ends.near.WSCloseCode.OK)
        sent = client.transport.is_close_frame_sent
        client.transport.send(types.TEXT, b"after")
        client.transport.send_ping(b"after")
        client.transport.send_pong(b"after")
        client.transport.send_close(ends.near.WSCloseCode.GOING_AWAY)
        seen = [await server.next(), sent, not client.transport.is_disconnected]
        seen.append(await server.next())
        client.transport.disconnect()
        await server.ended()
        return [*seen, server.queue.empty()]


@observes([None] * 5)
async def calls_on_a_connection_that_is_gone_do_nothing(ends: Ends) -> Any:
    async with ends.talking() as (client, _):
        transport = client.transport
        transport.disconnect()
        await client.ended()
        return [
            raised_by(transport.send, ends.near.WSMsgType.TEXT, b"x"),
            raised_by(transport.send_ping),
            raised_by(transport.send_pong),
            raised_by(transport.send_close, ends.near.WSCloseCode.OK),
            raised_by(transport.disconnect),
        ]


@observes((True, [None, None], "CancelledError"))
async def any_number_of_tasks_wait_for_the_end(ends: Ends) -> Any:
    async with ends.talking() as (client, server):
        wait = client.transport.wait_disconnected
        given_up = asyncio.ensure_future(wait())
        waiting = [asyncio.ensure_future(wait()) for _ in range(2)]
        await asyncio.wait([given_up], timeout=0)
        given_up.cancel()
        (cancelled,) = await asyncio.gather(given_up, return_exceptions=True)
        alive = not client.transport.is_disconnected
        server.transport.disconnect()
        return alive, await soon(asyncio.gather(*waiting)), type(cancelled).__name__


@observes((["on_ws_connected", "on_ws_frame", "on_ws_disconnected"], (False, True), (True, False)))
async def callbacks_come_in_order_and_properties_tell_the_state(ends: Ends) -> Any:
    async with ends.talking() as (client, server):
        states = []
        for transport in (client.transport, server.transport):
            states.append(transport.is_client_side)
        before = client.transport.is_disconnected
        server.transport.send(ends.far.WSMsgType.TEXT, b"x")
        await client.next()
        server.transport.disconnect()
        await client.ended()
        assert client.transport.is_secure is False
        return client.events, (before, client.transport.is_disconnected), tuple(states)


# --------------------------------------------------------------- exceptions in callbacks


def fails(*args: Any) -> None:
    raise LookupError("as the program has it")


@observes((("LookupError", (None, (1011,), False)), (None, ((1011,), None, True))))
async def an_exception_in_a_clients_on_ws_frame(ends: Ends) -> Any:
    async with ends.talking(near={"on_ws_frame": fails}) as (client, server):
        server.transport.send(ends.far.WSMsgType.TEXT, b"x")
        return codes_of(await client.ended()), codes_of(await server.ended())


@observes((("LookupError", (None, (1011,), False)), (None, ((1011,), None, True))))
async def an_exception_in_a_clients_on_ws_connected(ends: Ends) -> Any:
    async with ends.talking(near={"on_ws_connected": fails}) as (client, server):
        return codes_of(await client.ended()), codes_of(await server.ended())


@observes((("LookupError", None), None))
async def an_exception_in_a_clients_on_ws_disconnected(ends: Ends) -> Any:
    async with ends.talking(near={"on_ws_disconnected": fails}) as (client, server):
        server.transport.disconnect()
        return await client.ended(), (await server.ended())[0]


@observes(((None, ((1011,), None, True)), (None, (None, (1011,), False))))
async def an_exception_in_a_servers_on_ws_frame(ends: Ends) -> Any:
    async with ends.talking(far={"on_ws_frame": fails}) as (client, server):
        client.transport.send(ends.near.WSMsgType.TEXT, b"x")
        return codes_of(await client.ended()), codes_of(await server.ended())


@observes(("WSProtocolError", (None, (4321, "not like that"), False)))
async def a_protocol_error_of_a_callback_chooses_the_close_frame(ends: Ends) -> Any:
    def refuses(transport: Any, frame: Any) -> None:
        raise ends.near.WSProtocolError(4321, "not like that")

    async with ends.talking(near={"on_ws_frame": refuses}) as (client, server):
        server.transport.send(ends.far.WSMsgType.TEXT, b"x")
        return await client.ended()


@observes([("TEXT", True, b"one"), ("TEXT", True, b"two")])
async def a_connection_that_outlives_exceptions(ends: Ends) -> Any:
    async with ends.talking(
        near={"on_ws_frame": fails}, client={"disconnect_on_exception": False}
    ) as (client, server):
        server.transport.send(ends.far.WSMsgType.TEXT, b"one")
        server.transport.send(ends.far.WSMsgType.TEXT, b"two")
        return [await client.next(), await client.next()]


def codes_of(ended: Any) -> Any:
    """What ``ended()`` gave without the reasons: those are each library's own words."""
    raised, closing = ended
    if closing is None:
        return raised, None
    received, sent, first = closing
    return raised, (received and received[:1], sent and sent[:1], first)


# -------------------------------------------------------------------------------- pings


@observes([("PONG", True, b"payload"), ("PONG", True, b"")])
async def pings_are_answered(ends: Ends) -> Any:
    async with ends.talking() as (client, server):
        client.transport.send_ping(b"payload")
        seen = [await client.next()]
        client.transport.send_ping()
        seen.append(await client.next())
        assert server.queue.empty()
        return seen


@observes([("PING", True, b"mine"), ("PONG", True, b"by hand")])
async def pings_that_the_listener_answers(ends: Ends) -> Any:
    async with ends.talking(server={"enable_auto_pong": False}) as (client, server):
        client.transport.send_ping(b"mine")
        seen = [await server.next()]
        server.transport.send_pong(b"by hand")
        return [*seen, await client.next()]


@observes((3, True, True))
async def roundtrip_times(ends: Ends) -> Any:
    async with ends.talking() as (client, _):
        times = await soon(client.transport.measure_roundtrip_time(3))
        return (
            len(times),
            all(isinstance(each, float) and 0 < each < 60 for each in times),
            client.queue.empty(),
        )


@observes(None)
async def a_pong_notified_without_a_ping(ends: Ends) -> Any:
    async with ends.talking() as (client, _):
        return raised_by(client.transport.notify_user_specific_pong_received)


# ------------------------------------------------------------------------------- limits


@observes((("WSProtocolError", (None, (1009,), False)), (None, ((1009,), None, True))))
async def a_frame_over_max_frame_size(ends: Ends) -> Any:
    async with ends.talking(client={"max_frame_size": 1000}) as (client, server):
        server.transport.send(ends.far.WSMsgType.BINARY, bytes(1001))
        return codes_of(await client.ended()), codes_of(await server.ended())


@observes([True, True])
async def calls_from_another_thread(ends: Ends) -> Any:
    async with ends.talking() as (client, _):
        seen: list[str | None] = []

        def elsewhere() -> None:
            seen.append(raised_by(client.transport.send, ends.near.WSMsgType.TEXT, b"x"))
            seen.append(raised_by(client.transport.disconnect))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        return [each == "RuntimeError" for each in seen]


@observes(["pause_writing", "resume_writing"])
async def back_pressure(ends: Ends) -> Any:
    drained = asyncio.Event()
    async with ends.talking(near={"resume_writing": drained.set}) as (client, server):
        client.transport.underlying_transport.set_write_buffer_limits(high=1000)
        server.transport.underlying_transport.pause_reading()
        while "pause_writing" not in client.events:
            client.transport.send(ends.near.WSMsgType.BINARY, bytes(1 << 18))
        server.transport.underlying_transport.resume_reading()
        await soon(drained.wait())
        return [event for event in client.events if event.endswith("_writing")]
