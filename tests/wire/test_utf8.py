"""UTF-8 as it arrives (RFC 3629, RFC 6455 8.1), against Python's own decoder."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.wire.frames import utf8_check


def expected(data: bytes) -> tuple[int, bool]:
    """The first byte after which no text could go on, and whether the text may end."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as exc:
        if exc.reason == "unexpected end of data":
            return len(data), False
        if exc.reason == "invalid start byte":
            return exc.start, False
        return exc.end, False  # the bytes before it could have gone on
    return len(data), True


def check(*chunks: bytes) -> tuple[int, bool]:
    """As utf8_check, without what it says about completeness after a bad byte."""
    index, complete = utf8_check(*chunks)
    return index, complete and index == sum(map(len, chunks))


SEQUENCES = [
    b"\x00",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xe0\xbf\xbf",
    b"\xe1\x80\x80",
    b"\xec\xbf\xbf",
    b"\xed\x80\x80",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf0\xbf\xbf\xbf",
    b"\xf1\x80\x80\x80",
    b"\xf3\xbf\xbf\xbf",
    b"\xf4\x80\x80\x80",
    b"\xf4\x8f\xbf\xbf",
]
BROKEN = {
    "a continuation byte alone": (b"\x80", 0),
    "the last continuation byte alone": (b"\xbf", 0),
    "overlong in two bytes": (b"\xc0\xaf", 0),
    "overlong in two bytes, highest": (b"\xc1\xbf", 0),
    "overlong in three bytes": (b"\xe0\x80\xaf", 1),
    "overlong in three bytes, highest": (b"\xe0\x9f\xbf", 1),
    "overlong in four bytes": (b"\xf0\x80\x80\xaf", 1),
    "overlong in four bytes, highest": (b"\xf0\x8f\xbf\xbf", 1),
    "the first surrogate": (b"\xed\xa0\x80", 1),
    "the last surrogate": (b"\xed\xbf\xbf", 1),
    "above U+10FFFF": (b"\xf4\x90\x80\x80", 1),
    "a first byte above F4": (b"\xf5\x80\x80\x80", 0),
    "FE": (b"\xfe", 0),
    "FF": (b"\xff", 0),
    "two bytes, cut by ASCII": (b"\xc3a", 1),
    "three bytes, cut by ASCII": (b"\xe2\x82a", 2),
    "four bytes, cut by ASCII": (b"\xf0\x9f\x98a", 3),
    "four bytes, cut by another sequence": (b"\xf0\x9f\xc3\xa9", 2),
    "a continuation byte too many": (b"\xc3\xa9\xa9", 2),
}
# Sound pieces, cut ones and arbitrary bytes, with runs of ASCII that fill vectors.
texts = st.lists(
    st.one_of(
        st.text(max_size=12).map(str.encode),
        st.text(alphabet="aé€😀", max_size=80).map(str.encode),
        st.sampled_from(SEQUENCES),
        st.sampled_from(SEQUENCES).map(lambda sequence: sequence[:-1]),
        st.sampled_from([piece for piece, _ in BROKEN.values()]),
        st.binary(max_size=4),
        st.integers(0, 150).map(lambda size: b"a" * size),
    ),
    max_size=8,
).map(b"".join)
sound_texts = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.text(alphabet="aщ天😀", max_size=80),
        st.integers(0, 150).map(lambda size: "a" * size),
    ),
    max_size=8,
).map("".join)


def test_every_code_point_is_accepted() -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)])).encode()
    assert utf8_check(text) == (len(text), True)
    assert utf8_check(*(text[i : i + 997] for i in range(0, len(text), 997))) == (len(text), True)


def test_every_surrogate_is_refused_at_its_second_byte() -> None:
    for point in range(0xD800, 0xE000):
        data = chr(point).encode("utf-8", "surrogatepass")
        assert check(b"ab" + data + b"padding") == (3, False), hex(point)


def test_every_pair_of_bytes_is_judged_as_python_does() -> None:
    for first in range(256):
        for second in range(256):
            for tail in (b"", b"\x80\x80 padding"):
                data = bytes((first, second)) + tail
                assert check(data) == expected(data), data


@pytest.mark.parametrize("sequence", SEQUENCES, ids=bytes.hex)
def test_the_first_and_last_of_each_range_is_accepted_wherever_it_is_cut(
    sequence: bytes,
) -> None:
    for cut in range(len(sequence) + 1):
        assert utf8_check(b"a", sequence[:cut], sequence[cut:], b"z") == (
            len(sequence) + 2,
            True,
        )


@pytest.mark.parametrize(("broken", "bad"), BROKEN.values(), ids=list(BROKEN))
def test_the_first_bad_byte_is_named_at_any_place_in_a_buffer(broken: bytes, bad: int) -> None:
    for lead in ("a", "щ", "天", "😀"):
        for count in range(70):
            before = (lead * count).encode()
            for after in (b"", b"z", b"z" * 70, "天".encode() * 30):
                index, _ = utf8_check(before + broken + after)
                assert index == len(before) + bad, (lead, count, after)


@pytest.mark.parametrize(("broken", "bad"), BROKEN.values(), ids=list(BROKEN))
def test_a_bad_byte_is_seen_as_soon_as_it_comes(broken: bytes, bad: int) -> None:
    # RFC 6455 8.1: what comes before it is still good, whatever may follow
    assert utf8_check(broken[:bad])[0] == bad
    assert utf8_check(broken[: bad + 1])[0] == bad
    assert utf8_check(*(bytes([byte]) for byte in broken))[0] == bad


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("sequence", [s for s in SEQUENCES if len(s) > 1], ids=bytes.hex)
def test_a_text_that_ends_inside_a_sequence_is_incomplete(sequence: bytes, size: int) -> None:
    cut = sequence[: min(size, len(sequence) - 1)]
    for before in (b"", b"a" * 100, "天".encode() * 50):
        assert utf8_check(before + cut) == (len(before) + len(cut), False)


@given(texts)
def test_any_bytes_are_judged_as_python_does(data: bytes) -> None:
    assert check(data) == expected(data)


@given(texts, st.data())
def test_any_bytes_in_any_chunks_are_judged_as_in_one(data: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    edges = [0, *cuts, len(data)]
    chunks = [data[a:b] for a, b in pairwise(edges)]
    assert check(*chunks) == expected(data)
    assert check(*(data[i : i + 1] for i in range(len(data)))) == expected(data)


@given(sound_texts, st.integers(0, 63))
def test_any_text_is_accepted_at_any_alignment(text: str, offset: int) -> None:
    data = memoryview(b"\xff" * offset + text.encode() + b"\xff")[offset:-1]
    assert utf8_check(data) == (len(data), True)


@given(sound_texts, st.integers(0, 1 << 30), st.integers(0, 255))
def test_one_byte_changed_in_any_text_is_judged_as_python_does(
    text: str, where: int, byte: int
) -> None:
    data = bytearray(text.encode() or b"a")
    data[where % len(data)] = byte
    assert check(bytes(data)) == expected(bytes(data))
