"""discord.py: a bot on a gateway of ours answers a message, with a file, and hears of it."""

import asyncio
import io
import json
import zlib

import discord
import discord.gateway
import discord.http
import pytest
import yarl
from aiohttp import web

CONTENT = b"\r\n--boundary\0" * 100
BOT = {"id": "1", "username": "bot", "discriminator": "0", "avatar": None, "bot": True}
USER = {"id": "2", "username": "ada", "discriminator": "0", "avatar": None}


def message(number, text, author=USER):
    return {
        "id": str(number),
        "channel_id": "10",
        "author": author,
        "content": text,
        "timestamp": "2026-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "type": 0,
    }


def as_json(data, **settings):
    # Discord names no charset, and the library looks for exactly that.
    return web.Response(body=json.dumps(data).encode(), content_type="application/json", **settings)


class Discord:
    """What stands in for Discord: its REST interface and its gateway."""

    def __init__(self):
        self.identified = asyncio.Queue()
        self.posted = asyncio.Queue()
        self.limited = False
        self.sockets = []
        app = web.Application()
        app.add_routes(
            [
                web.get("/api/users/@me", self.me),
                web.get("/api/oauth2/applications/@me", self.application),
                web.get("/api/channels/10", self.channel),
                web.post("/api/channels/10/messages", self.message),
                web.get("/gateway/", self.gateway),
                web.get("/file.png", self.file),
            ]
        )
        self.runner = web.AppRunner(app)

    async def me(self, request):
        if request.headers["Authorization"] != "Bot token":
            return as_json({"message": "401: Unauthorized", "code": 0}, status=401)
        return as_json(BOT)

    async def application(self, request):
        return as_json(
            {
                "id": "1",
                "name": "bot",
                "description": "",
                "flags": 0,
                "bot_public": True,
                "bot_require_code_grant": False,
                "verify_key": "",
                "owner": USER,
                "icon": None,
                "hook": True,
                "team": None,
                "rpc_origins": None,
            }
        )

    async def channel(self, request):
        return as_json({"id": "10", "type": 1, "recipients": [USER], "last_message_id": None})

    async def file(self, request):
        return web.Response(body=b"\x89PNG", content_type="image/png")

    async def message(self, request):
        if not self.limited:
            self.limited = True
            return as_json(
                {"message": "limited", "retry_after": 0.01, "global": False},
                status=429,
                headers={"Via": "1.1 x", "Retry-After": "0.01"},
            )
        if request.content_type == "multipart/form-data":
            form = await request.post()
            payload = json.loads(form["payload_json"])
            payload["file"] = (form["files[0]"].filename, form["files[0]"].file.read())
        else:
            payload = await request.json()
        await self.posted.put(payload)
        return as_json(message(101, payload["content"], BOT))

    async def gateway(self, request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self.sockets.append(ws)
        compressor = zlib.compressobj()

        async def send(payload):
            data = compressor.compress(json.dumps(payload).encode())
            await ws.send_bytes(data + compressor.flush(zlib.Z_SYNC_FLUSH))

        await send({"op": 10, "d": {"heartbeat_interval": 40_000}})
        async for received in ws:
            asked = json.loads(received.data)
            if asked["op"] == 2:
                await self.identified.put(asked["d"])
                ready = {
                    "v": 10,
                    "user": BOT,
                    "guilds": [],
                    "session_id": "s",
                    "application": {"id": "1", "flags": 0},
                    "private_channels": [],
                    "resume_gateway_url": str(self.gateway_url),
                }
                await send({"op": 0, "t": "READY", "s": 1, "d": ready})
                event = message(100, "hello")
                await send({"op": 0, "t": "MESSAGE_CREATE", "s": 2, "d": event})
            elif asked["op"] == 6:
                await self.identified.put(asked["d"])
                await send({"op": 0, "t": "RESUMED", "s": 3, "d": {}})
        return ws


@pytest.fixture
async def server(monkeypatch):
    fake = Discord()
    await fake.runner.setup()
    await web.TCPSite(fake.runner, "127.0.0.1", 0).start()
    port = fake.runner.addresses[0][1]
    fake.gateway_url = yarl.URL(f"ws://127.0.0.1:{port}/gateway/")
    fake.url = f"http://127.0.0.1:{port}"
    monkeypatch.setattr(discord.http.Route, "BASE", f"{fake.url}/api")
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", fake.gateway_url)
    # The stream is compressed as a whole in a way that every version can read.
    monkeypatch.setattr(
        discord.utils, "_ActiveDecompressionContext", discord.utils._ZlibDecompressionContext
    )
    yield fake
    await fake.runner.cleanup()


class Bot(discord.Client):
    def __init__(self):
        super().__init__(intents=discord.Intents.default())
        self.was_ready = asyncio.Event()
        self.was_resumed = asyncio.Event()

    async def on_ready(self):
        self.was_ready.set()

    async def on_resumed(self):
        self.was_resumed.set()

    async def on_message(self, received):
        if received.author.id != 2:
            return
        file = discord.File(io.BytesIO(CONTENT), filename="answer.py")
        await received.channel.send(f"answer to {received.content}", file=file)


@pytest.fixture
async def bot(server):
    bot = Bot()
    running = asyncio.create_task(bot.start("token"))
    yield bot
    await bot.close()
    await asyncio.wait_for(running, 10)


@pytest.mark.asyncio
async def test_message_is_answered_with_a_file_after_a_rate_limit(server, bot):
    assert (await asyncio.wait_for(server.identified.get(), 10))["token"] == "token"
    posted = await asyncio.wait_for(server.posted.get(), 10)
    assert posted["content"] == "answer to hello"
    assert posted["file"] == ("answer.py", CONTENT)


@pytest.mark.asyncio
async def test_session_is_resumed_after_the_gateway_closed(server, bot):
    await asyncio.wait_for(bot.was_ready.wait(), 10)
    await asyncio.wait_for(server.identified.get(), 10)
    await server.sockets[0].close(code=4000)
    assert (await asyncio.wait_for(server.identified.get(), 20))["session_id"] == "s"
    await asyncio.wait_for(bot.was_resumed.wait(), 10)


@pytest.mark.asyncio
async def test_file_of_a_url_is_read(server, bot):
    await asyncio.wait_for(bot.was_ready.wait(), 10)
    assert await bot.http.get_from_cdn(f"{server.url}/file.png") == b"\x89PNG"
    with pytest.raises(discord.NotFound):
        await bot.http.get_from_cdn(f"{server.url}/absent.png")


@pytest.mark.asyncio
async def test_token_that_is_refused_has_its_error(server):
    async with discord.Client(intents=discord.Intents.none()) as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("wrong")
