"""The objects of ``on_connect`` and of typed messages, and how an answer is judged."""

from __future__ import annotations

import importlib
import json
import logging
from typing import Any

import pytest
from multidict import CIMultiDict

import aiohttp_ws
from aiohttp_ws import (
    ConnectingRequest,
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    IncomingMessage,
    Message,
    OutgoingMessage,
    Ping,
)
from aiohttp_ws.errors import HandshakeError
from aiohttp_ws.wire.handshake import ServerHandshake
from aiohttp_ws.ws.opening.on_connect import (
    Denied,
    connection_request,
    connection_response,
    consult,
    denial_text,
    peer_name,
    reason_phrase,
)
from aiohttp_ws.ws.typed_messages import data_of

RECORDS = ["ConnectionRequest", "ConnectionResponse", "ConnectingRequest"]
OTHERS = ["ConnectionAccept", "ConnectionDeny", "IncomingMessage", "OutgoingMessage", "Ping"]


def of_autobahn(name: str) -> Any:
    return getattr(importlib.import_module("autobahn.websocket.types"), name)


def asked(**changes: Any) -> ConnectionRequest:
    values: dict[str, Any] = {
        "peer": "tcp4:127.0.0.1:5",
        "headers": {"Host": "localhost"},
        "host": "localhost",
        "path": "/",
        "params": {},
        "version": 13,
        "origin": None,
        "protocols": ["a", "b"],
        "extensions": [],
    }
    return ConnectionRequest(**{**values, **changes})


class Transport:
    def __init__(self, peername: Any) -> None:
        self.peername = peername

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": self.peername}.get(name, default)


async def consulted(on_connect: Any) -> tuple[Denied | None, ServerHandshake]:
    """What a client is answered that offers the subprotocols a and b."""
    handshake = ServerHandshake("", None, None, [("Upgrade", "websocket")])
    denied = await consult(
        on_connect,
        handshake,
        Transport(("127.0.0.1", 5)),  # type: ignore[arg-type]
        CIMultiDict({"Sec-WebSocket-Protocol": "a, b"}),
        "/path",
        "",
        logging.getLogger("test"),
        raises=True,
    )
    return denied, handshake


# ------------------------------------------------------------------------ the records


@pytest.mark.peer("autobahn")
@pytest.mark.parametrize("name", RECORDS + OTHERS)
def test_a_type_has_the_slots_of_autobahn(name: str):
    theirs = of_autobahn(name)
    slots = theirs.__slots__
    ours = getattr(aiohttp_ws, name).__slots__
    names = {"payload"} if name == "Ping" else set(slots)
    assert {ours} if isinstance(ours, str) else set(ours) == names


@pytest.mark.peer("autobahn")
@pytest.mark.parametrize("name", RECORDS[:2])
def test_a_record_is_shown_as_autobahn_shows_it(name: str):
    values = {
        "peer": "tcp4:127.0.0.1:5",
        "headers": {"host": "localhost"},
        "host": "localhost",
        "path": "/x",
        "params": {"q": ["1", "2"]},
        "version": 13,
        "origin": None,
        "protocol": "a",
        "protocols": ["a"],
        "extensions": [],
    }
    ours, theirs = getattr(aiohttp_ws, name), of_autobahn(name)
    chosen = {each: values[each] for each in ours.__slots__}
    assert ours(**chosen).__json__() == theirs(**chosen).__json__()
    assert str(ours(**chosen)) == str(theirs(**chosen))


def test_a_record_can_be_encoded_as_json_whatever_its_headers_are():
    headers = CIMultiDict([("X-Two", "a"), ("x-two", "b"), ("Host", "localhost")])
    decoded = json.loads(json.dumps(asked(headers=headers).__json__()))
    assert decoded["headers"] == {"x-two": "a, b", "host": "localhost"}
    assert list(decoded) == list(ConnectionRequest.__slots__)


@pytest.mark.peer("autobahn")
def test_what_is_about_to_be_asked_for_has_autobahns_defaults():
    theirs = of_autobahn("ConnectingRequest")()
    assert ConnectingRequest().__json__() == theirs.__json__()


@pytest.mark.parametrize(
    "wrong",
    [{"host": 1}, {"port": "80"}, {"port": True}, {"headers": 5}, {"protocols": "chat"}],
    ids=str,
)
def test_what_is_about_to_be_asked_for_takes_no_other_types(wrong: dict[str, Any]):
    with pytest.raises(TypeError, match=next(iter(wrong))):
        ConnectingRequest(**wrong)


@pytest.mark.peer("autobahn")
def test_the_constants_of_a_refusal_are_those_of_autobahn():
    theirs = of_autobahn("ConnectionDeny")
    names = [name for name in vars(theirs) if name.isupper()]
    assert len(names) == 8
    for name in names:
        assert getattr(ConnectionDeny, name) == getattr(theirs, name)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("403",), TypeError),
        ((True,), TypeError),
        ((403, b"no"), TypeError),
        ((101,), ValueError),
        ((200,), ValueError),
        ((600,), ValueError),
    ],
)
def test_a_refusal_is_an_http_error(args: tuple[Any, ...], error: type[Exception]):
    with pytest.raises(error):
        ConnectionDeny(*args)


@pytest.mark.parametrize(
    ("deny", "phrase", "text"),
    [
        (ConnectionDeny(403), "Forbidden", "403 Forbidden"),
        (ConnectionDeny(403, "members only"), "members only", "members only"),
        (ConnectionDeny(403, "a\r\nX: b"), "Forbidden", "a\r\nX: b"),
        (ConnectionDeny(403, "geschlossene Gesellschaft für alle"), "Forbidden", None),
        (ConnectionDeny(499), "", "499"),
    ],
)
def test_a_reason_comes_in_the_status_line_where_http_can_carry_it(
    deny: ConnectionDeny, phrase: str, text: str | None
):
    assert reason_phrase(deny) == phrase
    assert denial_text(deny) == (text or deny.reason)


# ------------------------------------------------------------------ what on_connect sees


def test_a_request_is_taken_apart():
    headers = CIMultiDict(
        [
            ("Host", "example.com:8080"),
            ("Origin", "https://example.com"),
            ("Sec-WebSocket-Protocol", "a, b"),
            ("Sec-WebSocket-Protocol", "c"),
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x; y=1"),
        ]
    )
    request = connection_request(Transport(("192.0.2.1", 5)), headers, "/a%20b", "q=1&q=%C3%A9&e")
    assert request.peer == "tcp4:192.0.2.1:5"
    assert request.headers["origin"] == "https://example.com"
    assert request.host == "example.com"
    assert request.path == "/a%20b"
    assert request.params == {"q": ["1", "é"], "e": [""]}
    assert request.version == 13
    assert request.origin == "https://example.com"
    assert request.protocols == ["a", "b", "c"]
    assert request.extensions == [
        ("permessage-deflate", {"client_max_window_bits": [True]}),
        ("x", {"y": ["1"]}),
    ]


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
        ("a", "a"),
        ("a:", "a"),
        ("::1", "::1"),
        (None,) * 2,
    ],
)
def test_a_host_comes_without_its_port(header: str | None, host: str | None):
    headers = CIMultiDict() if header is None else CIMultiDict(Host=header)
    assert connection_request(None, headers, "/", "").host == host


def test_what_on_connect_sees_of_the_headers_it_cannot_change():
    request = connection_request(None, CIMultiDict(Host="a"), "/", "")
    with pytest.raises(TypeError):
        request.headers["Host"] = "b"  # type: ignore[index]


def test_malformed_extensions_are_refused():
    headers = CIMultiDict({"Sec-WebSocket-Extensions": "a b c"})
    with pytest.raises(HandshakeError):
        connection_request(None, headers, "/", "")


def test_a_response_is_taken_apart():
    headers = CIMultiDict({"Sec-WebSocket-Extensions": "permessage-deflate", "X": "y"})
    response = connection_response(Transport(("::1", 5, 0, 0)), headers, "a")
    assert (response.peer, response.version, response.protocol) == ("tcp6:::1:5", 13, "a")
    assert response.extensions == [("permessage-deflate", {})]
    assert response.headers["x"] == "y"


@pytest.mark.parametrize(
    ("peername", "name"),
    [("", "unix:"), ("/tmp/x", "unix:/tmp/x"), (b"/tmp/x", "unix:/tmp/x"), (None, "unknown")],
)
def test_a_peer_that_has_no_port_has_a_name(peername: Any, name: str):
    assert peer_name(Transport(peername)) == name  # type: ignore[arg-type]


# ---------------------------------------------------------------- what on_connect returns


@pytest.mark.parametrize(
    ("answer", "subprotocol", "headers"),
    [
        (None, None, []),
        ("b", "b", []),
        (("a", {"X": "y"}), "a", [("X", "y")]),
        ((None, None), None, []),
        ((None, [("X", "1"), ("X", "2")]), None, [("X", "1"), ("X", "2")]),
        (ConnectionAccept(), None, []),
        (ConnectionAccept("a", {"X": ["1", "2"]}), "a", [("X", "1"), ("X", "2")]),
        (
            ConnectionAccept(headers=CIMultiDict([("X", "1"), ("X", "2")])),
            None,
            [("X", "1"), ("X", "2")],
        ),
    ],
    ids=repr,
)
@pytest.mark.parametrize("later", [False, True], ids=["function", "coroutine"])
async def test_an_answer_is_understood(
    answer: Any, subprotocol: str | None, headers: list[tuple[str, str]], later: bool
):
    async def decide_later(request: ConnectionRequest) -> Any:
        return answer

    denied, handshake = await consulted(decide_later if later else lambda request: answer)
    assert denied is None
    assert handshake.subprotocol == subprotocol
    chosen = [] if subprotocol is None else [("Sec-WebSocket-Protocol", subprotocol)]
    assert handshake.headers == [("Upgrade", "websocket"), *chosen]
    assert list(handshake.extra) == headers


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("c", "'c', which the client at tcp4:127.0.0.1:5 did not offer; it offered 'a', 'b'"),
        (("c", None), "did not offer"),
        (ConnectionAccept("A"), "did not offer"),
        ("", "did not offer"),
        (5, "returned 5"),
        (True, "returned True"),
        (("a", "b", "c"), "returned"),
        (["a", {}], "returned"),
        ((None, {"X": "a\r\nY: b"}), "control characters"),
        ((None, {"X": "a\nb"}), "control characters"),
        ((None, {"X": ["a", "b\0"]}), "control characters"),
        ((None, {"X": 5}), "headers="),
        ((None, {"X": [5]}), "must be a str"),
        ((None, {"X: a\r\nY": "b"}), "not a name"),
        ((None, {"": "b"}), "not a name"),
        ((None, {5: "b"}), "not a name"),
        ((None, "X: a"), "headers="),
        ((None, {"Sec-WebSocket-Protocol": "a"}), "return the subprotocol"),
        ((None, {"sec-websocket-accept": "a"}), "handshake makes"),
        ((None, {"Transfer-Encoding": "chunked"}), "handshake makes"),
        ((None, {"content-length": "5"}), "handshake makes"),
    ],
    ids=repr,
)
async def test_an_answer_that_cannot_be_done_is_the_servers_bug(
    answer: Any, message: str, caplog: pytest.LogCaptureFixture
):
    denied, handshake = await consulted(lambda request: answer)
    assert denied is not None
    assert denied.status == 500
    (told,) = caplog.messages
    assert message in told
    assert "/path" in told
    assert (handshake.subprotocol, handshake.extra) == (None, ())


async def test_a_refusal_has_a_status_a_phrase_and_a_text():
    def refuse(request: ConnectionRequest) -> None:
        raise ConnectionDeny(ConnectionDeny.NOT_FOUND, "not here")

    denied, _ = await consulted(refuse)
    assert denied == Denied(404, "not here", "not here")


async def test_what_on_connect_raises_passes_where_the_caller_wants_it():
    async def fail(request: ConnectionRequest) -> None:
        raise LookupError("no database")

    with pytest.raises(LookupError):
        await consulted(fail)


def test_an_acceptance_names_one_subprotocol():
    with pytest.raises(TypeError, match="subprotocol"):
        ConnectionAccept(5)  # type: ignore[arg-type]


# -------------------------------------------------------------------------- the messages


def test_messages_have_one_base():
    assert issubclass(IncomingMessage, Message)
    assert issubclass(OutgoingMessage, Message)
    assert not hasattr(IncomingMessage(b""), "__dict__")


def test_a_message_is_text_unless_it_is_said_to_be_binary():
    assert data_of(OutgoingMessage("é")) == "é"
    assert data_of(OutgoingMessage("é".encode())) == "é"
    assert data_of(OutgoingMessage(bytearray(b"a"))) == "a"
    assert data_of(OutgoingMessage(b"\xff", is_binary=True)) == b"\xff"
    assert IncomingMessage(b"").is_binary is False


def test_bytes_that_are_no_utf_8_are_not_sent_as_text():
    with pytest.raises(UnicodeDecodeError):
        data_of(OutgoingMessage(b"\xff"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: OutgoingMessage("a", is_binary=True),
        lambda: OutgoingMessage(5),  # type: ignore[arg-type]
        lambda: OutgoingMessage(None),  # type: ignore[arg-type]
        lambda: IncomingMessage("a"),  # type: ignore[arg-type]
        lambda: Ping("a"),  # type: ignore[arg-type]
    ],
)
def test_a_payload_of_another_type_is_refused(make: Any):
    with pytest.raises(TypeError):
        make()


def test_a_ping_has_125_bytes_at_most():
    assert Ping().payload is None
    assert len(Ping(b"a" * 125).payload or b"") == 125
    with pytest.raises(ValueError, match="126 bytes"):
        Ping(b"a" * 126)
