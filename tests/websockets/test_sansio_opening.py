"""The opening handshake without input and output, held against that of websockets."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import websockets.client
import websockets.extensions.permessage_deflate as their_deflate
import websockets.frames
import websockets.protocol
import websockets.server
import websockets.uri

from aiohttp_ws import DeflateOptions
from aiohttp_ws.websockets import ClientProtocol, ServerProtocol
from aiohttp_ws.websockets.exceptions import (
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidOrigin,
    InvalidStatus,
    InvalidUpgrade,
    NegotiationError,
    PayloadTooBig,
    ProtocolError,
    StatusLineTooLong,
)
from aiohttp_ws.websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from aiohttp_ws.websockets.http11 import Request, Response
from aiohttp_ws.websockets.protocol import State
from aiohttp_ws.websockets.uri import parse_uri
from aiohttp_ws.wire.frames import encode_frame
from tests.websockets.reference import as_websockets_17

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
URI = "ws://example.com/chat?room=1"


def exchange(client: Any, server: Any) -> None:
    """Carry what either end sends to the other, the handshake first, until both are quiet."""
    answered = False
    while True:
        moved = False
        for source, target in ((client, server), (server, client)):
            for data in source.data_to_send():
                moved = True
                if data:
                    target.receive_data(data)
                else:
                    target.receive_eof()
        if not answered and server.state.name == "CONNECTING":
            for request in server.events_received():
                answered = moved = True
                server.send_response(server.accept(request))
        if not moved:
            return


CLIENTS = {"ours": ClientProtocol, "theirs": websockets.client.ClientProtocol}
SERVERS = {"ours": ServerProtocol, "theirs": websockets.server.ServerProtocol}
PARSE_URI = {"ours": parse_uri, "theirs": websockets.uri.parse_uri}
PAIRS = [("ours", "theirs"), ("theirs", "ours"), ("ours", "ours")]
CLIENT_DEFLATE = {
    "ours": ClientPerMessageDeflateFactory,
    "theirs": their_deflate.ClientPerMessageDeflateFactory,
}
SERVER_DEFLATE = {
    "ours": ServerPerMessageDeflateFactory,
    "theirs": their_deflate.ServerPerMessageDeflateFactory,
}


def opened(pair: tuple[str, str], of_client: dict[str, Any], of_server: dict[str, Any]) -> Any:
    client = CLIENTS[pair[0]](PARSE_URI[pair[0]](URI), **of_client)
    server = SERVERS[pair[1]](**of_server)
    client.send_request(client.connect())
    exchange(client, server)
    return client, server


@pytest.mark.parametrize("pair", PAIRS)
def test_an_end_opens_a_connection_with_one_of_websockets(pair: tuple[str, str]):
    client, server = opened(
        pair,
        {"subprotocols": ["a", "b"], "origin": "https://example.com"},
        {"subprotocols": ["b", "a"], "origins": ["https://example.com"]},
    )
    assert client.state.name == server.state.name == "OPEN"
    # The server's order counts, as in websockets.
    assert client.subprotocol == server.subprotocol == "b"
    assert server.origin == "https://example.com"


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("takeover", [{}, {"server_no_context_takeover": True}])
@pytest.mark.parametrize("window", [{}, {"server_max_window_bits": 10}])
def test_compressed_messages_travel_between_the_two(pair: Any, takeover: Any, window: Any):
    client, server = opened(
        pair,
        {"extensions": [CLIENT_DEFLATE[pair[0]](**takeover, **window)]},
        {"extensions": [SERVER_DEFLATE[pair[1]]()]},
    )
    assert client.extensions
    assert server.extensions
    client.events_received()
    text = b"the same words, " * 100
    for source, target in itertools.product((client, server), repeat=2):
        if source is target:
            continue
        for _ in range(3):
            source.send_text(text)
            source.send_binary(text[:700], False)
            source.send_ping(b"between")
            source.send_continuation(text[700:], True)
            sent = b"".join(source.data_to_send())
            assert len(sent) < len(text)
            target.receive_data(sent)
            events = target.events_received()
            assert bytes(events[0].data) == text
            assert bytes(events[1].data) + bytes(events[3].data) == text
            assert [int(event.opcode) for event in events] == [1, 2, 9, 0]
            assert not any(event.rsv1 for event in events)
            target.data_to_send()


def test_a_limit_holds_for_what_a_message_inflates_to():
    client, server = opened(
        ("theirs", "ours"),
        {"extensions": [their_deflate.ClientPerMessageDeflateFactory()]},
        {"extensions": [DeflateOptions()], "max_size": 1000},
    )
    client.send_text(b"x" * 1000)
    client.send_text(b"x" * 600, False)
    client.send_continuation(b"x" * 401, True)
    exchange(client, server)
    assert [len(event.data) for event in server.events_received()] == [1000, 600]
    assert isinstance(server.parser_exc, PayloadTooBig)
    assert server.parser_exc.current_size == 600
    assert client.close_rcvd.code == 1009


def test_a_stream_that_is_not_deflate_is_a_protocol_error():
    _, server = opened(
        ("theirs", "ours"),
        {"extensions": [their_deflate.ClientPerMessageDeflateFactory()]},
        {"extensions": [ServerPerMessageDeflateFactory()]},
    )
    server.receive_data(encode_frame(1, b"\xff\xff\xff", rsv=4, mask=b"abcd"))
    assert isinstance(server.parser_exc, ProtocolError)
    assert server.close_sent.code == 1002


def request(*lines: str, without: str = "", start: str = "GET / HTTP/1.1") -> bytes:
    head = [
        "Host: example.com",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
    ]
    kept = [line for line in head if not (without and line.startswith(f"{without}:"))]
    return "\r\n".join([start, *kept, *lines, "", ""]).encode()


def answer_to(data: bytes, **options: Any) -> tuple[ServerProtocol, Response]:
    server = ServerProtocol(**options)
    server.receive_data(data)
    (asked,) = server.events_received()
    assert isinstance(asked, Request)
    return server, server.accept(asked)


DEFLATE = {"extensions": [ServerPerMessageDeflateFactory()]}
REFUSED = [
    (request(without="Upgrade"), {}, 426, InvalidUpgrade),
    (request("Upgrade: h2c", without="Upgrade"), {}, 426, InvalidUpgrade),
    (request(without="Connection"), {}, 426, InvalidUpgrade),
    (request(without="Sec-WebSocket-Key"), {}, 400, InvalidHeader),
    (request("Sec-WebSocket-Key: x", without="Sec-WebSocket-Key"), {}, 400, InvalidHeaderValue),
    (request("Sec-WebSocket-Key: x"), {}, 400, InvalidHeader),
    (request("Origin: http://evil"), {"origins": ["http://good"]}, 403, InvalidOrigin),
    (request(), {"origins": ["http://good"]}, 403, InvalidOrigin),
    (request(start="POST / HTTP/1.1"), {}, 405, "InvalidMethod"),
    (request(start="GET / HTTP/1.0"), {}, 505, "InvalidProtocol"),
    (request(), {"subprotocols": ["a"]}, 400, NegotiationError),
    (request("Sec-WebSocket-Protocol: b"), {"subprotocols": ["a"]}, 400, NegotiationError),
    (request("Sec-WebSocket-Extensions: ;;"), DEFLATE, 400, InvalidHeaderFormat),
]


@as_websockets_17
@pytest.mark.parametrize(("data", "options", "status", "kind"), REFUSED)
def test_a_request_is_refused_as_by_websockets(data: bytes, options: Any, status: int, kind: Any):
    server, response = answer_to(data, **options)
    assert response.status_code == status
    name = kind if isinstance(kind, str) else kind.__name__
    assert type(server.handshake_exc).__name__ == name
    server.send_response(response)
    assert server.data_to_send()[-1] == b""
    assert server.close_expected()
    if "extensions" in options:
        options = {"extensions": [their_deflate.ServerPerMessageDeflateFactory()]}
    their = websockets.server.ServerProtocol(**options)
    their.receive_data(data)
    assert their.accept(their.events_received()[0]).status_code == status
    assert type(their.handshake_exc).__name__ == name


def test_another_version_is_told_which_one_to_use():
    # RFC 6455 4.4; websockets answers 400.
    data = request("Sec-WebSocket-Version: 12", without="Sec-WebSocket-Version")
    _, response = answer_to(data)
    assert response.status_code == 426
    assert response.headers["Sec-WebSocket-Version"] == "13"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"x" * 9000, "414"),
        (request("X: " + "x" * 9000), "431"),
        (request(*["X: y"] * 200), "431"),
    ],
)
def test_a_request_beyond_a_limit_is_answered_at_once(data: bytes, status: str):
    server = ServerProtocol()
    server.receive_data(data)
    sent = server.data_to_send()
    assert sent[0].startswith(f"HTTP/1.1 {status} ".encode())
    assert sent[-1] == b""


@pytest.mark.parametrize("data", [b"hello\r\n\r\n", request("Content-Length: 3"), b"GET / HT"])
def test_what_is_not_a_request_ends_the_connection(data: bytes):
    server = ServerProtocol()
    server.receive_data(data)
    server.receive_eof()
    assert server.events_received() == []
    assert server.data_to_send() == [b""]
    assert isinstance(server.handshake_exc, InvalidMessage)
    assert server.state is State.CLOSED


def test_frames_that_come_before_the_answer_wait_for_it():
    server = ServerProtocol()
    server.receive_data(request() + encode_frame(1, b"early", mask=b"abcd"))
    (asked,) = server.events_received()
    server.send_response(server.accept(asked))
    assert [event.data for event in server.events_received()] == [b"early"]


def test_a_server_that_chooses_what_was_not_offered_is_at_fault():
    _, response = answer_to(
        request("Sec-WebSocket-Protocol: a"), select_subprotocol=lambda protocol, offered: "b"
    )
    assert response.status_code == 500


def test_a_function_selects_the_subprotocol():
    server, response = answer_to(
        request("Sec-WebSocket-Protocol: a, b"),
        select_subprotocol=lambda protocol, offered: offered[-1],
    )
    assert response.headers["Sec-WebSocket-Protocol"] == server.subprotocol == "b"


def test_a_refusal_of_the_application_reaches_the_client():
    client = websockets.client.ClientProtocol(websockets.uri.parse_uri(URI))
    client.send_request(client.connect())
    server = ServerProtocol()
    server.receive_data(b"".join(client.data_to_send()))
    server.events_received()
    server.send_response(server.reject(404, "no such room"))
    exchange(client, server)
    assert client.handshake_exc.response.status_code == 404
    assert client.handshake_exc.response.body == b"no such room"
    assert server.state is State.CLOSED


ACCEPTED = "HTTP/1.1 101 S P\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
OPENED = ACCEPTED + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"


def client_given(data: str | bytes, **options: Any) -> ClientProtocol:
    client = ClientProtocol(parse_uri(URI), **options)
    client.key = KEY
    client.send_request(client.connect())
    client.data_to_send()
    client.receive_data(data.encode() if isinstance(data, str) else data)
    return client


@as_websockets_17
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", InvalidStatus),
        (ACCEPTED + "Sec-WebSocket-Accept: zz\r\n\r\n", InvalidHeaderValue),
        (ACCEPTED + "\r\n", InvalidHeader),
        (OPENED.replace("Upgrade: websocket\r\n", "") + "\r\n", InvalidUpgrade),
        (OPENED + "Sec-WebSocket-Protocol: a\r\n\r\n", NegotiationError),
        (OPENED + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", NegotiationError),
        ("hello\r\n\r\n", InvalidMessage),
        ("HTTP/1.0 200 OK\r\n\r\n", InvalidMessage),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n", InvalidMessage),
        ("HTTP/1.1 200 " + "x" * 9000, StatusLineTooLong),
    ],
)
def test_a_response_is_refused_as_by_websockets(data: str, kind: type[Exception]):
    client = client_given(data)
    assert type(client.handshake_exc) is kind
    assert client.data_to_send() == [b""]
    assert client.close_expected()
    their = websockets.client.ClientProtocol(websockets.uri.parse_uri(URI))
    their.key = KEY
    their.receive_data(data.encode())
    assert type(their.handshake_exc).__name__ == kind.__name__


def test_a_body_that_ends_with_the_connection_is_kept():
    client = client_given("HTTP/1.1 403 Forbidden\r\n\r\nnot")
    client.receive_data(b" you")
    assert client.handshake_exc is None
    client.receive_eof()
    (response,) = client.events_received()
    assert response.body == b"not you"
    assert isinstance(client.handshake_exc, InvalidStatus)
    assert client.state is State.CLOSED


def test_a_response_that_breaks_off_is_not_a_response():
    client = client_given("HTTP/1.1 1")
    client.receive_eof()
    assert isinstance(client.handshake_exc, InvalidMessage)
    assert isinstance(client.handshake_exc.__cause__, EOFError)


def test_an_interim_response_is_passed_over():
    # RFC 9110 15.2; websockets takes it for a refusal.
    client = client_given("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OPENED + "\r\n")
    assert client.state is State.OPEN


def test_a_frame_after_the_response_is_received():
    client = client_given(OPENED.encode() + b"\r\n" + encode_frame(1, b"hello"))
    assert [type(event).__name__ for event in client.events_received()] == ["Response", "Frame"]


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("ws://example.com/", "example.com"),
        ("wss://example.com:443/", "example.com"),
        ("wss://example.com:80/", "example.com:80"),
        ("ws://[::1]:8080/", "[::1]:8080"),
    ],
)
def test_a_request_names_the_host(uri: str, host: str):
    their = websockets.client.ClientProtocol(websockets.uri.parse_uri(uri))
    assert their.connect().headers["Host"] == host
    assert ClientProtocol(parse_uri(uri)).connect().headers["Host"] == host


def test_a_request_logs_the_user_in():
    asked = ClientProtocol(parse_uri("ws://me:pass@example.com/")).connect()
    assert asked.headers["Authorization"] == "Basic bWU6cGFzcw=="
