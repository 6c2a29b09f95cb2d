"""A small JSON API, a list of tasks in memory: ``python examples/json_api.py``.

Try ``curl -d '{"title": "Water the plants"}' localhost:8080/tasks`` and
``curl localhost:8080/tasks``.
"""

import itertools
import json
import os
from dataclasses import asdict, dataclass, field

from aiohttp_ws import web


@dataclass
class Task:
    id: int
    title: str
    done: bool = False


@dataclass
class Tasks:
    by_id: dict[int, Task] = field(default_factory=dict)
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))


TASKS = web.AppKey("TASKS", Tasks)
routes = web.RouteTableDef()


@web.middleware
async def errors_as_json(request: web.Request, handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPError as error:  # 4xx and 5xx
        return web.json_response({"error": error.reason}, status=error.status)


async def wanted(request: web.Request) -> dict:
    """The request's JSON object, or 400."""
    try:
        body = await request.json()
    except json.JSONDecodeError:
        raise web.HTTPBadRequest(reason="the body is not JSON") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(reason="the body is not a JSON object")
    return body


def find(request: web.Request) -> Task:
    number = int(request.match_info["id"])
    try:
        return request.app[TASKS].by_id[number]
    except KeyError:
        raise web.HTTPNotFound(reason=f"there is no task {number}") from None


@routes.get("/tasks")
async def list_tasks(request: web.Request) -> web.Response:
    return web.json_response([asdict(task) for task in request.app[TASKS].by_id.values()])


@routes.post("/tasks")
async def add_task(request: web.Request) -> web.Response:
    title = (await wanted(request)).get("title")
    if not isinstance(title, str) or not title.strip():
        raise web.HTTPBadRequest(reason="title must be a text that is not empty")
    tasks = request.app[TASKS]
    task = Task(next(tasks.numbers), title.strip())
    tasks.by_id[task.id] = task
    location = request.app.router["task"].url_for(id=str(task.id))
    return web.json_response(asdict(task), status=201, headers={"Location": str(location)})


@routes.get(r"/tasks/{id:\d+}", name="task")
async def show_task(request: web.Request) -> web.Response:
    return web.json_response(asdict(find(request)))


@routes.patch(r"/tasks/{id:\d+}")
async def change_task(request: web.Request) -> web.Response:
    task, change = find(request), await wanted(request)
    if not isinstance(change.get("done"), bool):
        raise web.HTTPBadRequest(reason="done must be true or false")
    task.done = change["done"]
    return web.json_response(asdict(task))


@routes.delete(r"/tasks/{id:\d+}")
async def remove_task(request: web.Request) -> web.Response:
    del request.app[TASKS].by_id[find(request).id]
    return web.Response(status=204)


def application() -> web.Application:
    app = web.Application(middlewares=[errors_as_json], client_max_size=64 * 1024)
    app[TASKS] = Tasks()
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(application(), host="127.0.0.1", port=int(os.environ.get("PORT", "8080")))
