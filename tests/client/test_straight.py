"""A call that goes straight, on a kept connection and from prepared parts, acts as any other.

Each test makes its call both ways; ``session._request`` is given to the session itself to keep a
call from going straight, as a recorder does that replaces it.
"""

import asyncio
import gc
import json
import socket
import threading
import weakref
from unittest import mock

import pytest
from aiohttp import web

from aiohttp_ws import errors
from aiohttp_ws.client import ClientSession, ClientTimeout, CookieJar, TCPConnector
from aiohttp_ws.client.prepared import SETTINGS
from tests.client.waiting import until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

pytestmark = pytest.mark.filterwarnings("ignore:ClientResponse.output_size:DeprecationWarning")


@pytest.fixture(params=["straight", "general"])
def way(request):
    return request.param


@pytest.fixture
def warm(way, session):
    """Make a session whose connection to a URL is kept."""

    async def make(url, to=session):
        await (await to.get(url)).read()
        if way == "general":
            to._request = to._request
        return to

    return make


def went(response):
    return "straight" if response._asked is not None else "general"


CALLS = {
    "get": ("GET", {}),
    "head": ("HEAD", {}),
    "delete": ("DELETE", {}),
    "own": ("REPORT", {}),
    "lower": ("get", {}),
    "json": ("POST", {"json": {"a": [1, "é"]}}),
    "bytes": ("PUT", {"data": b"\0\1"}),
    "large": ("PUT", {"data": b"x" * 400_000}),
    "empty": ("POST", {"data": b""}),
    "nothing": ("POST", {}),
    "params": ("GET", {"params": {"q": "a b", "é": "ü"}}),
    "headers": ("GET", {"headers": {"X-One": "1", "X-Two": "é"}}),
    "pairs": ("GET", {"headers": [("X-One", "1"), ("X-One", "2")]}),
    "over": ("GET", {"headers": {"accept": "text/html", "x-session": "mine", "Host": "a.example"}}),
    "typed": ("POST", {"json": 1, "headers": {"Content-Type": "application/merge-patch+json"}}),
    "fixed": ("POST", {"data": b"ab", "headers": {"Content-Length": "2"}}),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("cookies", [{}, {"c": "1"}], ids=["", "cookies"])
async def test_the_same_bytes_are_sent(raw, way, name, cookies):
    received = []

    async def talk(reader, writer):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if line)
            received.append(head + await reader.readexactly(int(fields.get(b"content-length", 0))))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    server = await raw(talk)
    method, options = CALLS[name]
    jar = CookieJar(unsafe=True)
    jar.update_cookies(cookies, server.url)
    async with ClientSession(headers={"X-Session": "s"}, cookie_jar=jar) as session:
        await session.get(server.url)
        sent = []
        for keep_from in (False, True):
            if keep_from:
                session._request = session._request
            async with session.request(method, server.url / "p%20q?é=#f", **options) as response:
                sent.append((went(response), response.request_info, response.output_size))
        assert received[1] == received[2]
        assert [entry[0] for entry in sent] == ["straight", "general"]
        assert sent[0][1:] == sent[1][1:]


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
        b"HTTP/1.1 404 Not Here\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ],
)
@pytest.mark.parametrize("read", ["read", "text", "content", "pieces", "later"])
async def test_the_same_response_is_handed_out(raw, warm, way, answer, read):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        while True:
            await server.head(reader)
            writer.write(answer)

    server = await raw(talk)
    session = await warm(server.url)
    async with session.get(server.url) as response:
        assert went(response) == way
        body = b"ok" if answer.endswith((b"ok", b"ok\r\n0\r\n\r\n")) else b""
        if read == "read":
            assert await response.read() == await response.read() == body
            assert await response.content.read() == b""
        elif read == "text":
            assert await response.text() == body.decode()
        elif read == "content":
            assert await response.content.read() == body
            assert response.content.at_eof()
            assert response.content.total_bytes == len(body)
        elif read == "pieces":
            assert await response.content.read(1) == body[:1]
            assert await response.read() == body[1:]
        head = answer.rpartition(b"HTTP/1.1 ")[2].split(b"\r\n")[0].decode()
        assert (str(response.status), response.reason) == tuple(head.split(" ", 1))
        assert response.version == (1, 1)
        assert response.method == "GET"
        assert response.url == response.real_url == server.url
        assert response.history == ()
        assert response.headers.getall("X-A", []) == (["1", "2"] if b"X-A" in answer else [])
        assert repr(response).startswith(f"<ClientResponse({server.url}) [{head}]>")
    assert response.closed
    assert response.connection is None
    if read == "later":
        with pytest.raises(errors.ClientConnectionError):
            await response.read()
        with pytest.raises(errors.ClientConnectionError):
            await response.content.read()
    assert session.connector._taken == 0
    assert session.connector._idle_count == (b"close" not in answer)


async def test_a_response_that_is_awaited_can_be_read_after_its_context(raw, warm, way):
    server = await raw(OK)
    session = await warm(server.url)
    response = await session.get(server.url)
    assert went(response) == way
    assert response.connection is None
    async with response:
        pass
    with pytest.raises(errors.ClientConnectionError):
        await response.read()


async def test_a_body_that_comes_later_is_read_as_it_comes(raw, warm, way):
    more = asyncio.Event()

    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        await server.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await more.wait()
        writer.write(b"cd")
        await reader.read()

    server = await raw(talk)
    session = await warm(server.url)
    async with session.get(server.url) as response:
        assert went(response) == way
        assert session.connector._taken == 1
        assert response.connection is not None
        assert await response.content.readany() == b"ab"
        more.set()
        assert await response.read() == b"cd"
        assert response.connection is None
        assert session.connector._taken == 0


async def test_a_response_left_early_closes_its_connection(raw, warm, way):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        await server.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        assert await reader.read() == b""

    server = await raw(talk)
    session = await warm(server.url)
    async with session.get(server.url) as response:
        assert went(response) == way
    connector = session.connector
    assert (connector._taken, connector._idle_count, len(connector._in_use)) == (0, 0, 0)


@pytest.mark.parametrize("limit", ["total", "sock_read"])
@pytest.mark.parametrize("where", ["session", "call"])
async def test_limits_of_time_hold(raw, way, limit, where):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        assert await reader.read(5) == b"GET /"
        await reader.read()

    server = await raw(talk)
    timeout = ClientTimeout(**{limit: 0.05})
    async with ClientSession(**({"timeout": timeout} if where == "session" else {})) as session:
        await (await session.get(server.url)).read()
        if way == "general":
            session._request = session._request
        with pytest.raises(
            asyncio.TimeoutError if limit == "total" else errors.SocketTimeoutError
        ) as caught:
            await session.get(server.url, **({"timeout": timeout} if where == "call" else {}))
        assert f"{limit}=0.05" in str(caught.value)
        assert session.connector._taken == 0
    assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_kept_connection_that_was_closed_is_replaced_where_it_may_be(raw, warm, method):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        if server.connections == 1:
            await server.head(reader)  # and closes in the place of an answer

    server = await raw(talk)
    session = await warm(server.url)
    if method == "GET":
        assert await (await session.get(server.url)).read() == b"ok"
        assert server.connections == 2
        assert [head.split()[0] for head in server.requests] == [b"GET"] * 3
    else:
        with pytest.raises(errors.ServerDisconnectedError):
            await session.post(server.url, json=1)
        assert server.connections == 1
    assert session.connector._taken == 0


def with_small_buffer(address):
    sock = socket.socket(family=address[0], type=address[1], proto=address[2])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return sock


async def test_a_body_that_the_server_does_not_read_closes_the_connection(raw, warm, way):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        await server.head(reader)
        writer.transport.pause_reading()
        writer.write(OK.replace(b"200 OK", b"413 Too Large"))
        await done.wait()

    done = asyncio.Event()
    server = await raw(talk)
    connector = TCPConnector(socket_factory=with_small_buffer)
    async with ClientSession(connector=connector) as session:
        await warm(server.url, session)
        async with session.post(server.url, data=b"x" * 2**20) as response:
            assert went(response) == way
            assert response.status == 413
            assert await response.read() == b"ok"
        await until(lambda: not connector._taken)
        assert connector._idle_count == 0
    done.set()


async def test_a_session_that_is_closed_meanwhile_ends_the_call(raw, warm):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        await server.head(reader)
        await reader.read()

    server = await raw(talk)
    session = await warm(server.url)
    task = asyncio.ensure_future(session.get(server.url))
    await until(lambda: len(server.requests) == 2)
    await session.close()
    with pytest.raises(errors.ClientConnectionError, match="Connector is closed"):
        await task


@pytest.mark.parametrize("end", ["cancel", "timeout"])
async def test_a_call_that_is_given_up_closes_its_connection(raw, warm, way, end):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        await server.head(reader)
        assert await reader.read() == b""

    async def call():
        async with session.get(server.url) as response:
            return response

    server = await raw(talk)
    session = await warm(server.url)
    if end == "cancel":
        task = asyncio.create_task(call())
        await until(lambda: len(server.requests) == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call(), 0.05)
    connector = session.connector
    assert (connector._taken, connector._idle_count, len(connector._in_use)) == (0, 0, 0)


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", OK.replace(b"OK", b"x" * 9000)])
async def test_what_is_not_http_is_told(raw, warm, way, answer):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        await server.head(reader)
        writer.write(answer)

    server = await raw(talk)
    session = await warm(server.url)
    with pytest.raises(errors.ClientResponseError) as caught:
        await session.get(server.url)
    assert caught.value.status == 400
    assert caught.value.request_info.url == server.url
    assert isinstance(caught.value.__cause__, errors.BadHttpMessage)
    assert session.connector._taken == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_redirects_are_followed(serve, warm, way, status, method):
    async def redirect(request):
        return web.Response(status=status, headers={"Location": "/last", "Set-Cookie": "a=b"})

    async def last(request):
        return web.json_response([request.method, await request.text(), dict(request.cookies)])

    url = await serve({"/": redirect, "/last": last, "/warm": last})
    session = await warm(url / "warm")
    data = {"json": {"a": 1}} if method == "POST" else {}
    async with session.request(method, url, **data) as response:
        becomes_get = method == "GET" or status < 307
        assert await response.json() == [
            "GET" if becomes_get else "POST",
            "" if becomes_get else json.dumps({"a": 1}),
            {"a": "b"},
        ]
        assert response.url == url / "last"
        assert [went(past) for past in response.history] == [way]
        assert [past.url for past in response.history] == [url]
    async with session.request(method, url, allow_redirects=False, **data) as response:
        assert (went(response), response.status, response.history) == (way, status, ())
    assert session.connector._taken == 0


async def test_cookies_of_responses_are_kept(raw, warm, way):
    server = await raw(OK.replace(b"\r\n\r\n", b"\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"))
    session = await warm(server.url)
    session.cookie_jar.clear()
    async with session.get(server.url) as response:
        assert went(response) == way
        assert set(response.cookies) == {"a", "b"}
    assert {cookie.key for cookie in session.cookie_jar} == {"a", "b"}


async def test_a_jar_that_raises_costs_no_connection(raw, warm, way):
    async def talk(reader, writer):
        await server.head(reader)
        writer.write(OK)
        await server.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 9\r\n\r\n")
        assert await reader.read() == b""

    server = await raw(talk)
    session = await warm(server.url)
    with (
        mock.patch.object(session.cookie_jar, "update_cookies_from_headers", side_effect=KeyError),
        pytest.raises(KeyError),
    ):
        await session.get(server.url)
    connector = session.connector
    assert (connector._taken, connector._idle_count, len(connector._in_use)) == (0, 0, 0)


@pytest.mark.parametrize("how", ["flag", "function"])
async def test_statuses_are_checked_where_the_session_says_so(serve, way, how):
    checked = []

    async def check(response):
        checked.append(response.status)
        response.raise_for_status()

    async def handler(request):
        return web.Response(status=int(request.path[1:]))

    url = await serve(handler)
    async with ClientSession(raise_for_status=True if how == "flag" else check) as session:
        await session.get(url / "200")
        if way == "general":
            session._request = session._request
        assert (await session.get(url / "200")).status == 200
        with pytest.raises(errors.ClientResponseError) as caught:
            await session.get(url / "418")
        assert caught.value.status == 418
        assert checked == ([200, 200, 418] if how == "function" else [])
        assert session.connector._taken == 0


async def test_calls_beyond_the_limit_wait_for_their_turn(raw, way):
    server = await raw(OK)

    async def fetch():
        async with session.get(server.url) as response:
            return await response.read()

    async with ClientSession(connector=TCPConnector(limit=2)) as session:
        if way == "general":
            session._request = session._request
        for _ in range(3):
            assert await asyncio.gather(*(fetch() for _ in range(9))) == [b"ok"] * 9
    assert server.connections == 2


async def test_settings_of_the_moment_count(raw, warm, session):
    server = await raw(OK)
    await warm(server.url)
    for value in ("1", "2"):
        session.headers["X-Late"] = value
        async with session.get(server.url) as response:
            session.headers["X-Late"] = "0"
            assert response.request_info.headers["X-Late"] == value
        assert f"\r\nX-Late: {value}\r\n".encode() in server.requests[-1]


async def test_every_setting_of_a_session_is_known_to_have_a_say_or_none(session):
    # What a call asks for anew, or what only a redirect, a proxy, a WebSocket or the end needs.
    without = {
        "_base_origin",
        "_connector_owner",
        "_default_proxy_auth",
        "_prepared",
        "_requote_redirect_url",
        "_resolve_charset",
        "_skip_auto_headers",
        "_websockets",
        "_ws_response_class",
    }
    assert set(vars(session)) == {*SETTINGS, *without}


async def test_a_patch_of_the_class_counts_for_sessions_that_are_there(raw, session):
    server = await raw(OK)
    for _ in range(2):
        assert await (await session.get(server.url)).read() == b"ok"
    with mock.patch.object(ClientSession, "_request", autospec=True) as patched:
        patched.return_value = "patched"
        assert await session.get(server.url, headers={"A": "b"}) == "patched"
    patched.assert_called_once_with(
        session, "GET", server.url, allow_redirects=True, headers={"A": "b"}
    )
    with mock.patch.object(ClientSession, "_build_url", return_value=server.url / "other"):
        await session.get(server.url)
    assert server.requests[-1].startswith(b"GET /other ")
    await session.get(server.url)
    assert server.requests[-1].startswith(b"GET / ")


async def test_a_call_that_is_not_awaited_sends_nothing_and_says_so(raw, warm, way):
    server = await raw(OK)
    session = await warm(server.url)
    with pytest.warns(RuntimeWarning, match=r"ClientSession\._request' was never awaited"):
        session.get(server.url)
    session.get(server.url).close()
    assert len(server.requests) == 1


async def test_a_call_is_made_in_any_thread_and_awaited_once(raw, warm, way):
    server = await raw(OK)
    session = await warm(server.url)
    made = []
    thread = threading.Thread(target=lambda: made.append(session.get(server.url)))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert len(server.requests) == 1
    assert asyncio.iscoroutine(made[0])
    response = await asyncio.create_task(made[0])
    assert went(response) == way
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await made[0]


async def test_nothing_of_a_call_waits_for_the_garbage_collector(raw, warm, way):
    server = await raw(OK)
    session = await warm(server.url)

    async def fetch():
        async with session.get(server.url) as response:
            await response.read()
            return weakref.ref(response)

    gc.collect()
    gc.disable()
    try:
        assert (await fetch())() is None
    finally:
        gc.enable()
