"""The two compression contexts of a connection (RFC 7692 7.2), against zlib itself."""

import random
import time
import zlib
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.errors import WebSocketError
from aiohttp_ws.wire.contexts import (
    ContextPool,
    MessageDeflater,
    MessageInflater,
    compress_alone,
    installed_zlib,
    use_zlib,
)
from aiohttp_ws.wire.deflate import DeflateParams
from tests.peers import require

TAIL = b"\x00\x00\xff\xff"
HELLO = bytes.fromhex("f248cdc9c90700")  # RFC 7692 7.2.3.1: "Hello"


@pytest.fixture(scope="module", params=["zlib", "zlib_ng.zlib_ng"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    """All promises hold with each library that may do the work."""
    if request.param != "zlib":
        require("zlib_ng")
    before = use_zlib(import_module(request.param))
    yield
    use_zlib(before)


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
        with pytest.raises(WebSocketError, match=f"max_msg_size={size - 1}; raise max") as caught:
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


# ------------------------------------------------------------------ parked and released


def park_all(pool: ContextPool) -> None:
    """Let everything be quiet for two looks; the first may find it used."""
    pool.park_quiet()
    pool.park_quiet()


def test_a_context_is_made_at_the_first_message_and_not_before() -> None:
    pool = ContextPool()
    deflater = MessageDeflater(params(), True, pool=pool)
    inflater = MessageInflater(params(), False, pool=pool)
    assert (deflater.live, inflater.live, len(pool)) == (False, False, 0)
    packed = deflater.compress(b"Hello")
    assert (deflater.live, inflater.live, len(pool)) == (True, False, 1)
    inflater.inflate(packed, True)
    assert (deflater.live, inflater.live, len(pool)) == (True, True, 2)


@given(
    messages=messages,
    bits=st.integers(8, 15),
    level=st.integers(0, 9),
    from_server=st.booleans(),
    parks=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_a_peer_does_not_notice_that_we_park(
    messages: list[tuple[bytes, list[int]]],
    bits: int,
    level: int,
    from_server: bool,
    parks: list[bool],
) -> None:
    agreed = params(bits=bits)
    pool = ContextPool()
    deflater = MessageDeflater(agreed, from_server, level, pool=pool)
    inflater = MessageInflater(agreed, from_server, pool=pool)
    # a peer of zlib alone, which keeps its contexts
    its_inflater = zlib.decompressobj(-bits)
    its_deflater = zlib.compressobj(wbits=-max(bits, 9))
    for (data, cuts), park in zip(messages, parks, strict=False):
        fragments = pieces(data, cuts)
        packed = b""
        for i, fragment in enumerate(fragments):
            packed += deflater.compress(fragment, i == len(fragments) - 1)
        assert its_inflater.decompress(packed + TAIL) == data
        packed = its_deflater.compress(data) + its_deflater.flush(zlib.Z_SYNC_FLUSH)
        if packed:
            assert inflate_all(inflater, pieces(packed[:-4], cuts), len(data) or 1) == data
        if park:
            park_all(pool)
            assert (deflater.live, inflater.live) == (False, False)


def test_a_parked_inflater_keeps_its_window_and_no_more() -> None:
    pool = ContextPool()
    sender = zlib.compressobj(wbits=-12)
    inflater = MessageInflater(params(bits=12), True, pool)
    data = random.Random(5).randbytes(3000)
    for _ in range(5):
        packed = sender.compress(data) + sender.flush(zlib.Z_SYNC_FLUSH)
        assert inflater.inflate(packed[:-4], True) == data
        park_all(pool)
        assert inflater.kept_bytes <= 4096
    assert len(packed) < 100


def test_a_parked_deflater_goes_on_with_the_last_that_it_sent() -> None:
    pool = ContextPool()
    deflater = MessageDeflater(params(), True, pool=pool)
    data = random.Random(6).randbytes(3000)
    deflater.compress(bytes(100_000))
    deflater.compress(data)
    park_all(pool)
    assert deflater.kept_bytes <= 5120
    assert len(deflater.compress(data)) < 100


def test_contexts_that_are_used_between_two_looks_stay() -> None:
    pool = ContextPool()
    busy, quiet = (MessageDeflater(params(), True, pool=pool) for _ in range(2))
    quiet.compress(b"Hello")
    for _ in range(3):
        busy.compress(b"Hello")
        left = pool.park_quiet()
    assert (busy.live, quiet.live, left) == (True, False, 1)


def test_a_message_of_which_a_part_is_to_come_keeps_its_context() -> None:
    pool = ContextPool(1)
    deflater = MessageDeflater(params(), True, pool=pool)
    inflater = MessageInflater(params(), False, pool)
    assert inflater.inflate(deflater.compress(b"Hello", fin=False), False) == b"Hello"
    park_all(pool)
    assert (deflater.live, inflater.live, len(pool)) == (True, True, 2)
    assert inflater.inflate(deflater.compress(b" world"), True) == b" world"
    park_all(pool)
    assert (deflater.live, inflater.live, len(pool)) == (False, False, 0)


def test_contexts_that_nobody_holds_are_gone_at_the_next_look() -> None:
    pool = ContextPool()
    deflater = MessageDeflater(params(), True, pool=pool)
    inflater = MessageInflater(params(), False, pool)
    inflater.inflate(deflater.compress(b"Hello", fin=False), False)
    assert pool.park_quiet() == 2
    del deflater, inflater
    assert pool.park_quiet() == 0


def test_no_more_contexts_live_than_the_limit() -> None:
    pool = ContextPool(16)
    deflaters = [MessageDeflater(params(), True, pool=pool) for _ in range(100)]
    inflaters = [MessageInflater(params(), False, pool) for _ in range(100)]
    for turn in range(3):
        for number, (deflater, inflater) in enumerate(zip(deflaters, inflaters, strict=True)):
            data = b"message %d in turn %d" % (number, turn)
            assert inflater.inflate(deflater.compress(data), True) == data
            assert len(pool) <= 16
            assert len(pool) == sum(one.live for one in [*deflaters, *inflaters])


def test_the_limit_parks_first_what_was_not_used_lately() -> None:
    pool = ContextPool(8)
    busy = MessageDeflater(params(), True, pool=pool)
    for _ in range(50):
        busy.compress(b"Hello")
        MessageDeflater(params(), True, pool=pool).compress(b"Hello")
        assert busy.live


def test_contexts_that_are_not_taken_over_are_gone_with_their_message() -> None:
    pool = ContextPool()
    deflater = MessageDeflater(params(False), True, pool=pool)
    inflater = MessageInflater(params(False), False, pool)
    assert inflater.inflate(deflater.compress(b"Hello"), True) == b"Hello"
    assert (deflater.live, inflater.live, len(pool)) == (False, False, 0)
    assert (deflater.kept_bytes, inflater.kept_bytes) == (0, 0)


def test_a_final_block_leaves_nothing_to_keep() -> None:
    pool = ContextPool()
    inflater = MessageInflater(params(), True, pool)
    inflater.inflate(HELLO, True)
    assert inflater.inflate(raw_deflate(b"world", zlib.Z_FINISH), True) == b"world"
    park_all(pool)
    assert inflater.kept_bytes == 0
    with pytest.raises(WebSocketError):
        inflater.inflate(bytes.fromhex("f200110000"), True)  # "Hello" from five bytes back


def test_a_stream_behind_a_final_block_is_parked_with_its_own_window() -> None:
    pool = ContextPool()
    inflater = MessageInflater(params(), True, pool)
    assert inflater.inflate(raw_deflate(b"Old", zlib.Z_FINISH) + HELLO, True) == b"OldHello"
    park_all(pool)
    assert inflater.kept_bytes == 5
    assert inflater.inflate(bytes.fromhex("f200110000"), True) == b"Hello"


@pytest.mark.parametrize("parked", [False, True])
def test_a_released_deflater_refers_to_nothing_it_sent(parked: bool) -> None:
    pool = ContextPool()
    deflater = MessageDeflater(params(), True, pool=pool)
    data = random.Random(7).randbytes(300)
    deflater.compress(data)
    if parked:
        park_all(pool)
    deflater.release()
    assert (deflater.live, deflater.kept_bytes, len(pool)) == (False, 0, 0)
    assert zlib.decompressobj(-15).decompress(deflater.compress(data) + TAIL) == data


class Watch(ContextPool):
    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.seen: list[str] = []

    def on_first(self) -> None:
        self.seen.append("first")

    def on_last(self) -> None:
        self.seen.append("last")


def test_a_pool_tells_when_its_first_context_comes_and_its_last_goes() -> None:
    pool = Watch(8)
    one, two = (MessageDeflater(params(), True, pool=pool) for _ in range(2))
    one.compress(b"Hello")
    two.compress(b"Hello")
    one.release()
    assert pool.seen == ["first"]
    park_all(pool)
    assert pool.seen == ["first", "last"]
    two.release()
    one.compress(b"Hello")
    assert pool.seen == ["first", "last", "first"]


@given(data=bodies, bits=st.integers(8, 15), before=bodies, level=st.integers(0, 9))
def test_a_message_compressed_alone_is_read_whatever_came_before(
    data: bytes, bits: int, before: bytes, level: int
) -> None:
    payload = compress_alone(data, bits, level)
    inflater = zlib.decompressobj(-bits)
    for message in (before, before):
        inflater.decompress(MessageDeflater(params(False, bits), True).compress(message) + TAIL)
        assert inflater.decompress(payload + TAIL) == data


def test_zlib_ng_is_used_where_it_is_installed() -> None:
    require("zlib_ng")
    assert installed_zlib().__name__ == "zlib_ng.zlib_ng"
