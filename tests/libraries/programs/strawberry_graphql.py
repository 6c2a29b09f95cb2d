"""strawberry-graphql: a schema over HTTP, as uploads, and as subscriptions on a WebSocket."""

import asyncio
import json
from collections.abc import AsyncGenerator

import aiohttp
import pytest
import strawberry
from aiohttp import web
from strawberry.aiohttp.views import GraphQLView
from strawberry.file_uploads import Upload


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"Hello {name}"

    @strawberry.field
    async def header(self, info: strawberry.Info) -> str:
        return info.context["request"].headers["X-Asked"]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def read(self, text: Upload) -> str:
        return text.read().decode()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int = 3) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number
            await asyncio.sleep(0)


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)


@pytest.fixture
async def client(aiohttp_client):
    app = web.Application()
    view = GraphQLView(schema=SCHEMA, multipart_uploads_enabled=True)
    app.router.add_route("*", "/graphql", view)
    return await aiohttp_client(app)


async def test_query_by_post_and_get(client):
    query = '{ hello(name: "Ada") }'
    async with client.post("/graphql", json={"query": query}) as response:
        assert await response.json() == {"data": {"hello": "Hello Ada"}}
    async with client.get("/graphql", params={"query": query}) as response:
        assert await response.json() == {"data": {"hello": "Hello Ada"}}


async def test_context_has_the_request(client):
    async with client.post(
        "/graphql", json={"query": "{ header }"}, headers={"X-Asked": "yes"}
    ) as response:
        assert await response.json() == {"data": {"header": "yes"}}


async def test_file_is_uploaded(client):
    form = aiohttp.FormData()
    query = "mutation($text: Upload!) { read(text: $text) }"
    form.add_field("operations", json.dumps({"query": query, "variables": {"text": None}}))
    form.add_field("map", json.dumps({"text": ["variables.text"]}))
    form.add_field("text", b"content", filename="a.txt", content_type="text/plain")
    async with client.post("/graphql", data=form) as response:
        assert await response.json() == {"data": {"read": "content"}}


@pytest.mark.parametrize("protocol", ["graphql-transport-ws", "graphql-ws"])
async def test_subscription(client, protocol):
    start = {"graphql-transport-ws": "subscribe", "graphql-ws": "start"}[protocol]
    async with client.ws_connect("/graphql", protocols=[protocol]) as ws:
        assert ws.protocol == protocol
        await ws.send_json({"type": "connection_init"})
        assert (await ws.receive_json())["type"] == "connection_ack"
        payload = {"query": "subscription { count }"}
        await ws.send_json({"id": "1", "type": start, "payload": payload})
        counted = []
        while (message := await ws.receive_json())["type"] != "complete":
            if message["type"] != "ka":
                counted.append(message["payload"]["data"]["count"])
    assert counted == [0, 1, 2]


async def test_page_for_people(client):
    async with client.get("/graphql", headers={"Accept": "text/html"}) as response:
        assert response.content_type == "text/html"


async def test_request_that_is_not_a_query_is_refused(client):
    async with client.post("/graphql", data=b"nonsense") as response:
        assert response.status in (400, 415)
