"""permessage-deflate (RFC 7692): the agreement, and both contexts against zlib itself."""

import random
import time
import zlib
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.errors import HandshakeError, WebSocketError
from aiohttp_ws.wire.deflate import (
    DeflateOptions,
    DeflateParams,
    MessageDeflater,
    MessageInflater,
    accept_response,
    negotiate,
    offer_header,
)
from aiohttp_ws.wire.extensions import parse_extensions

TAIL = b"\x00\x00\xff\xff"
HELLO = bytes.fromhex("f248cdc9c90700")  # RFC 7692 7.2.3.1: "Hello"
ANY = DeflateOptions()


def params(takeover: bool = True, bits: int = 15) -> DeflateParams:
    return DeflateParams(not takeover, not takeover, bits, bits)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def inflate_all(inflater: MessageInflater, fragments: list[bytes], max_size: int = 0) -> bytes:
    """Inflate a message whose fragments may have *max_size* bytes together."""
    out = b""
    for i, fragment in enumerate(fragments):
        # a caller that has nothing left allows a byte and refuses it itself
        left = max(max_size - len(out), 1) if max_size else 0
        out += inflater.inflate(fragment, i == len(fragments) - 1, left)
    return out


def raw_deflate(data: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    packed = deflate.compress(data) + deflate.flush(flush)
    return packed.removesuffix(TAIL) if flush == zlib.Z_SYNC_FLUSH else packed


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
    assert negotiate(offer, DeflateOptions(**options)) == (DeflateParams(**agreed), answer)


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
        ({}, f"{PLAIN}; client_max_window_bits"),
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
        ("x-other", {}, "'x-other', which was not offered"),
        (f"{PLAIN}, x-other", {}, "'x-other', which was not offered"),
        (f"{PLAIN}, {PLAIN}", {}, "twice"),
        (f"{PLAIN}; unknown", {}, "unknown parameter 'unknown'"),
        (f"{PLAIN}; server_no_context_takeover=1", {}, "takes no value, not '1'"),
        (f"{PLAIN}; server_max_window_bits=7", {}, "server_max_window_bits=7 is not in 8..15"),
        (f"{PLAIN}; server_max_window_bits", {}, "server_max_window_bits=None is not in"),
        (f"{PLAIN}; client_max_window_bits", {}, "client_max_window_bits has no value"),
        (
            f"{PLAIN}; server_no_context_takeover; server_no_context_takeover",
            {},
            "server_no_context_takeover comes twice",
        ),
        (PLAIN, {"server_no_context_takeover": True}, "offered server_no_context_takeover is"),
        (PLAIN, {"server_max_window_bits": 10}, "at most the offered 10"),
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
    server_max_window_bits=st.none() | st.integers(8, 15),
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
    assert agreed.server_max_window_bits <= (client.server_max_window_bits or 15)
    assert agreed.server_max_window_bits <= (server.server_max_window_bits or 15)
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
        {"server_max_window_bits": True},
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


# ------------------------------------------------------------------- the two contexts

bodies = st.one_of(
    st.binary(max_size=600),
    st.text(max_size=200).map(str.encode),
    st.integers(0, 40000).map(lambda size: b"chat message " * (size // 13)),
    st.integers(0, 20000).map(lambda size: random.Random(size).randbytes(size)),
)
messages = st.lists(
    st.tuples(bodies, st.lists(st.integers(0, 1 << 20), max_size=4)), min_size=1, max_size=6
)


@given(
    messages=messages,
    takeover=st.booleans(),
    bits=st.integers(8, 15),
    level=st.integers(-1, 9),
    mem_level=st.integers(1, 9),
    from_server=st.booleans(),
    cuts=st.lists(st.integers(0, 1 << 20), max_size=5),
)
def test_any_messages_come_back_under_every_fragmentation_and_parameter(
    messages: list[tuple[bytes, list[int]]],
    takeover: bool,
    bits: int,
    level: int,
    mem_level: int,
    from_server: bool,
    cuts: list[int],
) -> None:
    agreed = params(takeover, bits)
    deflater = MessageDeflater(agreed, from_server, level, mem_level)
    inflater = MessageInflater(agreed, not from_server)
    # an inflater with the agreed window and nothing of ours about it
    plain = zlib.decompressobj(-bits)
    for data, sent_cuts in messages:
        fragments = pieces(data, sent_cuts)
        packed = b""
        for i, fragment in enumerate(fragments):
            packed += deflater.compress(fragment, fin=i == len(fragments) - 1)
        # whoever received it may have cut it anywhere else
        assert inflate_all(inflater, pieces(packed, cuts), max_size=len(data) or 1) == data
        assert plain.decompress(packed + TAIL) == data


@given(data=bodies, cut=st.integers(0, 1 << 20))
def test_a_fragment_can_be_read_when_it_was_sent(data: bytes, cut: int) -> None:
    deflater, inflater = MessageDeflater(params(), True), MessageInflater(params(), False)
    first, second = pieces(data, [cut])
    assert inflater.inflate(deflater.compress(first, fin=False), False) == first
    assert inflater.inflate(deflater.compress(second), True) == second


def test_every_cut_and_every_byte_alone_gives_the_same_message() -> None:
    data = b"The same words, the same words, the same words." * 3
    packed = raw_deflate(data)
    for cut in range(len(packed) + 1):
        assert inflate_all(MessageInflater(params(), True), [packed[:cut], packed[cut:]]) == data
    single = [packed[i : i + 1] for i in range(len(packed))]
    assert inflate_all(MessageInflater(params(), True), single) == data
    assert inflate_all(MessageInflater(params(), True), [*single, b""]) == data


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_like_object_is_taken(kind: type) -> None:
    assert MessageInflater(params(), True).inflate(kind(HELLO), True) == b"Hello"
    big = raw_deflate(random.Random(0).randbytes(20000))
    assert len(MessageInflater(params(), True).inflate(kind(big), True)) == 20000
    packed = MessageDeflater(params(), True).compress(kind(b"Hello"))
    assert MessageInflater(params(), False).inflate(packed, True) == b"Hello"


def test_the_examples_of_the_rfc_are_read() -> None:
    inflater = MessageInflater(params(), True)
    # 7.2.3.1 one block; 7.2.3.2 the same with the window shared
    assert inflater.inflate(HELLO, True) == b"Hello"
    assert inflater.inflate(bytes.fromhex("f200110000"), True) == b"Hello"
    # 7.2.3.3 without compression
    assert inflater.inflate(bytes.fromhex("000500faff48656c6c6f00"), True) == b"Hello"
    # 7.2.3.4 a final block
    assert inflater.inflate(bytes.fromhex("f348cdc9c9070000"), True) == b"Hello"
    # 7.2.3.5 two blocks
    assert inflater.inflate(bytes.fromhex("f248050000 00ffffcac9c90700"), True) == b"Hello"
    # 7.2.3.6 an empty message
    assert inflater.inflate(b"\x00", True) == b""


@pytest.mark.parametrize("takeover", [True, False])
def test_an_empty_message_is_one_byte_at_any_time(takeover: bool) -> None:
    deflater = MessageDeflater(params(takeover), True)
    inflater = MessageInflater(params(takeover), False)
    for data in (b"", b"", b"Hello", b"", b"Hello", b"", b""):
        packed = deflater.compress(data)
        assert data or len(packed) == 1
        assert inflater.inflate(packed, True) == data


def test_an_empty_last_fragment_ends_a_message() -> None:
    deflater, inflater = MessageDeflater(params(), True), MessageInflater(params(), False)
    fragments = [deflater.compress(data, fin=data == b"") for data in (b"Hello", b"world", b"")]
    assert inflate_all(inflater, fragments) == b"Helloworld"
    assert inflater.inflate(deflater.compress(b"again"), True) == b"again"


def test_takeover_finds_what_an_earlier_message_said() -> None:
    data = random.Random(1).randbytes(300)
    kept, forgot = MessageDeflater(params(True), True), MessageDeflater(params(False), True)
    assert len(kept.compress(data)) > 300
    assert len(forgot.compress(data)) > 300
    assert len(kept.compress(data)) < 30
    assert len(forgot.compress(data)) > 300


def test_without_takeover_each_message_can_be_read_alone() -> None:
    deflater = MessageDeflater(params(False), True)
    for _ in range(3):
        packed = deflater.compress(b"Hello Hello Hello")
        assert zlib.decompressobj(-15).decompress(packed + TAIL) == b"Hello Hello Hello"


def test_each_end_uses_the_parameters_of_its_direction() -> None:
    agreed = DeflateParams(
        server_no_context_takeover=True, server_max_window_bits=9, client_max_window_bits=15
    )
    data = random.Random(2).randbytes(3000)
    server, client = MessageDeflater(agreed, True), MessageDeflater(agreed, False)
    server.compress(data)
    client.compress(data)
    assert len(server.compress(data)) > 3000
    assert len(client.compress(data)) < 300
    # the server's 512 bytes do not reach back to the first half; the client's window does
    assert len(MessageDeflater(agreed, True).compress(data * 2)) > 6000
    assert len(MessageDeflater(agreed, False).compress(data * 2)) < 3300


def test_a_window_of_eight_bits_is_kept_to_by_the_compressor() -> None:
    rng = random.Random(3)
    data = b"".join(rng.choice([b"a" * 300, rng.randbytes(100), b"abc" * 99]) for _ in range(200))
    packed = MessageDeflater(params(True, 8), True).compress(data * 2)
    # zlib reads with a window of 8 bits and refuses a distance beyond it
    assert zlib.decompressobj(-8).decompress(packed + TAIL) == data * 2
    assert len(packed) < len(data) * 2


def test_a_peer_that_agreed_to_eight_bits_and_uses_nine_is_understood() -> None:
    sender = zlib.compressobj(wbits=-9)
    data = random.Random(4).randbytes(240) * 4
    packed = sender.compress(data) + sender.flush(zlib.Z_SYNC_FLUSH)
    assert len(packed) < 400
    assert MessageInflater(params(True, 8), True).inflate(packed[:-4], True) == data


def test_a_sender_may_release_its_context_between_messages_and_fragments() -> None:
    deflater, inflater = MessageDeflater(params(), True), MessageInflater(params(), False)
    data = b"Hello Hello Hello"
    for _ in range(2):
        assert inflater.inflate(deflater.compress(data), True) == data
        deflater.release()
    first = deflater.compress(data, fin=False)
    deflater.release()
    assert inflate_all(inflater, [first, deflater.compress(data)]) == data * 2


# -------------------------------------------------------------------------- final blocks


@given(parts=st.lists(bodies, min_size=1, max_size=5), cuts=st.lists(st.integers(0, 1 << 20)))
def test_final_blocks_inside_and_at_the_end_of_a_message_are_read(
    parts: list[bytes], cuts: list[int]
) -> None:
    ended = b"".join(raw_deflate(part, zlib.Z_FINISH) for part in parts)
    data = b"".join(parts)
    inflater = MessageInflater(params(), True)
    # 7.2.3.4: a sender that ends its stream appends an empty block, or goes on
    assert inflate_all(inflater, pieces(ended + b"\x00", cuts), len(data) or 1) == data
    assert inflate_all(inflater, pieces(ended + HELLO, cuts), len(data) + 5) == data + b"Hello"
    # and some do not
    assert inflate_all(inflater, pieces(ended, cuts), len(data) or 1) == data
    assert inflater.inflate(HELLO, True) == b"Hello"


def test_a_final_block_forgets_the_window() -> None:
    inflater = MessageInflater(params(), True)
    inflater.inflate(raw_deflate(b"Hello", zlib.Z_FINISH), True)
    with pytest.raises(WebSocketError) as caught:
        inflater.inflate(bytes.fromhex("f200110000"), True)  # "Hello" from five bytes back
    assert caught.value.code == 1002


def test_a_final_stored_block_that_the_tail_completes_ends_the_stream() -> None:
    inflater = MessageInflater(params(), True)
    assert inflater.inflate(b"\x01", True) == b""
    assert inflater.inflate(HELLO, True) == b"Hello"


def test_streams_without_end_in_one_fragment_are_refused_in_linear_time() -> None:
    start = time.perf_counter()
    with pytest.raises(WebSocketError, match="final blocks") as caught:
        MessageInflater(params(), True).inflate(b"\x03\x00" * 2_000_000, True, 1 << 20)
    assert caught.value.code == 1002
    assert time.perf_counter() - start < 1


# ------------------------------------------------------------------ limits and bad data


@pytest.mark.parametrize("size", [1, 100, 4096, 20000, 70000])
@pytest.mark.parametrize("cut", [None, 3])
def test_the_limit_is_exact(size: int, cut: int | None) -> None:
    data = random.Random(size).randbytes(size)
    packed = raw_deflate(data)
    fragments = [packed] if cut is None else [packed[:cut], packed[cut:]]
    for enough in (0, size, size + 1):
        assert inflate_all(MessageInflater(params(), True), fragments, enough) == data
    if size > 1 and cut is None:
        with pytest.raises(WebSocketError, match=f"the {size - 1} bytes .* raise max") as caught:
            inflate_all(MessageInflater(params(), True), fragments, size - 1)
        assert caught.value.code == 1009


@pytest.mark.parametrize("final", [False, True])
def test_a_bomb_costs_no_more_than_the_limit(final: bool) -> None:
    bomb = raw_deflate(bytes(64 << 20), zlib.Z_FINISH if final else zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 100_000
    start = time.perf_counter()
    for fragments in ([bomb], [bomb[:1000], bomb[1000:]], [b"\x03\x00" + bomb]):
        inflater = MessageInflater(params(), True)
        with pytest.raises(WebSocketError) as caught:
            inflate_all(inflater, fragments, max_size=65536)
        assert caught.value.code == 1009
    # inflating it whole takes about 100 ms each time
    assert time.perf_counter() - start < 0.1


@pytest.mark.parametrize(
    "junk",
    [b"\xff\xff\xff", b"\x07", b"\xf2\x00\x11\x00\x00", b"\x00\x05\x00\x00\x00Hello", b"\x06\x00"],
    ids=bytes.hex,
)
@pytest.mark.parametrize("padding", [0, 10000])
def test_data_that_is_not_deflate_closes_with_1002(junk: bytes, padding: int) -> None:
    with pytest.raises(WebSocketError, match="not valid DEFLATE") as caught:
        MessageInflater(params(), True).inflate(junk + bytes(padding), True, 1 << 20)
    assert caught.value.code == 1002


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=3))
def test_any_bytes_inflate_within_the_limit_or_raise(data: bytes, cuts: list[int]) -> None:
    inflater = MessageInflater(params(), True)
    try:
        assert len(inflate_all(inflater, pieces(data, cuts), max_size=500)) <= 500
    except WebSocketError as exc:
        assert exc.code in (1002, 1009)  # noqa: PT017


def test_contexts_are_made_at_the_first_message() -> None:
    import tracemalloc

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = [(MessageDeflater(params(), True), MessageInflater(params(), True))] * 1
        kept += [(MessageDeflater(params(), True), MessageInflater(params(), True)) for _ in "1234"]
        assert tracemalloc.get_traced_memory()[0] - before < 5 * 1000
    finally:
        tracemalloc.stop()


def test_every_pair_of_window_sizes_and_takeovers_carries_a_conversation() -> None:
    said = [b'{"type":"chat","text":"hello, number %d"}' % i * 20 for i in range(4)]
    for bits, takeover, is_server in product(range(8, 16), (True, False), (True, False)):
        agreed = params(takeover, bits)
        deflater, inflater = (
            MessageDeflater(agreed, is_server),
            MessageInflater(agreed, not is_server),
        )
        for data in said:
            packed = deflater.compress(data)
            assert len(packed) < len(data)
            assert inflater.inflate(packed, True, len(data)) == data
