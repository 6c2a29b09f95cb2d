"""The frame codec (RFC 6455 5) on bytes alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.wire.frames import FrameReader, encode_frame

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
KEY = b"\x37\xfa\x21\x3d"
EDGES = [0, 1, 125, 126, 127, 65535, 65536, 65537]
Frame = tuple[int, int, bytes]


def header(first: int, size: int, *, masked: bool = False, length: int | None = None) -> bytes:
    """A header by the letter of RFC 6455 5.2; *length* forces 7, 16 or 64 bits."""
    mask_bit = 0x80 if masked else 0
    if length is None:
        length = 7 if size < 126 else 16 if size < 65536 else 64
    if length == 7:
        out = bytes((first, mask_bit | size))
    elif length == 16:
        out = bytes((first, mask_bit | 126)) + size.to_bytes(2, "big")
    else:
        out = bytes((first, mask_bit | 127)) + size.to_bytes(8, "big")
    return out + (KEY if masked else b"")


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    return encode_frame(opcode, payload, fin=fin, rsv=rsv)


def client(**settings: object) -> FrameReader:
    return FrameReader(False, **settings)  # type: ignore[arg-type]


def feed_in(reader: FrameReader, data: bytes, cuts: list[int]) -> list[Frame]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    frames: list[Frame] = []
    for start, end in pairwise(edges):
        frames += reader.feed(data[start:end])
    return frames


def refused(data: bytes, code: int = 1002, *, server: bool = False, **settings: object) -> str:
    """Feed *data* whole and a byte at a time; return the reason it is refused for."""
    whole = FrameReader(server, **settings)  # type: ignore[arg-type]
    assert whole.feed(data) == []
    single = FrameReader(server, **settings)  # type: ignore[arg-type]
    for i in range(len(data)):
        assert single.feed(data[i : i + 1]) == []
    assert (whole.error_code, single.error_code) == (code, code)
    assert str(whole.error) == str(single.error)
    assert whole.error
    return str(whole.error)


# ------------------------------------------------------------------------ frames out


@pytest.mark.parametrize("size", [*EDGES, 1 << 20])
@pytest.mark.parametrize("masked", [False, True])
def test_a_frame_is_written_with_the_shortest_length_that_holds(size: int, masked: bool) -> None:
    payload = bytes(i & 0xFF for i in range(size))
    out = encode_frame(BINARY, payload, mask=KEY if masked else None)
    start = header(FIN | BINARY, size, masked=masked)
    assert out[: len(start)] == start
    body = bytes(b ^ KEY[i & 3] for i, b in enumerate(payload)) if masked else payload
    assert out[len(start) :] == body


def test_the_examples_of_the_rfc_are_written_and_read() -> None:
    # RFC 6455 5.7
    assert encode_frame(TEXT, b"Hello").hex() == "810548656c6c6f"
    assert encode_frame(TEXT, b"Hello", mask=KEY).hex() == "818537fa213d7f9f4d5158"
    assert encode_frame(TEXT, b"Hel", fin=False).hex() == "010348656c"
    assert encode_frame(CONTINUATION, b"lo").hex() == "80026c6f"
    assert FrameReader(True).feed(bytes.fromhex("818537fa213d7f9f4d5158")) == [
        (TEXT, FIN, b"Hello")
    ]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"opcode": 16}, "opcode 16 "),
        ({"opcode": -1}, "opcode -1 "),
        ({"opcode": 1, "rsv": 8}, "rsv 8 "),
        ({"opcode": 1, "mask": b"abc"}, "not 3"),
    ],
)
def test_a_caller_s_fault_is_named(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encode_frame(**wrong)  # type: ignore[arg-type]


# ------------------------------------------------------------------------- round trips

payloads = st.one_of(
    st.binary(max_size=300),
    st.sampled_from(EDGES).map(lambda size: b"\xc3\x28" * (size // 2) + b"x" * (size & 1)),
    st.integers(0, 150_000).map(lambda size: b"payload " * (size // 8)),
)
small = st.binary(max_size=125)


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[int, bool, bytes]]:
    """Any sound sequence of frames, control frames between fragments included."""
    frames = []
    for _ in range(draw(st.integers(1, 4))):
        fragments = draw(st.lists(payloads, min_size=1, max_size=4))
        for i, fragment in enumerate(fragments):
            for _ in range(draw(st.integers(0, 2))):
                frames.append((draw(st.sampled_from([PING, PONG])), True, draw(small)))
            last = i == len(fragments) - 1
            frames.append((BINARY if i == 0 else CONTINUATION, last, fragment))
    return frames


@given(
    frames=conversations(),
    server=st.booleans(),
    key=st.binary(min_size=4, max_size=4),
    cuts=st.lists(st.integers(0, 1 << 30), max_size=12),
)
def test_any_frames_come_back_under_any_chunking(
    frames: list[tuple[int, bool, bytes]], server: bool, key: bytes, cuts: list[int]
) -> None:
    mask = key if server else None
    stream = b"".join(encode_frame(op, data, fin=fin, mask=mask) for op, fin, data in frames)
    reader = FrameReader(server)
    received = feed_in(reader, stream, cuts)
    assert received == [(op, FIN if fin else 0, data) for op, fin, data in frames]
    assert (reader.error_code, reader.buffered, reader.capacity) == (0, 0, 0)


@given(frames=conversations(), step=st.integers(1, 9))
def test_any_frames_come_back_a_few_bytes_at_a_time(
    frames: list[tuple[int, bool, bytes]], step: int
) -> None:
    short = [(op, fin, data[:600]) for op, fin, data in frames]
    stream = b"".join(encode_frame(op, data, fin=fin, mask=KEY) for op, fin, data in short)
    reader = FrameReader(True)
    received = []
    for i in range(0, len(stream), step):
        received += reader.feed(stream[i : i + step])
    assert received == [(op, FIN if fin else 0, data) for op, fin, data in short]
    assert reader.capacity == 0


@pytest.mark.parametrize("size", [*EDGES, 32767, 32768, 32769, 131072, 1_000_000])
@pytest.mark.parametrize("server", [False, True])
def test_every_length_comes_back_wherever_its_header_is_cut(size: int, server: bool) -> None:
    payload = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    stream = encode_frame(BINARY, payload, mask=KEY if server else None)
    after = encode_frame(PING, b"next", mask=KEY if server else None)
    start = len(stream) - size
    cuts = {*range(start + 2), len(stream) - 1, start + size // 2, start + size // 3}
    for cut in cuts & set(range(len(stream) + 1)):
        reader = FrameReader(server)
        received = reader.feed(stream[:cut]) + reader.feed(stream[cut:] + after)
        assert received == [(BINARY, FIN, payload), (PING, FIN, b"next")], cut
        assert reader.capacity == 0


@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.tuples(st.integers(0, 255), small).map(
                lambda pair: encode_frame(pair[0] & 15, pair[1], fin=pair[0] > 40)
            ),
            st.tuples(st.integers(0, 255), st.integers(0, 70000), st.sampled_from([16, 64])).map(
                lambda shape: header(shape[0], shape[1] & 0xFFFF, length=shape[2])
            ),
        ),
        max_size=8,
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 1 << 30), max_size=5),
    server=st.booleans(),
)
def test_any_bytes_give_the_same_frames_and_the_same_fault_under_any_chunking(
    data: bytes, cuts: list[int], server: bool
) -> None:
    settings = {"max_frame_size": 5000, "max_message_size": 9000, "check_utf8": False}
    whole, chunked, single = (FrameReader(server, **settings) for _ in range(3))
    expected = whole.feed(data)
    assert feed_in(chunked, data, cuts) == expected
    assert feed_in(single, data, list(range(len(data)))) == expected
    assert (chunked.error_code, str(chunked.error)) == (whole.error_code, str(whole.error))
    assert (single.error_code, str(single.error)) == (whole.error_code, str(whole.error))
    assert whole.error_code in (0, 1002, 1009)


# -------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("size", [0, 1, 125])
def test_sixteen_bits_for_a_length_of_seven_are_refused(size: int) -> None:
    assert f"length {size} " in refused(header(FIN | BINARY, size, length=16))


@pytest.mark.parametrize("size", [0, 125, 126, 65535])
def test_sixty_four_bits_for_a_shorter_length_are_refused(size: int) -> None:
    assert f"length {size} " in refused(header(FIN | BINARY, size, length=64))


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1])
def test_a_length_with_its_top_bit_set_is_refused(size: int) -> None:
    assert "most significant bit" in refused(header(FIN | BINARY, size))


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF])
@pytest.mark.parametrize("inside", [False, True])
def test_a_reserved_opcode_is_refused(opcode: int, inside: bool) -> None:
    reader = client(allow_rsv1=True, allow_reserved=True)
    if inside:
        reader.feed(frame(BINARY, b"a", fin=False))
    assert reader.feed(bytes((FIN | opcode, 0))) == []
    assert reader.error_code == 1002
    assert f"{opcode:#x}" in str(reader.error)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CLOSE, PING, PONG])
@pytest.mark.parametrize("rsv", range(1, 8))
def test_reserved_bits_without_an_extension_are_refused(opcode: int, rsv: int) -> None:
    assert "reserved bits" in refused(bytes((FIN | rsv << 4 | opcode, 0)))


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_rsv1_starts_a_compressed_message_where_that_was_agreed(opcode: int) -> None:
    reader = client(allow_rsv1=True)
    assert reader.feed(frame(opcode, b"\xff", fin=False, rsv=4) + frame(0, b"\xff")) == [
        (opcode, RSV1, b"\xff"),
        (CONTINUATION, FIN, b"\xff"),
    ]
    # and the next message may be without
    assert reader.feed(frame(opcode, b"plain")) == [(opcode, FIN, b"plain")]


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_rsv1_on_a_control_frame_is_refused_even_where_it_was_agreed(opcode: int) -> None:
    # RFC 7692 6.1: control frames are never compressed
    assert "RSV1" in refused(frame(opcode, rsv=4), allow_rsv1=True)


def test_rsv1_on_a_continuation_frame_is_refused() -> None:
    reader = client(allow_rsv1=True)
    assert reader.feed(frame(TEXT, b"a", fin=False, rsv=4)) == [(TEXT, RSV1, b"a")]
    assert reader.feed(frame(CONTINUATION, b"b", rsv=4)) == []
    assert reader.error_code == 1002


@pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
def test_the_other_reserved_bits_stay_refused_with_compression(rsv: int) -> None:
    assert "reserved bits" in refused(frame(TEXT, rsv=rsv), allow_rsv1=True)


@pytest.mark.parametrize("opcode", [TEXT, PING])
@pytest.mark.parametrize("rsv", range(1, 8))
def test_reserved_bits_are_the_user_s_where_the_user_asked_for_them(opcode: int, rsv: int) -> None:
    reader = client(allow_reserved=True)
    assert reader.feed(frame(opcode, b"x", rsv=rsv)) == [(opcode, FIN | rsv << 4, b"x")]


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_a_control_frame_carries_up_to_125_bytes_in_one_piece(opcode: int) -> None:
    payload = b"\x03\xe8" + b"x" * 123
    assert client().feed(frame(opcode, payload)) == [(opcode, FIN, payload)]
    assert "125 bytes" in refused(header(FIN | opcode, 126))
    assert "125 bytes" in refused(header(FIN | opcode, 65536))
    assert "fragmented" in refused(frame(opcode, b"", fin=False))


def test_a_close_frame_with_half_a_code_is_refused() -> None:
    assert "half a close code" in refused(bytes((FIN | CLOSE, 1)))
    assert client().feed(frame(CLOSE)) == [(CLOSE, FIN, b"")]


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CLOSE, PING, PONG])
def test_a_server_refuses_unmasked_frames_and_a_client_masked_ones(opcode: int) -> None:
    # RFC 6455 5.1; the header alone is enough
    assert "unmasked" in refused(frame(opcode)[:2], server=True)
    assert "masked" in refused(encode_frame(opcode, mask=KEY)[:2])


# ---------------------------------------------------------------------- fragmentation


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_control_frames_may_come_between_fragments(opcode: int) -> None:
    frames = [(TEXT, 0, b"a\xc3"), (opcode, FIN, b"\x03\xe8"), (CONTINUATION, FIN, b"\xa9b")]
    stream = b"".join(frame(op, data, fin=bool(flags)) for op, flags, data in frames)
    for cut in range(len(stream) + 1):
        reader = client()
        assert reader.feed(stream[:cut]) + reader.feed(stream[cut:]) == frames
        assert reader.error_code == 0


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [True, False])
def test_a_new_message_inside_another_is_refused(opcode: int, fin: bool) -> None:
    reader = client()
    reader.feed(frame(TEXT, b"a", fin=False) + frame(PING))
    assert reader.feed(frame(opcode, b"b", fin=fin)) == []
    assert reader.error_code == 1002
    assert "in progress" in str(reader.error)


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_outside_a_message_is_refused(fin: bool) -> None:
    assert "outside a message" in refused(frame(CONTINUATION, b"a", fin=fin))
    reader = client()
    reader.feed(frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b") + frame(PONG))
    assert reader.feed(frame(CONTINUATION, b"c", fin=fin)) == []
    assert reader.error_code == 1002


def test_frames_before_a_fault_are_delivered_and_nothing_after_it() -> None:
    reader = client()
    stream = frame(TEXT, b"good") + frame(3) + frame(TEXT, b"never")
    assert reader.feed(stream) == [(TEXT, FIN, b"good")]
    assert reader.error_code == 1002
    reason = reader.error
    assert reader.feed(frame(TEXT, b"never")) == []
    assert reader.error == reason


# ------------------------------------------------------------------------------ limits


@pytest.mark.parametrize("limit", [1, 125, 126, 65535, 65536, 100000])
@pytest.mark.parametrize("server", [False, True])
def test_a_frame_over_the_limit_is_refused_by_its_header_alone(limit: int, server: bool) -> None:
    reader = FrameReader(server, max_frame_size=limit)
    mask = KEY if server else None
    assert reader.feed(encode_frame(BINARY, bytes(limit), mask=mask))[0][2] == bytes(limit)
    over = header(FIN | BINARY, limit + 1, masked=server)
    without_key = over[:-4] if server else over
    assert reader.feed(without_key) == []
    assert reader.error_code == 1009
    assert f"{limit + 1} bytes exceeds max_frame_size={limit}" in str(reader.error)
    assert "raise max_frame_size" in str(reader.error)
    assert reader.capacity <= 64


@pytest.mark.parametrize("limit", [1, 100, 70000])
def test_a_message_over_the_limit_is_refused_by_the_header_that_says_so(limit: int) -> None:
    assert "raise max_msg_size" in refused(
        header(FIN | BINARY, limit + 1), 1009, max_message_size=limit
    )
    reader = client(max_message_size=limit)
    first = limit // 2
    assert reader.feed(frame(BINARY, bytes(first), fin=False) + frame(PING, b"not counted"))
    assert reader.feed(header(CONTINUATION, limit - first + 1)) == []
    assert reader.error_code == 1009
    assert f"max_msg_size={limit}" in str(reader.error)


def test_a_message_at_the_limit_passes_and_the_next_counts_anew() -> None:
    reader = client(max_message_size=10)
    for _ in range(3):
        stream = frame(BINARY, b"12345", fin=False) + frame(PING) + frame(CONTINUATION, b"67890")
        assert len(reader.feed(stream)) == 3
    assert reader.error_code == 0


def test_control_frames_do_not_count_towards_a_message() -> None:
    reader = client(max_message_size=10)
    stream = frame(TEXT, b"a", fin=False) + frame(PING, bytes(125)) * 3 + frame(CONTINUATION)
    assert len(reader.feed(stream)) == 5


def test_a_header_that_claims_much_is_not_believed_until_it_comes() -> None:
    reader = client()
    assert reader.feed(header(FIN | BINARY, 1 << 62) + b"x" * 100) == []
    assert reader.error_code == 0
    assert reader.capacity < 1024
    reader.feed(b"x" * 200_000)
    assert reader.buffered > 200_000
    assert reader.capacity <= 4 * reader.buffered


def test_an_idle_reader_keeps_no_memory() -> None:
    reader = FrameReader(True)
    big = encode_frame(BINARY, bytes(300_000), mask=KEY)
    for cut in (1, 5, 100, 40_000, 299_000):
        assert reader.feed(big[:cut]) == []
        assert reader.buffered == cut
        assert reader.capacity >= cut
        assert len(reader.feed(big[cut:])) == 1
        assert (reader.buffered, reader.capacity) == (0, 0)


# ------------------------------------------------------------------------------- UTF-8


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize(
    ("text", "bad"),
    [
        (b"Hello\xff world", 5),
        (b"\xc0\xaf overlong", 0),
        (b"surrogate \xed\xa0\x80", 11),
        (b"too high \xf4\x90\x80\x80", 10),
        (b"cut \xe2\x82 by a space", 6),
        (b"a" * 200 + b"\x80" + b"a" * 200, 200),
    ],
)
def test_text_fails_at_its_first_bad_byte_in_the_middle_of_a_frame(
    text: bytes, bad: int, server: bool
) -> None:
    # RFC 6455 8.1; the frame claims more than ever comes
    claimed = text + b"." * 1000
    stream = encode_frame(TEXT, claimed, mask=KEY if server else None)
    start = len(stream) - len(claimed)
    for fin in (True, False):
        reader = FrameReader(server)
        data = bytearray(stream)
        if not fin:
            data[0] &= ~FIN
        for i in range(start + bad):
            assert reader.feed(data[i : i + 1]) == []
            assert reader.error_code == 0, i
        assert reader.feed(data[start + bad : start + bad + 1]) == []
        assert reader.error_code == 1007
        assert "UTF-8" in str(reader.error)


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_sequence_may_lie_across_fragments_and_a_bad_one_is_found_there(cut: int) -> None:
    face = "😀".encode()
    reader = client()
    sound = frame(TEXT, face[:cut], fin=False) + frame(CONTINUATION, face[cut:])
    assert len(reader.feed(sound * 2)) == 4
    assert reader.error_code == 0
    assert len(reader.feed(frame(TEXT, face[:cut], fin=False))) == 1
    assert reader.feed(header(CONTINUATION, 100) + b"A") == []
    assert reader.error_code == 1007


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_fragmented_text_that_ends_inside_a_sequence_is_refused(cut: int) -> None:
    face = "😀".encode()[:cut]
    for fragments in ([face, b""], [b"", face], [b"a", b"b" + face], [face[:1], face[1:]]):
        reader = client()
        assert len(reader.feed(frame(TEXT, fragments[0], fin=False))) == 1
        assert reader.feed(frame(CONTINUATION, fragments[1])) == []
        assert reader.error_code == 1007
        assert "ends inside" in str(reader.error)


def test_each_text_message_starts_anew() -> None:
    reader = client()
    stream = frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"\xa9")
    for _ in range(3):
        assert len(reader.feed(stream)) == 2
        assert len(reader.feed(frame(BINARY, b"\xc3", fin=False) + frame(CONTINUATION))) == 2
    assert reader.error_code == 0


def test_only_text_that_nobody_compressed_is_validated() -> None:
    bad = b"\xff\xfe\xfd"
    for reader, opcode, rsv in (
        (client(), BINARY, 0),
        (client(), PING, 0),
        (client(allow_rsv1=True), TEXT, 4),
        (client(check_utf8=False), TEXT, 0),
    ):
        data = frame(opcode, bad, rsv=rsv)
        received = feed_in(reader, data, list(range(len(data))))
        assert received == [(opcode, FIN | rsv << 4, bad)]
        assert reader.error_code == 0


@given(text=st.text(max_size=300), cuts=st.lists(st.integers(0, 1 << 20), max_size=6))
def test_any_text_in_any_fragments_and_chunks_is_accepted(text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts[:3]), len(data)]
    fragments = [data[a:b] for a, b in pairwise(edges)]
    stream = b"".join(
        encode_frame(TEXT if i == 0 else CONTINUATION, part, fin=i == len(fragments) - 1, mask=KEY)
        for i, part in enumerate(fragments)
    )
    reader = FrameReader(True)
    received = feed_in(reader, stream, cuts[3:])
    assert [payload for _, _, payload in received] == fragments
    assert reader.error_code == 0
