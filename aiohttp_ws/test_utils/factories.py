"""What the pytest fixtures do: start servers and clients of the right library, and close them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aiohttp_ws.exports import installed_as_aiohttp
from aiohttp_ws.test_utils.client import TestClient
from aiohttp_ws.test_utils.servers import BaseTestServer, RawTestServer, TestServer
from aiohttp_ws.web import Application

if TYPE_CHECKING:
    from aiohttp_ws.test_utils.fixture_types import AiohttpClient, AiohttpRawServer, AiohttpServer

__all__ = ("class_for_both", "clients", "library_of", "raw_servers", "servers")

OURS = "aiohttp_ws"
THEIRS = "aiohttp"

_ServerT = TypeVar("_ServerT", bound=BaseTestServer)
_Factory = Callable[..., Awaitable[Any]]
_ClientClass = type[TestClient[Any, Any]]

# ------------------------------------------------------------------ which library


def library_of(handler: Any) -> str:
    """Return ``"aiohttp"`` when a handler is written for aiohttp, else ``"aiohttp_ws"``.

    The handler's own words decide: its annotations first, then the modules, classes and
    functions that its code names. A handler that names neither library, or both, is taken for
    this package's, so that a test suite written for it means the same with and without
    pytest-aiohttp.
    """
    while isinstance(handler, functools.partial):
        handler = handler.func
    if not inspect.isroutine(handler):
        handler = getattr(handler, "__call__", handler)  # noqa: B004  An instance's, for its code.
    handler = inspect.unwrap(handler)
    for objects in (_annotations(handler), _names_used(handler)):
        roots = {_root(each) for each in objects} & {OURS, THEIRS}
        if len(roots) == 1:
            return roots.pop()
    return OURS


def _annotations(handler: Any) -> list[object]:
    try:
        return list(inspect.get_annotations(handler, eval_str=True).values())
    except Exception:  # An annotation may name what is imported for type checkers only.
        return []


def _names_used(handler: Any) -> list[object]:
    try:
        names = inspect.getclosurevars(handler)
    except TypeError:  # Not written in Python.
        return []
    return [*names.globals.values(), *names.nonlocals.values()]


def _root(thing: object) -> str:
    module: object
    if isinstance(thing, ModuleType):
        module = thing.__name__
    else:
        module = getattr(thing, "__module__", None) or type(thing).__module__
    root = str(module).partition(".")[0]
    return OURS if root == THEIRS and installed_as_aiohttp() else root


def _passed_on(name: str, thing: object, theirs: _Factory | None) -> _Factory:
    """Return pytest-aiohttp's factory, for what is not this package's."""
    if theirs is None:
        raise TypeError(
            f"{name}() got {thing!r}, which is not of aiohttp_ws; "
            "pip install pytest-aiohttp to test aiohttp's own with the same fixture"
        )
    return theirs


# ---------------------------------------------------------------------- factories

_CONSTRUCTOR = ("host", "scheme", "skip_url_asserts", "socket_factory")


async def _started(
    stack: AsyncExitStack, make: Callable[..., _ServerT], served: Any, kwargs: dict[str, Any]
) -> _ServerT:
    chosen = {name: kwargs.pop(name) for name in _CONSTRUCTOR if name in kwargs}
    server = make(served, port=kwargs.pop("port", None), **chosen)
    stack.push_async_callback(server.close)
    await server.start_server(**kwargs)
    return server


@asynccontextmanager
async def servers(theirs: _Factory | None) -> AsyncIterator[AiohttpServer]:
    async with AsyncExitStack() as stack:

        async def start(app: Any, **kwargs: Any) -> Any:
            if not isinstance(app, Application):
                return await _passed_on("aiohttp_server", app, theirs)(app, **kwargs)
            return await _started(stack, TestServer, app, kwargs)

        yield start


@asynccontextmanager
async def raw_servers(theirs: _Factory | None) -> AsyncIterator[AiohttpRawServer]:
    async with AsyncExitStack() as stack:

        async def start(handler: Any, *, library: str | None = None, **kwargs: Any) -> Any:
            if library is None:
                library = library_of(handler)
            elif library not in (OURS, THEIRS):
                raise ValueError(f"library must be {OURS!r} or {THEIRS!r}, not {library!r}")
            if library == THEIRS:
                return await _passed_on("aiohttp_raw_server", handler, theirs)(handler, **kwargs)
            return await _started(stack, RawTestServer, handler, kwargs)

        yield start


@asynccontextmanager
async def clients(theirs: _Factory | None, chosen: type) -> AsyncIterator[AiohttpClient]:
    # A test suite may have overridden aiohttp_client_cls with a class of aiohttp's.
    make = cast(_ClientClass, chosen if issubclass(chosen, TestClient) else TestClient)

    async with AsyncExitStack() as stack:

        async def start(
            app_or_server: Any, *, server_kwargs: dict[str, Any] | None = None, **kwargs: Any
        ) -> Any:
            server = app_or_server
            if isinstance(app_or_server, Application):
                server = TestServer(app_or_server, **(server_kwargs or {}))
            elif not isinstance(app_or_server, BaseTestServer):
                if server_kwargs is not None:
                    kwargs["server_kwargs"] = server_kwargs
                passed_on = _passed_on("aiohttp_client", app_or_server, theirs)
                return await passed_on(app_or_server, **kwargs)
            client = make(server, **kwargs)
            stack.push_async_callback(client.close)
            await client.start_server()
            return client

        yield start


def class_for_both(theirs: type) -> _ClientClass:
    class EitherTestClient(TestClient[Any, Any]):
        """Gives a client of the library that the server belongs to."""

        def __new__(cls, server: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(server, BaseTestServer):
                return super().__new__(cls)
            return theirs(server, *args, **kwargs)

    return EitherTestClient
