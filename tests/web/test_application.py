"""Applications: state, signals, contexts, and the states of their life."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from aiohttp_ws import web
from aiohttp_ws.test_utils import make_mocked_request
from tests.web.serving import serving

NUMBER = web.AppKey("number", int)


async def handler(request):
    return web.Response(text="hello")


# ------------------------------------------------------------------------------- state


def test_an_application_is_a_mapping():
    app = web.Application()
    app[NUMBER] = 1
    assert app[NUMBER] == 1
    assert NUMBER in app
    assert list(app) == [NUMBER]
    assert len(app) == 1
    assert app.get(web.AppKey("none", str)) is None
    assert app.get("none", 5) == 5
    del app[NUMBER]
    with pytest.raises(KeyError):
        app[NUMBER]


def test_an_empty_application_is_true_and_equal_to_itself_only():
    app = web.Application()
    assert app
    assert app == app
    assert app != web.Application()
    assert app() is app


def test_a_plain_key_warns():
    app = web.Application()
    with pytest.warns(web.NotAppKeyWarning, match="AppKey"):
        app["key"] = 1
    assert app["key"] == 1


def test_keys_are_equal_to_themselves_only_and_show_their_origin():
    key = web.AppKey("number", int)
    assert key != NUMBER
    assert repr(key).endswith(".number, type=int)>")
    assert "type=str" in repr(web.AppKey[str]("s"))
    assert "Unknown" in repr(web.AppKey("u"))


def test_state_of_a_started_application_should_not_change():
    app = web.Application()
    app[NUMBER] = 1
    app.freeze()
    with pytest.warns(DeprecationWarning, match="state"):
        app[NUMBER] = 2
    with pytest.warns(DeprecationWarning, match="state"):
        del app[NUMBER]


# -------------------------------------------------------------------------- being frozen


def test_a_frozen_application_takes_nothing_more():
    app = web.Application()
    app.freeze()
    app.freeze()
    assert app.frozen
    assert app.pre_frozen
    for addition in (
        lambda: app.middlewares.append(handler),
        lambda: app.on_startup.append(handler),
        lambda: app.on_response_prepare.append(handler),
        lambda: app.cleanup_ctx.append(handler),
        lambda: app.router.add_get("/", handler),
        lambda: app.add_subapp("/x", web.Application()),
    ):
        with pytest.raises(RuntimeError):
            addition()


@pytest.mark.parametrize("name", ["router", "loop", "debug"])
def test_deprecated_arguments_warn(name):
    value = web.UrlDispatcher() if name == "router" else True
    with pytest.warns(DeprecationWarning, match=name):
        web.Application(**{name: value})


def test_deprecated_properties_warn():
    app = web.Application()
    for name in ("loop", "debug"):
        with pytest.warns(DeprecationWarning, match=name):
            getattr(app, name)


def test_a_middleware_that_is_not_callable_is_named():
    app = web.Application(middlewares=[5])
    with pytest.raises(TypeError, match="5"):
        app.freeze()


def test_subclassing_warns():
    with pytest.warns(DeprecationWarning, match="Mine"):

        class Mine(web.Application):
            pass


# ------------------------------------------------------------------- signals and contexts


async def test_signals_reach_nested_applications_in_order():
    said = []

    def listen(app, name):
        for signal in ("on_startup", "on_shutdown", "on_cleanup"):

            async def receive(sender, signal=signal):
                assert sender is app
                said.append(f"{name} {signal}")

            getattr(app, signal).append(receive)

    app, sub = web.Application(), web.Application()
    listen(app, "app")
    listen(sub, "sub")
    app.add_subapp("/sub", sub)
    app.freeze()
    await app.startup()
    await app.shutdown()
    await app.cleanup()
    assert said == [
        f"{name} {signal}"
        for signal in ("on_startup", "on_shutdown", "on_cleanup")
        for name in ("app", "sub")
    ]


async def test_contexts_are_left_in_reverse_order():
    said = []

    def generator(name):
        async def context(app):
            said.append(f"enter {name}")
            yield
            said.append(f"leave {name}")

        return context

    @contextlib.asynccontextmanager
    async def manager(app):
        said.append("enter manager")
        yield
        said.append("leave manager")

    app = web.Application()
    app.cleanup_ctx.extend([generator("a"), manager, generator("b")])
    app.freeze()
    await app.startup()
    assert said == ["enter a", "enter manager", "enter b"]
    await app.cleanup()
    assert said[3:] == ["leave b", "leave manager", "leave a"]


async def test_contexts_entered_before_a_failing_one_are_left():
    said = []

    async def good(app):
        yield
        said.append("left")

    async def bad(app):
        raise ValueError("no")
        yield

    app = web.Application()
    app.cleanup_ctx.extend([good, bad])
    app.freeze()
    with pytest.raises(ValueError, match="no"):
        await app.startup()
    await app.cleanup()
    assert said == ["left"]


async def test_one_failing_context_raises_its_own_exception():
    async def failing(app):
        yield
        raise ValueError("one")

    app = web.Application()
    app.cleanup_ctx.append(failing)
    app.freeze()
    await app.startup()
    with pytest.raises(ValueError, match="one"):
        await app.cleanup()


async def test_several_failing_contexts_raise_a_cleanup_error_after_all_were_left():
    said = []

    def failing(name):
        async def context(app):
            yield
            said.append(name)
            raise ValueError(name)

        return context

    app = web.Application()
    app.cleanup_ctx.extend([failing("a"), failing("b"), failing("c")])
    app.freeze()
    await app.startup()
    with pytest.raises(web.CleanupError) as caught:
        await app.cleanup()
    assert said == ["c", "b", "a"]
    assert [str(exc) for exc in caught.value.exceptions] == ["c", "b", "a"]


async def test_a_context_must_yield_once():
    async def twice(app):
        yield
        yield

    app = web.Application()
    app.cleanup_ctx.append(twice)
    app.freeze()
    await app.startup()
    with pytest.raises(RuntimeError, match="stop"):
        await app.cleanup()


async def test_what_is_no_context_is_named():
    app = web.Application()
    app.cleanup_ctx.append(lambda app: 5)
    app.freeze()
    with pytest.raises(TypeError, match="5"):
        await app.startup()


# ------------------------------------------------------------------------------ requests


async def ask(app, method, path, **headers):
    app.freeze()
    return await app._handle(make_mocked_request(method, path, headers=headers, app=app))


async def test_a_request_is_answered_by_its_handler():
    app = web.Application()
    app.router.add_get("/", handler)
    assert (await ask(app, "GET", "/")).text == "hello"


@pytest.mark.parametrize(("method", "path", "error"), [
    ("GET", "/zz", web.HTTPNotFound),
    ("POST", "/", web.HTTPMethodNotAllowed),
])  # fmt: skip
async def test_what_nothing_matches_raises(method, path, error):
    app = web.Application()
    app.router.add_get("/", handler)
    with pytest.raises(error):
        await ask(app, method, path)


async def test_handlers_see_the_application_and_its_outer_ones():
    async def look(request):
        assert request.app is sub
        assert request.config_dict[NUMBER] == 1
        return web.Response(text=request.match_info["x"])

    app, sub = web.Application(), web.Application()
    app[NUMBER] = 1
    sub.router.add_get("/{x}", look)
    app.add_subapp("/sub", sub)
    assert (await ask(app, "GET", "/sub/v")).text == "v"


async def test_an_unknown_expectation_is_417():
    app = web.Application()
    app.router.add_post("/", handler)
    with pytest.raises(web.HTTPExpectationFailed):
        await ask(app, "POST", "/", Expect="miracles")


async def test_100_is_sent_when_the_handler_reads_the_body_and_not_before():
    async def read(request):
        return web.Response(text=await request.text())

    app = web.Application()
    app.router.add_post("/read", read)
    app.router.add_post("/ignore", handler)
    async with serving(app) as site:
        for path, interim in (("/read", True), ("/ignore", False)):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                "Expect: 100-continue\r\n\r\n".encode()
            )
            first = await reader.readline()
            assert (first == b"HTTP/1.1 100 Continue\r\n") is interim
            if interim:
                await reader.readline()
                writer.write(b"ok")
                assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.close()
            await writer.wait_closed()
        answer = await site.ask("/read", "POST", Expect="miracles", Content_Length="0")
        assert (answer.status, answer.body) == (417, b"Unknown Expect: miracles")


async def test_a_route_may_have_its_own_expect_handler():
    async def refuse(request):
        return web.Response(status=400, text=request.headers["Expect"])

    async def accept(request):
        return None

    app = web.Application()
    app.router.add_post("/refused", handler, expect_handler=refuse)
    app.router.add_post("/accepted", handler, expect_handler=accept)
    assert (await ask(app, "POST", "/refused", Expect="100-continue")).text == "100-continue"
    assert (await ask(app, "POST", "/accepted", Expect="anything")).text == "hello"


def test_the_logger_may_be_replaced():
    logger = logging.getLogger("mine")
    assert web.Application(logger=logger).logger is logger


async def test_make_handler_is_deprecated():
    with pytest.warns(DeprecationWarning, match="AppRunner"):
        server = web.Application().make_handler()
    assert isinstance(server, web.Server)
    await asyncio.wait_for(server.shutdown(1), 5)
