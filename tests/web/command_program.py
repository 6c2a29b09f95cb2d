"""What ``python -m aiohttp_ws.web`` serves in the tests."""

from aiohttp_ws import web


def make(argv: list[str]) -> web.Application:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(argv)

    app = web.Application()
    app.add_routes([web.get("/", handler)])
    return app


async def make_later(argv: list[str]) -> web.Application:
    return make([*argv, "later"])
