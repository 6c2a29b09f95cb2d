"""aiohttp-pydantic: views whose parameters are read from annotations."""

import pytest
from aiohttp import web
from aiohttp_pydantic import PydanticView, oas
from aiohttp_pydantic.decorator import inject_params
from pydantic import BaseModel


class Pet(BaseModel):
    name: str
    age: int = 0


class Pets(PydanticView):
    async def get(self, number: int, /, limit: int = 5, *, signature: str):
        """A pet by its number."""
        return web.json_response({"number": number, "limit": limit, "signature": signature})

    async def post(self, number: int, /, pet: Pet):
        return web.json_response(pet.model_dump(), status=201)


@inject_params
async def hello(name: str):
    return web.Response(text=f"Hello {name}")


@pytest.fixture
async def client(aiohttp_client):
    app = web.Application()
    oas.setup(app)
    app.router.add_view("/pets/{number}", Pets)
    app.router.add_get("/hello", hello)
    return await aiohttp_client(app)


async def test_path_query_and_headers_are_injected(client):
    async with client.get("/pets/7?limit=2", headers={"signature": "s"}) as response:
        assert await response.json() == {"number": 7, "limit": 2, "signature": "s"}


async def test_what_is_invalid_is_told(client):
    async with client.get("/pets/7?limit=x", headers={"signature": "s"}) as response:
        assert response.status == 400
        assert [fault["loc"] for fault in await response.json()] == [["limit"]]


async def test_body_becomes_a_model(client):
    async with client.post("/pets/7", json={"name": "Rex"}) as response:
        assert (response.status, await response.json()) == (201, {"name": "Rex", "age": 0})
    async with client.post("/pets/7", json={"age": "old"}) as response:
        assert response.status == 400


async def test_method_that_is_not_defined_is_405(client):
    async with client.delete("/pets/7") as response:
        assert response.status == 405
        assert set(response.headers["Allow"].split(",")) == {"GET", "POST"}


async def test_function_is_a_handler(client):
    async with client.get("/hello", params={"name": "Ada"}) as response:
        assert await response.text() == "Hello Ada"


async def test_specification_is_served(client):
    async with client.get("/oas/spec") as response:
        assert "/pets/{number}" in (await response.json())["paths"]
    async with client.get("/oas") as response:
        assert response.status == 200
