"""Opening handshakes of threads: who is let in, how clients get there, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
import ssl
import threading
import time

import pytest
import trustme

from aiohttp_ws.websockets.asyncio.client import connect as async_connect
from aiohttp_ws.websockets.asyncio.server import serve as async_serve
from aiohttp_ws.websockets.client_protocol import ClientProtocol
from aiohttp_ws.websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    NegotiationError,
)
from aiohttp_ws.websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from aiohttp_ws.websockets.sync.client import (
    ClientConnection,
    connect,
    reconnect,
    unix_connect,
    unix_reconnect,
)
from aiohttp_ws.websockets.sync.router import route
from aiohttp_ws.websockets.sync.server import (
    ServerConnection,
    basic_auth,
    broadcast,
    serve,
    unix_serve,
)
from aiohttp_ws.websockets.uri import parse_uri
from aiohttp_ws.wire.closing import Event as Step
from tests.websockets.sync.serving import OURS, SIDES, THEIRS, echo, running, serving, url_of

every_side = pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES.keys())


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def contexts(authority):
    """The contexts of a server on 127.0.0.1 and of its clients."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


# ------------------------------------------------------------------------------ meeting


@every_side
def test_over_tls(sides, contexts):
    server, client = sides
    with (
        serving(echo, server, "wss", ssl=contexts[0]) as url,
        client.connect(url, ssl=contexts[1]) as connection,
    ):
        sending = threading.Thread(
            target=lambda: [connection.send("x" * 10_000) for _ in range(50)]
        )
        sending.start()
        assert sum(len(connection.recv(10)) for _ in range(50)) == 500_000
        sending.join()


def test_two_ends_flood_each_other_over_tls(contexts):
    def flood_and_read(connection):
        pieces = [b"x" * 50_000] * 60
        sending = threading.Thread(target=lambda: [connection.send(each) for each in pieces])
        sending.start()
        assert sum(len(connection.recv(20)) for _ in pieces) == 3_000_000
        sending.join()

    with (
        serving(flood_and_read, scheme="wss", ssl=contexts[0]) as url,
        connect(url, ssl=contexts[1], compression=None) as connection,
    ):
        flood_and_read(connection)


def test_a_certificate_of_nobody_known_is_refused(contexts):
    with serving(scheme="wss", ssl=contexts[0]) as url, pytest.raises(ssl.SSLCertVerificationError):
        connect(url)


def test_a_client_without_tls_does_no_harm(contexts):
    with serving(scheme="wss", ssl=contexts[0], open_timeout=5) as url:
        with pytest.raises((InvalidMessage, OSError)):
            connect(url.replace("wss", "ws"))
        with connect(url, ssl=contexts[1]) as connection:
            connection.send("after")
            assert connection.recv() == "after"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
def test_over_a_unix_socket(tmp_path):
    path = tmp_path / "socket"
    with running(unix_serve(echo, path)):
        with unix_connect(path) as connection:
            connection.send("x")
            assert connection.recv() == "x"
        for connection in unix_reconnect(str(path)):
            connection.send("y")
            assert connection.recv() == "y"
            break
    with pytest.raises(ValueError, match="neither"):
        unix_serve(echo)


async def test_with_the_ends_of_coroutines():
    async def echo_here(connection):
        async for message in connection:
            await connection.send(message)

    def talk(url):
        with connect(url) as connection:
            connection.send("from a thread")
            return connection.recv()

    async with async_serve(echo_here, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}/"
        assert await asyncio.to_thread(talk, url) == "from a thread"
    with serving() as url:
        async with async_connect(url) as connection:
            await connection.send("from a task")
            assert await connection.recv() == "from a task"


def test_a_socket_and_an_address_can_be_given():
    with serving() as url:
        port = int(url.rpartition(":")[2].strip("/"))
        with (
            socket.create_connection(("127.0.0.1", port)) as sock,
            connect("ws://far.invalid/", sock=sock) as connection,
        ):
            assert connection.request.headers["Host"] == "far.invalid"
            connection.send("x")
            assert connection.recv() == "x"
        with connect("ws://far.invalid/", address=("127.0.0.1", port)) as connection:
            assert connection.remote_address == ("127.0.0.1", port)


# ---------------------------------------------------------------------------- decisions


@every_side
def test_subprotocols_and_headers_are_negotiated(sides):
    server, client = sides
    with (
        serving(echo, server, subprotocols=["a", "b"], server_header="here") as url,
        client.connect(
            url,
            subprotocols=["b", "c"],
            additional_headers={"X-Asked": "yes"},
            user_agent_header="me",
            origin="http://o",
        ) as connection,
    ):
        assert connection.subprotocol == "b"
        assert connection.request.headers["User-Agent"] == "me"
        assert connection.response.headers["Server"] == "here"


@every_side
def test_a_server_decides_by_the_request_and_changes_its_answer(sides):
    server, client = sides
    seen = []

    def process_request(connection, request):
        if request.path == "/no":
            return connection.respond(http.HTTPStatus.FORBIDDEN, "no\n")
        if request.path == "/broken":
            raise ValueError("broken")
        return None

    def process_response(connection, request, response):
        seen.append(response.status_code)
        response.headers["X-Seen"] = request.path

    with serving(
        echo, server, process_request=process_request, process_response=process_response
    ) as url:
        with client.connect(f"{url}yes") as connection:
            assert connection.response.headers["X-Seen"] == "/yes"
        with pytest.raises(client.exceptions.InvalidStatus) as caught:
            client.connect(f"{url}no")
        assert caught.value.response.status_code == 403
        assert caught.value.response.body == b"no\n"
        with pytest.raises(client.exceptions.InvalidStatus) as caught:
            client.connect(f"{url}broken")
        assert caught.value.response.status_code == 500
    assert seen[:2] == [101, 403]


@pytest.mark.parametrize(
    ("settings", "asked", "status"),
    [
        ({"origins": ["http://a"]}, {"origin": "http://b"}, 403),
        ({"subprotocols": ["a"]}, {"subprotocols": ["b"]}, 400),
        ({"process_request": basic_auth("r", ("u", "p"))}, {}, 401),
    ],
)
def test_a_client_that_does_not_fit_is_refused(settings, asked, status):
    with serving(**settings) as url, pytest.raises(InvalidStatus) as caught:
        connect(url, **asked)
    assert caught.value.response.status_code == status


def test_a_subprotocol_is_chosen_by_a_function_of_the_connection():
    def choose(connection, offered):
        assert isinstance(connection, ServerConnection)
        if len(offered) < 2:
            raise NegotiationError("offer two")
        return offered[-1]

    with serving(select_subprotocol=choose) as url:
        with connect(url, subprotocols=["a", "b"]) as connection:
            assert connection.subprotocol == "b"
        with pytest.raises(InvalidStatus, match="400"):
            connect(url, subprotocols=["a"])


def test_paths_choose_handlers():
    werkzeug = pytest.importorskip("werkzeug.routing", reason="werkzeug is absent (make test)")

    def room(connection, name):
        connection.send(name)

    rules = werkzeug.Map([werkzeug.Rule("/room/<name>", endpoint=room)])
    with running(route(rules, "127.0.0.1", 0)) as server:
        with connect(f"{url_of(server)}room/blue") as connection:
            assert connection.recv() == "blue"
        with pytest.raises(InvalidStatus, match="404"):
            connect(f"{url_of(server)}other")


def test_a_host_that_is_given_replaces_the_uris():
    with (
        serving() as url,
        connect(url, additional_headers={"Host": "other"}, user_agent_header=None) as connection,
    ):
        assert connection.request.headers.get_all("Host") == ["other"]
        assert "User-Agent" not in connection.request.headers


def test_frames_that_come_with_the_request_are_received():
    def handler(connection):
        connection.send(connection.recv() + connection.recv())

    protocol = ClientProtocol(parse_uri("ws://127.0.0.1/"))
    protocol.send_request(protocol.connect())
    protocol._step(Step.OPENED)
    protocol.send_pong(b"")
    for text in (b"a", b"b"):
        protocol.send_text(text)
    with (
        serving(handler, max_queue=1, close_timeout=1) as url,
        socket.create_connection(("127.0.0.1", int(url.split(":")[2].strip("/")))) as sock,
    ):
        sock.sendall(b"".join(protocol.data_to_send()))
        sock.settimeout(10)
        received = b""
        while b"\x81\x02ab" not in received:
            data = sock.recv(1000)
            assert data
            received += data


def test_connections_are_made_by_a_subclass():
    class Server(ServerConnection):
        def recv(self, *args, **kwargs):
            return super().recv(*args, **kwargs).upper()

    class Client(ClientConnection):
        def recv(self, *args, **kwargs):
            return f"<{super().recv(*args, **kwargs)}>"

    with serving(create_connection=Server) as url, connect(url, create_connection=Client) as client:
        client.send("a")
        assert client.recv() == "<A>"


# ---------------------------------------------------------------------- the way there


def redirecting(location, status=302):
    def process_request(connection, request):
        if request.path == "/":
            response = connection.respond(status, "elsewhere")
            response.headers["Location"] = location
            return response
        return None

    return process_request


def test_redirects_are_followed():
    def handler(connection):
        connection.send(connection.request.headers.get("Authorization", "none"))

    with serving(handler) as far:
        login = {"Authorization": "secret"}
        with (
            serving(handler, process_request=redirecting("/here")) as url,
            connect(url, additional_headers=login) as connection,
        ):
            assert connection.request.path == "/here"
            assert connection.recv() == "secret"
        with serving(handler, process_request=redirecting(far)) as url:
            with connect(url, additional_headers=login) as connection:
                assert connection.recv() == "none"
            with pytest.raises(ValueError, match="cross-origin redirect"):
                connect(url, address=("127.0.0.1", int(url.split(":")[2].strip("/"))))


@pytest.mark.parametrize("kind", ["http", "socks5h"])
async def test_through_a_proxy(kind):
    from tests.net import proxies

    if kind == "socks5h":
        pytest.importorskip("python_socks", reason="python-socks is absent (make test)")
    proxy_class = proxies.HTTPProxy if kind == "http" else proxies.SOCKS5Proxy

    def talk(url, proxy):
        with connect(url, proxy=proxy) as connection:
            connection.send("x")
            return connection.recv()

    with serving() as url:
        async with proxy_class(login=("user", "pass")) as proxy:
            address = f"{kind}://user:pass@127.0.0.1:{proxy.port}"
            assert await asyncio.to_thread(talk, url, address) == "x"
            assert proxy.met.is_set()


async def test_through_an_https_proxy_to_a_server_with_tls(contexts):
    from tests.net import proxies

    def talk(url, proxy):
        with connect(url, ssl=contexts[1], proxy=proxy, proxy_ssl=contexts[1]) as connection:
            connection.send("x" * 100_000)
            return len(connection.recv())

    with serving(scheme="wss", ssl=contexts[0]) as url:
        async with proxies.HTTPProxy(context=contexts[0]) as proxy:
            address = f"https://127.0.0.1:{proxy.port}"
            assert await asyncio.to_thread(talk, url, address) == 100_000


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 407 Who are you?\r\n\r\n", InvalidProxyStatus),
        (b"nonsense\r\n\r\n", InvalidProxyMessage),
        (b"", InvalidProxyMessage),
    ],
)
async def test_a_proxy_that_does_not_connect_is_told(answer, error):
    from tests.net import proxies

    async with proxies.HTTPProxy(answer=answer) as proxy:
        with pytest.raises(error):
            await asyncio.to_thread(
                connect, "ws://far.test/", proxy=f"http://127.0.0.1:{proxy.port}"
            )


def test_what_is_no_proxy_is_refused():
    with pytest.raises(InvalidProxy):
        connect("ws://127.0.0.1/", proxy="ftp://127.0.0.1:1")


def test_a_server_that_does_not_answer_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            connect(url, open_timeout=0.05)


def test_a_server_that_hangs_up_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up():
            sock, _ = listening.accept()
            sock.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises((InvalidMessage, OSError)):
            connect(f"ws://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()


def test_connecting_again_and_again():
    served = []

    def handler(connection):
        served.append(connection)
        connection.send(str(len(served)))

    with serving(handler) as url:
        got = []
        for connection in reconnect(url, reconnect_delays=lambda: iter([0.0])):
            got.append(connection.recv())
            if len(got) == 3:
                break
            with pytest.raises(ConnectionClosed):
                connection.recv()
        assert got == ["1", "2", "3"]
        with connect(url, legacy=False) as connection:
            assert connection.recv() == "4"


def test_connecting_again_waits_and_tells_what_is_not_worth_it(monkeypatch):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"ws://127.0.0.1:{sock.getsockname()[1]}/"

    def decide(exc):
        return None if len(waited) < 3 else exc

    with pytest.raises(OSError, match="refused"):
        next(
            iter(reconnect(url, process_exception=decide, reconnect_delays=lambda: iter([1, 2, 4])))
        )
    assert waited == [1, 2, 4]


# ------------------------------------------------------------------------------- servers


@pytest.mark.parametrize("library", [OURS, THEIRS], ids=["ours", "theirs"])
def test_shutting_down_closes_with_1001_and_waits_for_the_handlers(library):
    ended = []

    def handler(connection):
        with contextlib.suppress(ConnectionClosed):
            for message in connection:
                connection.send(message)
        ended.append(connection)

    server = serve(handler, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = url_of(server)
    with library.connect(url) as connection:
        connection.send("x")
        assert connection.recv() == "x"
        assert len(server.connections) == 1
        assert server.fileno() == server.socket.fileno() > 0
        server.shutdown(code=1012, reason="back soon")
        assert len(ended) == 1
        with pytest.raises(library.exceptions.ConnectionClosed):
            connection.recv()
        assert (connection.close_code, connection.close_reason) == (1012, "back soon")
    thread.join(10)
    server.shutdown()
    with pytest.raises(OSError, match="refused"):
        connect(url)


def test_shutting_down_can_wait_for_the_clients():
    server = serve(echo, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with connect(url_of(server)) as connection:
        stopping = threading.Thread(target=server.shutdown, args=(False,))
        stopping.start()
        thread.join(10)
        connection.send("still here")
        assert connection.recv() == "still here"
    stopping.join(10)
    assert not stopping.is_alive()


def test_a_handler_that_fails_closes_with_1011(caplog):
    def handler(connection):
        raise ValueError("broken")

    with serving(handler) as url, connect(url) as connection:
        with pytest.raises(ConnectionClosed):
            connection.recv()
        assert connection.close_code == 1011
    assert "connection handler failed" in caplog.text


def test_a_message_is_broadcast():
    with serving() as url, connect(url) as first, connect(url) as second:
        with connect(url) as closed:
            pass
        broadcast([first, second, closed], "to all")
        assert first.recv() == second.recv() == "to all"
        with pytest.raises(TypeError, match="must be str or bytes, not list"):
            broadcast([first], ["x"])


# ---------------------------------------------------------------------------- bad uses


async def coroutine_function(connection):
    pass


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"subprotocols": "chat"}, TypeError, "must be a list, not a str"),
        ({"compression": "gzip"}, ValueError, "unsupported compression: 'gzip'"),
        ({"max_queue": (1, 2)}, ValueError, "max_queue"),
        ({"extensions": [object()]}, TypeError, "object"),
        ({"process_request": coroutine_function}, TypeError, "process_request is a coroutine"),
        ({"extensions": [ServerPerMessageDeflateFactory]}, TypeError, "Factory"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_it_listens(settings, error, said):
    with pytest.raises(error, match=said):
        serve(echo, "127.0.0.1", 0, **settings)


@pytest.mark.parametrize(
    ("base", "name"),
    [
        (ServerConnection, "recv_events"),
        (ClientConnection, "send_data"),
        (reconnect, "open_socket"),
    ],
)
def test_a_method_that_would_not_be_called_is_refused_when_the_class_is_made(base, name):
    with pytest.raises(TypeError, match=rf"Sub\.{name}\(\) would not be called"):
        type("Sub", (base,), {name: lambda self: None})


def test_a_handler_that_is_a_coroutine_function_is_refused():
    with pytest.raises(TypeError, match="handler is a coroutine function"):
        serve(coroutine_function, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("uri", "settings", "error"),
    [
        ("http://127.0.0.1/", {}, InvalidURI),
        ("ws://127.0.0.1/", {"ssl": ssl.create_default_context()}, ValueError),
        ("ws://127.0.0.1/", {"compression": "gzip"}, ValueError),
        ("ws://127.0.0.1/", {"subprotocols": "chat"}, TypeError),
        ("ws://127.0.0.1/", {"nothing": 1}, TypeError),
    ],
)
def test_a_client_refuses_what_cannot_be_meant(uri, settings, error):
    with pytest.raises(error):
        connect(uri, **settings)


def test_a_connection_that_is_used_and_not_entered_is_warned_of():
    with serving() as url:
        connection = connect(url)
        with pytest.warns(DeprecationWarning, match="with connect"):
            connection.send("x")
        assert connection.recv() == "x"
        connection.close()
        connection = connect(url, legacy=True)
        connection.send("x")
        connection.close()
