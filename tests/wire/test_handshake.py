"""The opening handshake of both sides, on headers alone (RFC 6455 4)."""

import base64
import pickle
import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from aiohttp_ws.errors import HandshakeError
from aiohttp_ws.errors import HandshakeFault as Fault
from aiohttp_ws.wire.deflate import DeflateOptions, DeflateParams, offer_header
from aiohttp_ws.wire.handshake import (
    accept_key,
    accept_request,
    build_request_headers,
    build_response_headers,
    check_origin,
    check_request,
    check_response,
    generate_key,
    offered_subprotocols,
    select_subprotocol,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455 1.3, with its answer
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HTTP11 = (1, 1)
Headers = CIMultiDictProxy[str]


def headers_of(lines: Iterable[tuple[str, str]]) -> Headers:
    return CIMultiDictProxy(CIMultiDict(lines))


def request(*changes: tuple[str, str | None], add: Iterable[tuple[str, str]] = ()) -> Headers:
    """A sound request; a change replaces a header, or drops it with None."""
    headers = CIMultiDict(
        [
            ("Host", "example.com"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", KEY),
            ("Sec-WebSocket-Version", "13"),
        ]
    )
    return change(headers, changes, add)


def response(*changes: tuple[str, str | None], add: Iterable[tuple[str, str]] = ()) -> Headers:
    return change(CIMultiDict(build_response_headers(KEY)), changes, add)


def change(
    headers: CIMultiDict[str],
    changes: Iterable[tuple[str, str | None]],
    add: Iterable[tuple[str, str]],
) -> Headers:
    for name, value in changes:
        headers.popall(name, None)
        if value is not None:
            headers[name] = value
    headers.extend(add)
    return CIMultiDictProxy(headers)


# ------------------------------------------------------------------------------ keys


def test_the_example_of_the_rfc_is_answered() -> None:
    assert accept_key(KEY) == ACCEPT


def test_a_generated_key_is_sixteen_fresh_bytes() -> None:
    keys = {generate_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert len(base64.b64decode(key, validate=True)) == 16
        assert check_request("GET", HTTP11, request(("Sec-WebSocket-Key", key))) == key


# ------------------------------------------------------------------- the server's checks


def test_a_sound_request_gives_its_key() -> None:
    assert check_request("GET", HTTP11, request()) == KEY


@pytest.mark.parametrize(
    "sound",
    [
        request(("Upgrade", "WebSocket")),
        request(("Upgrade", "h2c, WEBSOCKET")),
        request(("Upgrade", "h2c"), add=[("Upgrade", "websocket")]),
        request(("Connection", "keep-alive, Upgrade")),
        request(("Connection", "UPGRADE ,\tkeep-alive")),
        request(("Connection", "keep-alive"), add=[("Connection", "upgrade")]),
        request(("Connection", ",upgrade,")),
        request(("Origin", "https://example.com")),
    ],
    ids=str,
)
def test_tokens_count_in_any_case_any_list_and_any_line(sound: Headers) -> None:
    assert check_request("GET", HTTP11, sound) == KEY


@pytest.mark.parametrize("method", ["POST", "HEAD", "get", "OPTIONS", "CONNECT"])
def test_another_method_than_get_is_refused_with_405(method: str) -> None:
    with pytest.raises(HandshakeError, match=method) as caught:
        check_request(method, HTTP11, request())
    assert caught.value.status == 405
    assert caught.value.headers == {"Allow": "GET"}


@pytest.mark.parametrize("version", [(1, 0), (0, 9)])
def test_http_before_1_1_is_refused(version: tuple[int, int]) -> None:
    with pytest.raises(HandshakeError, match=rf"HTTP/{version[0]}\.{version[1]}") as caught:
        check_request("GET", version, request())
    assert caught.value.status == 400


@pytest.mark.parametrize("version", ["8", "7", "0", "14", "013", "13, 8", "", "thirteen", None])
def test_another_version_is_refused_with_426_and_the_one_that_is_spoken(
    version: str | None,
) -> None:
    with pytest.raises(HandshakeError) as caught:
        check_request("GET", HTTP11, request(("Sec-WebSocket-Version", version)))
    assert caught.value.kind is (Fault.MISSING if version is None else Fault.WRONG_VALUE)
    assert (caught.value.header, caught.value.value) == ("Sec-WebSocket-Version", version)
    assert caught.value.status == 426
    assert caught.value.headers == {"Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize(
    ("headers", "kind", "header", "value"),
    [
        (request(("Upgrade", None)), Fault.NO_UPGRADE, "Upgrade", None),
        (request(("Upgrade", "h2c")), Fault.NO_UPGRADE, "Upgrade", "h2c"),
        (request(("Upgrade", "websockets")), Fault.NO_UPGRADE, "Upgrade", "websockets"),
        (request(("Upgrade", "web socket")), Fault.NO_UPGRADE, "Upgrade", "web socket"),
        (request(("Connection", None)), Fault.NO_UPGRADE, "Connection", None),
        (request(("Connection", "keep-alive")), Fault.NO_UPGRADE, "Connection", "keep-alive"),
        (
            request(("Connection", "upgraded, no-upgrade")),
            Fault.NO_UPGRADE,
            "Connection",
            "upgraded, no-upgrade",
        ),
        (
            request(("Connection", "close"), add=[("Connection", "te")]),
            Fault.NO_UPGRADE,
            "Connection",
            "close, te",
        ),
        (request(("Sec-WebSocket-Key", None)), Fault.MISSING, "Sec-WebSocket-Key", None),
        (
            request(add=[("Sec-WebSocket-Key", KEY)]),
            Fault.REPEATED,
            "Sec-WebSocket-Key",
            f"{KEY}, {KEY}",
        ),
        (
            request(add=[("Sec-WebSocket-Version", "13")]),
            Fault.REPEATED,
            "Sec-WebSocket-Version",
            "13, 13",
        ),
        (
            request(add=[("Origin", "http://a"), ("Origin", "http://b")]),
            Fault.REPEATED,
            "Origin",
            "http://a, http://b",
        ),
    ],
)
def test_a_request_that_is_not_an_opening_handshake_is_refused_by_kind_header_and_value(
    headers: Headers, kind: Fault, header: str, value: str | None
) -> None:
    with pytest.raises(HandshakeError) as caught:
        check_request("GET", HTTP11, headers)
    fault = caught.value
    assert (fault.kind, fault.header, fault.value, fault.status) == (kind, header, value, 400)
    assert header in fault.message
    assert kind is Fault.MISSING or ("missing" if value is None else repr(value)) in fault.message


@pytest.mark.parametrize(
    "key",
    [
        "",
        "==",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ= ",
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25jZTE2",  # 18 bytes
        base64.b64encode(b"fifteen bytes..").decode(),
        base64.b64encode(b"seventeen bytes..").decode(),
        "dGhlIHNhbXBsZSBub25jZ!==",
        "dGhlIHNhbXBsZSBub25\udcc3==",
        "dGhlIHNhbXBsZSBub25é=Q==",
        "dGhl=HNhbXBsZSBub25jZQ==",
        "=" * 24,
        "A" * 8000,
    ],
)
def test_a_key_that_is_not_sixteen_bytes_in_base64_is_refused(key: str) -> None:
    with pytest.raises(HandshakeError, match="Sec-WebSocket-Key must be 16 bytes") as caught:
        check_request("GET", HTTP11, request(("Sec-WebSocket-Key", key)))
    assert caught.value.status == 400
    assert len(caught.value.message) < 300


@given(st.text(alphabet="ABCDwxyz0189+/=-_ \t\u00e9", min_size=20, max_size=26))
def test_a_key_is_taken_only_if_strict_base64_takes_it(key: str) -> None:
    try:
        strict = len(key) == 24 and len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        strict = False
    headers = request(("Sec-WebSocket-Key", key))
    if strict:
        assert check_request("GET", HTTP11, headers) == key
    else:
        with pytest.raises(HandshakeError):
            check_request("GET", HTTP11, headers)


# ------------------------------------------------------------------------------ Origin

SITE = "https://example.com"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, None),
        (SITE, None),
        (SITE, [SITE]),
        ("HTTPS://Example.COM", [SITE]),
        (SITE, ["HTTPS://Example.COM"]),
        (SITE, ["http://other", None, SITE]),
        (None, [SITE, None]),
        ("https://a.example.com", [re.compile(r"https://[a-z]+\.example\.com")]),
        ("null", ["null"]),
    ],
)
def test_an_allowed_origin_passes(origin: str | None, allowed: list[str] | None) -> None:
    check_origin(origin, allowed)  # Any other raises, as the next test says.


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, [SITE]),
        (None, []),
        (None, [re.compile(".*")]),
        (SITE, []),
        (SITE, [None]),
        ("http://example.com", [SITE]),
        ("https://example.com:8443", [SITE]),
        ("https://example.com.evil.org", [SITE]),
        ("https://example.com.evil.org", [re.compile(r"https://example\.com")]),
        ("xhttps://example.com", [re.compile(r"https://example\.com")]),
        ("https://example.com\n", [re.compile(r"https://example\.com$")]),
        ("null", [SITE, None]),
        ("", [None, SITE]),
    ],
)
def test_a_foreign_origin_is_refused_with_403(origin: str | None, allowed: list[str]) -> None:
    named = "missing" if origin is None else re.escape(repr(origin))
    with pytest.raises(HandshakeError, match=f"Origin .* {named}$") as caught:
        check_origin(origin, allowed)
    assert caught.value.status == 403


# ------------------------------------------------------------------------- subprotocols


@pytest.mark.parametrize(
    ("offered", "supported", "selected"),
    [
        (["chat"], ["chat"], "chat"),
        (["chat, superchat"], ["superchat", "chat"], "chat"),
        (["a, b", "c"], ["c", "b"], "b"),
        (["a", "c"], ["c"], "c"),
        (["a , ,b,"], ["b"], "b"),
        (["a"], ["b"], None),
        (["a"], [], None),
        (["Chat"], ["chat"], None),
        ([], ["chat"], None),
    ],
)
def test_the_client_s_first_choice_that_the_server_supports_is_selected(
    offered: list[str], supported: list[str], selected: str | None
) -> None:
    assert select_subprotocol(offered, supported) == selected


@pytest.mark.parametrize(
    "offered",
    ["a b, chat", '"quoted", chat', "caf\u00e9, chat", "chat;q=1, chat", "https://x/, chat"],
)
def test_an_offered_subprotocol_that_is_not_a_token_is_passed_over(offered: str) -> None:
    assert select_subprotocol([offered], ["chat"]) == "chat"
    assert select_subprotocol([offered], ["other"]) is None
    assert offered_subprotocols([offered, "b , ,c"]) == ["chat", "b", "c"]


# -------------------------------------------------------------------- the server's answer


def test_a_request_is_answered_with_all_that_was_agreed() -> None:
    answer = accept_request(
        "GET",
        HTTP11,
        request(
            add=[
                ("Origin", SITE),
                ("Sec-WebSocket-Protocol", "other"),
                ("Sec-WebSocket-Protocol", "chat"),
                ("Sec-WebSocket-Extensions", "x-other, permessage-deflate; bad"),
                ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=10"),
            ]
        ),
        origins=[SITE],
        subprotocols=["chat"],
        deflate=DeflateOptions(),
    )
    assert answer.accept == ACCEPT
    assert answer.subprotocol == "chat"
    assert answer.deflate == DeflateParams(server_max_window_bits=10)
    assert answer.headers == [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", ACCEPT),
        ("Sec-WebSocket-Protocol", "chat"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=10"),
    ]


def test_a_server_that_wants_nothing_answers_nothing() -> None:
    offers = [
        ("Origin", SITE),
        ("Sec-WebSocket-Protocol", "chat"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
    ]
    answer = accept_request("GET", HTTP11, request(add=offers))
    assert answer.headers == build_response_headers(KEY)
    assert answer.subprotocol is None
    assert answer.deflate is None


def test_a_foreign_origin_is_refused_before_anything_is_agreed() -> None:
    with pytest.raises(HandshakeError) as caught:
        accept_request("GET", HTTP11, request(add=[("Origin", SITE)]), origins=["http://other"])
    assert caught.value.status == 403
    with pytest.raises(HandshakeError, match=r"Origin .* missing"):
        accept_request("GET", HTTP11, request(), origins=["http://other"])


# ------------------------------------------------------------------------ the client's half


def test_a_client_asks_for_all_that_it_was_told_to() -> None:
    assert build_request_headers(KEY) == [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ]
    assert build_request_headers(KEY, ["b", "a"], "permessage-deflate", SITE)[4:] == [
        ("Sec-WebSocket-Protocol", "b, a"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ("Origin", SITE),
    ]


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a\r\nX: y", "caf\u00e9"])
def test_a_subprotocol_that_is_no_token_is_a_fault_of_the_caller(name: str) -> None:
    with pytest.raises(ValueError, match="is not a token") as caught:
        build_request_headers(KEY, ["chat", name])
    assert repr(name) in str(caught.value)


def test_subprotocols_twice_or_as_one_string_are_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="twice"):
        build_request_headers(KEY, ["chat", "chat"])
    with pytest.raises(TypeError, match="not 'chat'"):
        build_request_headers(KEY, "chat")


@pytest.mark.parametrize(
    "sound",
    [
        response(),
        response(("Upgrade", "WebSocket")),
        response(("Connection", "Upgrade, keep-alive")),
        response(("Connection", "keep-alive"), add=[("Connection", "upgrade")]),
    ],
    ids=str,
)
def test_a_sound_response_agrees_on_nothing_that_it_does_not_name(sound: Headers) -> None:
    assert check_response(101, sound, KEY) == (None, None)
    assert check_response(101, sound, KEY, ["chat"], DeflateOptions()) == (None, None)


def test_a_response_agrees_on_what_it_names() -> None:
    headers = response(
        add=[
            ("Sec-WebSocket-Protocol", "chat"),
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=9"),
        ]
    )
    assert check_response(101, headers, KEY, ["other", "chat"], DeflateOptions()) == (
        "chat",
        DeflateParams(client_max_window_bits=9),
    )


@pytest.mark.parametrize(
    ("headers", "kind", "header", "value"),
    [
        (response(("Upgrade", None)), Fault.NO_UPGRADE, "Upgrade", None),
        (response(("Upgrade", "h2c")), Fault.NO_UPGRADE, "Upgrade", "h2c"),
        (response(("Upgrade", "h2c, websocket")), Fault.NO_UPGRADE, "Upgrade", "h2c, websocket"),
        (
            response(add=[("Upgrade", "websocket")]),
            Fault.NO_UPGRADE,
            "Upgrade",
            "websocket, websocket",
        ),
        (response(("Connection", None)), Fault.NO_UPGRADE, "Connection", None),
        (response(("Connection", "close")), Fault.NO_UPGRADE, "Connection", "close"),
        (response(("Sec-WebSocket-Accept", None)), Fault.MISSING, "Sec-WebSocket-Accept", None),
        (
            response(("Sec-WebSocket-Accept", ACCEPT.lower())),
            Fault.WRONG_VALUE,
            "Sec-WebSocket-Accept",
            ACCEPT.lower(),
        ),
        (
            response(("Sec-WebSocket-Accept", KEY)),
            Fault.WRONG_VALUE,
            "Sec-WebSocket-Accept",
            KEY,
        ),
        (
            response(add=[("Sec-WebSocket-Accept", ACCEPT)]),
            Fault.REPEATED,
            "Sec-WebSocket-Accept",
            f"{ACCEPT}, {ACCEPT}",
        ),
        *(
            (
                response(add=[("Sec-WebSocket-Protocol", name)]),
                Fault.NOT_OFFERED,
                "Sec-WebSocket-Protocol",
                name,
            )
            for name in ("foreign", "CHAT", "chat, chat")
        ),
        (
            response(add=[("Sec-WebSocket-Protocol", "chat"), ("Sec-WebSocket-Protocol", "chat")]),
            Fault.REPEATED,
            "Sec-WebSocket-Protocol",
            "chat, chat",
        ),
        (
            response(add=[("Sec-WebSocket-Extensions", "x-other")]),
            Fault.NOT_OFFERED,
            "Sec-WebSocket-Extensions",
            "x-other",
        ),
        (
            response(add=[("Sec-WebSocket-Extensions", "permessage-deflate")] * 2),
            Fault.CHOSEN_TWICE,
            "Sec-WebSocket-Extensions",
            "permessage-deflate, permessage-deflate",
        ),
        (
            response(add=[("Sec-WebSocket-Extensions", "permessage-deflate; x=1")]),
            Fault.PARAMETER_UNKNOWN,
            "Sec-WebSocket-Extensions",
            "permessage-deflate; x=1",
        ),
    ],
)
def test_a_response_that_does_not_open_a_websocket_is_refused_by_kind_header_and_value(
    headers: Headers, kind: Fault, header: str, value: str | None
) -> None:
    with pytest.raises(HandshakeError) as caught:
        check_response(101, headers, KEY, ["chat"], DeflateOptions())
    fault = caught.value
    assert (fault.kind, fault.header, fault.value, fault.status) == (kind, header, value, 101)
    assert header in fault.message


def test_an_empty_subprotocol_in_the_answer_is_none() -> None:
    headers = response(add=[("Sec-WebSocket-Protocol", "")])
    assert check_response(101, headers, KEY, ["chat"]) == (None, None)


def test_a_fault_s_sentence_quotes_a_short_part_of_what_a_peer_sent() -> None:
    for kind in Fault:
        fault = HandshakeError(
            kind, "Upgrade", "a{0}b\r\n" * 1000, parameter="x", expected="y", position=3
        )
        assert len(fault.message) < 400 or kind in (Fault.HTTP_VERSION, Fault.STATUS)
        assert "\n" not in fault.message or kind in (Fault.HTTP_VERSION, Fault.STATUS)
        assert str(fault) == fault.message


def test_a_fault_can_be_pickled() -> None:
    fault = HandshakeError(
        Fault.MALFORMED, "Sec-WebSocket-Extensions", ";", position=0, headers={"a": "b"}
    )
    copy = pickle.loads(pickle.dumps(fault))
    assert vars(copy) == vars(fault)
    assert str(copy) == str(fault)


@pytest.mark.parametrize("status", [100, 200, 302, 401, 426, 500])
def test_another_status_than_101_is_refused_and_kept(status: int) -> None:
    with pytest.raises(HandshakeError, match=f"101: {status}") as caught:
        check_response(status, response(), KEY)
    assert caught.value.status == status


def test_an_extension_that_was_not_offered_is_refused() -> None:
    headers = response(add=[("Sec-WebSocket-Extensions", "permessage-deflate")])
    with pytest.raises(
        HandshakeError, match="'permessage-deflate' was chosen, which was not offered"
    ):
        check_response(101, headers, KEY)
    # an empty list chooses nothing
    empty = response(add=[("Sec-WebSocket-Extensions", "")])
    assert check_response(101, empty, KEY) == (None, None)


# ----------------------------------------------------------------------------- together

names = st.lists(st.text(alphabet="abc", min_size=1, max_size=2), unique=True, max_size=4)
options = st.none() | st.builds(
    DeflateOptions,
    server_no_context_takeover=st.booleans(),
    client_no_context_takeover=st.booleans(),
    server_max_window_bits=st.none() | st.integers(8, 15),
    client_max_window_bits=st.none() | st.just(True) | st.integers(8, 15),
)


@given(offered=names, supported=names, client=options, server=options)
def test_both_ends_conclude_the_same(
    offered: list[str],
    supported: list[str],
    client: DeflateOptions | None,
    server: DeflateOptions | None,
) -> None:
    key = generate_key()
    extension = None if client is None else offer_header(client)
    asked = headers_of(build_request_headers(key, offered, extension, SITE))
    answer = accept_request(
        "GET", HTTP11, asked, origins=[SITE], subprotocols=supported, deflate=server
    )
    assert check_response(101, headers_of(answer.headers), key, offered, client) == (
        answer.subprotocol,
        answer.deflate,
    )
    assert (answer.deflate is None) == (client is None or server is None)
    assert answer.subprotocol == next((name for name in offered if name in supported), None)
