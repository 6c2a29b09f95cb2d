"""permessage-deflate (RFC 7692): the agreement of the opening handshake."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.errors import HandshakeError
from aiohttp_ws.wire.deflate import (
    DeflateOptions,
    DeflateParams,
    accept_response,
    negotiate,
    offer_header,
)
from aiohttp_ws.wire.extensions import parse_extensions

ANY = DeflateOptions()

# ---------------------------------------------------------------- the server's answer

PLAIN = "permessage-deflate"


@pytest.mark.parametrize(
    ("offer", "options", "answer", "agreed"),
    [
        (PLAIN, {}, PLAIN, {}),
        ("Permessage-Deflate", {}, PLAIN, {}),
        # a client that can limit its window is not made to
        (f"{PLAIN}; client_max_window_bits", {}, PLAIN, {}),
        (
            f"{PLAIN}; client_max_window_bits=10",
            {},
            f"{PLAIN}; client_max_window_bits=10",
            {"client_max_window_bits": 10},
        ),
        (f"{PLAIN}; client_max_window_bits=15", {}, PLAIN, {}),
        (
            f"{PLAIN}; client_max_window_bits",
            {"client_max_window_bits": 9},
            f"{PLAIN}; client_max_window_bits=9",
            {"client_max_window_bits": 9},
        ),
        (
            f"{PLAIN}; client_max_window_bits=8",
            {"client_max_window_bits": 9},
            f"{PLAIN}; client_max_window_bits=8",
            {"client_max_window_bits": 8},
        ),
        (
            f"{PLAIN}; client_max_window_bits=12",
            {"client_max_window_bits": None},
            f"{PLAIN}; client_max_window_bits=12",
            {"client_max_window_bits": 12},
        ),
        # 7.1.2.2: without the parameter in the offer there is none in the answer
        (PLAIN, {"client_max_window_bits": 9}, PLAIN, {}),
        (
            f"{PLAIN}; server_max_window_bits=10",
            {},
            f"{PLAIN}; server_max_window_bits=10",
            {"server_max_window_bits": 10},
        ),
        (
            f"{PLAIN}; server_max_window_bits=8",
            {},
            f"{PLAIN}; server_max_window_bits=8",
            {"server_max_window_bits": 8},
        ),
        (
            f"{PLAIN}; server_max_window_bits=15",
            {},
            f"{PLAIN}; server_max_window_bits=15",
            {},
        ),
        (
            f"{PLAIN}; server_max_window_bits=12",
            {"server_max_window_bits": 11},
            f"{PLAIN}; server_max_window_bits=11",
            {"server_max_window_bits": 11},
        ),
        # 7.1.2.1: a server may limit its own window unasked
        (
            PLAIN,
            {"server_max_window_bits": 11},
            f"{PLAIN}; server_max_window_bits=11",
            {"server_max_window_bits": 11},
        ),
        (
            f"{PLAIN}; server_no_context_takeover",
            {},
            f"{PLAIN}; server_no_context_takeover",
            {"server_no_context_takeover": True},
        ),
        (
            f"{PLAIN}; client_no_context_takeover",
            {},
            f"{PLAIN}; client_no_context_takeover",
            {"client_no_context_takeover": True},
        ),
        (
            PLAIN,
            {"server_no_context_takeover": True, "client_no_context_takeover": True},
            f"{PLAIN}; server_no_context_takeover; client_no_context_takeover",
            {"server_no_context_takeover": True, "client_no_context_takeover": True},
        ),
        # all four, quoted, spaced, in any case
        (
            f'{PLAIN};Server_Max_Window_Bits="1\\0" ;\tclient_max_window_bits = 9 '
            "; client_no_context_takeover; server_no_context_takeover",
            {},
            f"{PLAIN}; server_no_context_takeover; client_no_context_takeover"
            "; server_max_window_bits=10; client_max_window_bits=9",
            {
                "server_no_context_takeover": True,
                "client_no_context_takeover": True,
                "server_max_window_bits": 10,
                "client_max_window_bits": 9,
            },
        ),
        # the first offer that can be accepted wins, other extensions are passed over
        (f"x-other; a=b, {PLAIN}; nonsense=1, {PLAIN}, {PLAIN}; x", {}, PLAIN, {}),
        (
            f"{PLAIN}; server_max_window_bits=16, {PLAIN}; server_max_window_bits=9, {PLAIN}",
            {},
            f"{PLAIN}; server_max_window_bits=9",
            {"server_max_window_bits": 9},
        ),
        # RFC 9110 5.6.1.2: empty elements do not count
        (f" , ,{PLAIN},, ", {}, PLAIN, {}),
    ],
)
def test_the_first_acceptable_offer_is_answered(
    offer: str, options: dict[str, object], answer: str, agreed: dict[str, object]
) -> None:
    no_limits = {"server_max_window_bits": None, "client_max_window_bits": None}
    wanted = DeflateOptions(**{**no_limits, **options})  # type: ignore[arg-type]
    assert negotiate(offer, wanted) == (DeflateParams(**agreed), answer)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("offer", "answer", "agreed"),
    [
        # what browsers offer
        (
            f"{PLAIN}; client_max_window_bits",
            f"{PLAIN}; server_max_window_bits=13; client_max_window_bits=12",
            {"server_max_window_bits": 13, "client_max_window_bits": 12},
        ),
        # a client that does not let its window be limited has the whole of it
        (PLAIN, f"{PLAIN}; server_max_window_bits=13", {"server_max_window_bits": 13}),
        # what limits it further holds
        (
            f"{PLAIN}; server_max_window_bits=9; client_max_window_bits=10",
            f"{PLAIN}; server_max_window_bits=9; client_max_window_bits=10",
            {"server_max_window_bits": 9, "client_max_window_bits": 10},
        ),
    ],
)
def test_a_server_limits_the_windows_unless_told_otherwise(
    offer: str, answer: str, agreed: dict[str, int]
) -> None:
    assert negotiate(offer, DeflateOptions()) == (DeflateParams(**agreed), answer)


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "x-webkit-deflate-frame",
        "permessage-bzip2; level=9",
        f"{PLAIN}; unknown",
        f"{PLAIN}; server_no_context_takeover=true",
        f"{PLAIN}; client_no_context_takeover=1",
        f"{PLAIN}; server_max_window_bits",
        f"{PLAIN}; server_max_window_bits=7",
        f"{PLAIN}; server_max_window_bits=16",
        f"{PLAIN}; server_max_window_bits=08",
        f"{PLAIN}; server_max_window_bits=-9",
        f"{PLAIN}; server_max_window_bits=1e1",
        f"{PLAIN}; client_max_window_bits=7",
        f"{PLAIN}; client_max_window_bits=nine",
        f"{PLAIN}; server_no_context_takeover; server_no_context_takeover",
        f"{PLAIN}; client_max_window_bits; Client_Max_Window_Bits=9",
    ],
)
def test_an_offer_with_a_parameter_that_is_unknown_repeated_or_invalid_is_declined(
    offer: str,
) -> None:
    assert negotiate(offer, ANY) is None


@pytest.mark.parametrize(
    "header",
    [
        f"{PLAIN};",
        f"; {PLAIN}",
        f"{PLAIN}; =9",
        f"{PLAIN}; server_max_window_bits=",
        f'{PLAIN}; server_max_window_bits="9',
        f'{PLAIN}; server_max_window_bits="9 9"',
        f'{PLAIN}; server_max_window_bits=""',
        f"{PLAIN} client_max_window_bits",
        f"{PLAIN}=9",
        f"{PLAIN}; a b",
        "per(message",
        "\x00",
    ],
)
def test_a_header_without_the_grammar_fails_the_handshake_on_both_sides(header: str) -> None:
    with pytest.raises(HandshakeError, match="malformed Sec-WebSocket-Extensions"):
        negotiate(header, ANY)
    with pytest.raises(HandshakeError, match="malformed Sec-WebSocket-Extensions"):
        accept_response(header, ANY)


def test_a_long_malformed_header_costs_no_more_than_its_length() -> None:
    for header in (
        "a" * 8000 + " b",
        "a;b=" + " " * 8000 + "(",
        'a;b="' + "\\x" * 4000,
        "," * 8000,
    ):
        start = time.perf_counter()
        try:
            parse_extensions(header)
        except HandshakeError as exc:
            assert len(str(exc)) < 300  # noqa: PT017
        assert time.perf_counter() - start < 0.5


# ---------------------------------------------------------------- the client's half


@pytest.mark.parametrize(
    ("options", "header"),
    [
        # no limit for the server: some would decline the offer, or fail the handshake
        ({}, f"{PLAIN}; client_max_window_bits"),
        ({"server_max_window_bits": None}, f"{PLAIN}; client_max_window_bits"),
        ({"client_max_window_bits": None}, PLAIN),
        (
            {
                "server_no_context_takeover": True,
                "client_no_context_takeover": True,
                "server_max_window_bits": 8,
                "client_max_window_bits": 12,
            },
            f"{PLAIN}; server_no_context_takeover; client_no_context_takeover"
            "; server_max_window_bits=8; client_max_window_bits=12",
        ),
    ],
)
def test_a_client_offers_what_its_options_say(options: dict[str, object], header: str) -> None:
    assert offer_header(DeflateOptions(**options)) == header


@pytest.mark.parametrize(
    ("answer", "options", "agreed"),
    [
        (PLAIN, {}, {}),
        (f"{PLAIN}; server_no_context_takeover", {}, {"server_no_context_takeover": True}),
        (f"{PLAIN}; client_no_context_takeover", {}, {"client_no_context_takeover": True}),
        # what the client declared holds without being repeated
        (PLAIN, {"client_no_context_takeover": True}, {"client_no_context_takeover": True}),
        (PLAIN, {"client_max_window_bits": 10}, {"client_max_window_bits": 10}),
        (f"{PLAIN}; client_max_window_bits=8", {}, {"client_max_window_bits": 8}),
        (
            f"{PLAIN}; client_max_window_bits=9",
            {"client_max_window_bits": 10},
            {"client_max_window_bits": 9},
        ),
        (f"{PLAIN}; server_max_window_bits=8", {}, {"server_max_window_bits": 8}),
        (
            f"{PLAIN}; server_max_window_bits=9",
            {"server_max_window_bits": 10},
            {"server_max_window_bits": 9},
        ),
    ],
)
def test_an_answer_that_fits_the_offer_is_accepted(
    answer: str, options: dict[str, object], agreed: dict[str, object]
) -> None:
    assert accept_response(answer, DeflateOptions(**options)) == DeflateParams(**agreed)


def test_an_empty_answer_declines() -> None:
    assert accept_response("", ANY) is None


@pytest.mark.parametrize(
    ("answer", "options", "reason"),
    [
        ("x-other", {}, "'x-other' was chosen, which was not offered"),
        (f"{PLAIN}, x-other", {}, "'x-other' was chosen, which was not offered"),
        (f"{PLAIN}, {PLAIN}", {}, "twice"),
        (f"{PLAIN}; unknown", {}, "unknown parameter 'unknown'"),
        (
            f"{PLAIN}; server_no_context_takeover=1",
            {},
            "server_no_context_takeover must be without a value",
        ),
        (
            f"{PLAIN}; server_max_window_bits=7",
            {},
            "server_max_window_bits must be a number from 8 to 15",
        ),
        (
            f"{PLAIN}; server_max_window_bits",
            {},
            "server_max_window_bits must be a number from 8 to 15",
        ),
        (
            f"{PLAIN}; client_max_window_bits",
            {},
            "client_max_window_bits must be a number from 8 to 15",
        ),
        (
            f"{PLAIN}; server_no_context_takeover; server_no_context_takeover",
            {},
            "server_no_context_takeover comes twice",
        ),
        (PLAIN, {"server_no_context_takeover": True}, "offered server_no_context_takeover is"),
        (PLAIN, {"server_max_window_bits": 10}, "offered server_max_window_bits is missing"),
        (f"{PLAIN}; server_max_window_bits=11", {"server_max_window_bits": 10}, "offered 10"),
        (f"{PLAIN}; client_max_window_bits=11", {"client_max_window_bits": 10}, "offered 10"),
        (
            f"{PLAIN}; client_max_window_bits=10",
            {"client_max_window_bits": None},
            "client_max_window_bits was not offered",
        ),
    ],
)
def test_an_answer_that_does_not_fit_the_offer_fails_the_handshake(
    answer: str, options: dict[str, object], reason: str
) -> None:
    with pytest.raises(HandshakeError, match="Sec-WebSocket-Extensions") as caught:
        accept_response(answer, DeflateOptions(**options))
    assert reason in str(caught.value)


sides = st.builds(
    DeflateOptions,
    server_no_context_takeover=st.booleans(),
    client_no_context_takeover=st.booleans(),
    server_max_window_bits=st.none() | st.just(True) | st.integers(8, 15),
    client_max_window_bits=st.none() | st.just(True) | st.integers(8, 15),
)


@given(client=sides, server=sides)
def test_both_ends_always_agree_on_the_same_parameters(
    client: DeflateOptions, server: DeflateOptions
) -> None:
    agreement = negotiate(offer_header(client), server)
    assert agreement is not None
    agreed, answer = agreement
    assert accept_response(answer, client) == agreed
    for limit in (client.server_max_window_bits, server.server_max_window_bits):
        assert agreed.server_max_window_bits <= (15 if limit in (None, True) else limit)
    assert agreed.server_no_context_takeover == (
        client.server_no_context_takeover or server.server_no_context_takeover
    )
    assert agreed.client_no_context_takeover == (
        client.client_no_context_takeover or server.client_no_context_takeover
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"server_max_window_bits": 7},
        {"server_max_window_bits": 16},
        {"server_max_window_bits": False},
        {"client_max_window_bits": 7},
        {"client_max_window_bits": False},
        {"level": 10},
        {"level": -2},
        {"mem_level": 0},
        {"mem_level": 10},
        {"threshold": -1},
    ],
    ids=str,
)
def test_an_option_out_of_its_range_is_named(wrong: dict[str, int]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        DeflateOptions(**wrong)  # type: ignore[arg-type]
