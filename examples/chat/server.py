"""A chat in the browser: ``python examples/chat/server.py``, or ``make run``.

PORT and HOST in the environment say where it listens (8080, 127.0.0.1). Rooms, presence,
history, typing notices and the latency of each message go over one WebSocket per page; what
is said there is in ``page/chat.js`` (the browser's end) and below (ours).
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from rooms import (
    MAX_NAME,
    MAX_TEXT,
    Chat,
    Member,
    Refused,
    Room,
    clean_name,
    clean_text,
    encode,
)

from aiohttp_ws import WSCloseCode, WSMsgType, web

PAGE = Path(__file__).parent / "page"
CHAT = web.AppKey("CHAT", Chat)
HEARTBEAT = 20.0  # seconds; finds people whose network went away without a word
JOIN_TIMEOUT = 10.0  # seconds for the first message, which must be "join"
MAX_MESSAGE_BYTES = 16 * 1024
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


async def page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html", headers=SECURITY)


async def asset(request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / request.match_info["name"], headers=SECURITY)


async def talk(request: web.Request) -> web.WebSocketResponse:
    """One person's connection: joins a room, then reads until the person leaves."""
    chat = request.app[CHAT]
    transport = request.transport
    ws = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=MAX_MESSAGE_BYTES)
    await ws.prepare(request)
    try:
        hello = await ws.receive_json(timeout=JOIN_TIMEOUT)
        room = chat.room(clean_name(hello.get("room"), "lobby"))
        member = Member(
            clean_name(hello.get("name"), "Guest"), hello.get("key"), cut_off=transport.abort
        )
        room.join(member)
    except Refused as refusal:
        await ws.send_str(encode({"type": "refused", "text": str(refusal)}))
        await ws.close(code=WSCloseCode.TRY_AGAIN_LATER)
        return ws
    except (asyncio.TimeoutError, TypeError, ValueError, AttributeError):
        await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"join first")
        return ws
    member.push(encode(welcome(chat, room, member)))
    chat.announce_rooms()
    writer = asyncio.create_task(write(ws, member))
    try:
        await read(ws, room, member)
    finally:
        writer.cancel()
        room.leave(member)
        chat.announce_rooms()
    return ws


def welcome(chat: Chat, room: Room, member: Member) -> dict[str, Any]:
    return {
        "type": "welcome",
        "epoch": chat.started_at,
        "room": room.name,
        "you": member.card,
        "members": [other.card for other in room.members.values()],
        "history": list(room.history),
        "limits": {"text": MAX_TEXT, "name": MAX_NAME},
    }


async def write(ws: web.WebSocketResponse, member: Member) -> None:
    """Send what is in the outbox; a slow reader holds up this task and nothing else."""
    try:
        while True:
            await ws.send_str(await member.outbox.get())
    except ConnectionError:
        pass  # The reader sees the end of the connection too, and tidies up.


async def read(ws: web.WebSocketResponse, room: Room, member: Member) -> None:
    async for message in ws:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            handle(json.loads(message.data), room, member)
        except Refused as refusal:
            member.push(encode({"type": "refused", "text": str(refusal)}))
        except (TypeError, ValueError, AttributeError):
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not understood")


def handle(event: dict[str, Any], room: Room, member: Member) -> None:
    """Carry out what one message of the page asks for."""
    match event.get("type"):
        case "say":
            ref = str(event.get("ref", ""))[:64]
            try:
                text = clean_text(event.get("text"))
                member.spend()
            except Refused as refusal:
                member.push(encode({"type": "refused", "text": str(refusal), "ref": ref}))
                return
            room.say(member, text, ref)
        case "typing":
            room.send({"type": "typing", "id": member.id, "on": bool(event.get("on"))}, but=member)
        case "ping":
            member.push(encode({"type": "pong", "ref": str(event.get("ref", ""))[:64]}))
        case other:
            raise ValueError(f"unknown type {other!r}")


def application() -> web.Application:
    app = web.Application()
    app[CHAT] = Chat()
    app.router.add_get("/", page)
    app.router.add_get(r"/{name:chat\.(?:js|css)}", asset)
    app.router.add_get("/chat", talk)
    return app


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))
    address = f"The chat is at http://{host}:{port}  (Ctrl+C stops it)"
    # run_app calls this when it listens.
    web.run_app(
        application(),
        host=host,
        port=port,
        access_log=None,
        print=lambda *_: print(address, flush=True),
    )
