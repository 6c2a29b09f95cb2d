"""aiohttp-swagger3: requests are validated by the handlers' documentation."""

import pytest
from aiohttp import web
from aiohttp_swagger3 import SwaggerDocs, SwaggerInfo, SwaggerUiSettings


@pytest.fixture
async def client(aiohttp_client):
    app = web.Application()
    docs = SwaggerDocs(
        app,
        info=SwaggerInfo(title="pets", version="1"),
        swagger_ui_settings=SwaggerUiSettings(path="/docs/"),
    )
    docs.add_routes(
        [
            web.get("/pets/{number}", pet, name="pet"),
            web.post("/pets", adopted),
            web.view("/view", PetView),
        ]
    )
    return await aiohttp_client(app)


async def pet(request: web.Request, number: int, greeting: str = "hi") -> web.Response:
    """
    A pet.
    ---
    parameters:
      - {name: number, in: path, required: true, schema: {type: integer, minimum: 1}}
      - {name: greeting, in: query, schema: {type: string, maxLength: 5}}
    responses:
      '200': {description: a pet}
    """
    return web.json_response({"number": number, "greeting": greeting})


async def adopted(request: web.Request, body: dict) -> web.Response:
    """
    ---
    requestBody:
      required: true
      content:
        application/json:
          schema:
            type: object
            required: [name]
            properties: {name: {type: string}}
        application/x-www-form-urlencoded:
          schema:
            type: object
            required: [age]
            properties: {age: {type: integer}}
    responses:
      '201': {description: adopted}
    """
    return web.json_response({key: str(value) for key, value in body.items()}, status=201)


class PetView(web.View):
    async def get(self, tail: int) -> web.Response:
        """
        ---
        parameters:
          - {name: tail, in: query, required: true, schema: {type: integer}}
        responses:
          '200': {description: fine}
        """
        return web.json_response({"tail": tail})


async def test_parameters_are_converted_and_validated(client):
    async with client.get("/pets/3", params={"greeting": "hello"}) as response:
        assert await response.json() == {"number": 3, "greeting": "hello"}
    async with client.get("/pets/0", params={"greeting": "too long"}) as response:
        assert response.status == 400
        text = await response.text()
    assert "number" in text
    assert "greeting" in text


async def test_json_body_is_validated(client):
    async with client.post("/pets", json={"name": "Rex"}) as response:
        assert (response.status, await response.json()) == (201, {"name": "Rex"})
    async with client.post("/pets", json={"nom": "Rex"}) as response:
        assert response.status == 400


async def test_form_is_validated(client):
    async with client.post("/pets", data={"age": 3}) as response:
        assert (response.status, await response.json()) == (201, {"age": "3"})
    async with client.post("/pets", data={"age": "old"}) as response:
        assert response.status == 400


async def test_view_gets_its_parameters(client):
    async with client.get("/view", params={"tail": "2"}) as response:
        assert await response.json() == {"tail": 2}


async def test_document_and_its_page_are_served(client):
    async with client.get("/docs/swagger.json") as response:
        document = await response.json()
    assert set(document["paths"]) >= {"/pets/{number}", "/pets"}
    async with client.get("/docs/") as response:
        assert response.content_type == "text/html"
        assert "swagger" in (await response.text()).lower()
