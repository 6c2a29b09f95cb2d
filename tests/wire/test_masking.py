"""Masking (RFC 6455 5.3): every loop that this machine has, against one byte at a time."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws.wire.frames import (
    FrameReader,
    encode_frame,
    force_mask_backend,
    mask,
    mask_backend,
)

FIN_BINARY = 0x80
CHOSEN = mask_backend()
BACKENDS = [name for name in ("avx2", "sse2", "neon", "c") if force_mask_backend(name)]
force_mask_backend(CHOSEN)

keys = st.binary(min_size=4, max_size=4)


def masked(data: bytes, key: bytes, phase: int = 0) -> bytes:
    return bytes(byte ^ key[(phase + i) & 3] for i, byte in enumerate(data))


def pattern(size: int) -> bytes:
    return bytes((i * 7 + i // 251) & 0xFF for i in range(size))


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    assert force_mask_backend(request.param)
    assert mask_backend() == request.param
    yield request.param
    force_mask_backend(CHOSEN)


def test_the_widest_loop_of_this_machine_is_chosen() -> None:
    assert BACKENDS.index(CHOSEN) == 0


def test_a_loop_that_does_not_exist_is_refused_and_nothing_changes() -> None:
    assert not force_mask_backend("abacus")
    assert mask_backend() == CHOSEN


def test_every_length_and_phase_is_masked(backend: str) -> None:
    key = b"\x12\x9a\xfe\x01"
    for size in (*range(300), 1023, 4096, 65537):
        data = pattern(size)
        for phase in range(4):
            assert mask(data, key, phase) == masked(data, key, phase), (size, phase)


def test_every_alignment_of_the_source_is_masked(backend: str) -> None:
    key = b"\xa1\xb2\xc3\xd4"
    data = pattern(400)
    for offset in range(65):
        for size in (0, 1, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 127, 128, 129, 300):
            piece = memoryview(data)[offset : offset + size]
            assert mask(piece, key) == masked(bytes(piece), key), (offset, size)


def test_masking_in_place_touches_nothing_beside_the_payload(backend: str) -> None:
    # A reader unmasks where the bytes lie: a store too many would damage the next frame.
    key = b"\xff\x00\x55\xaa"
    payloads = [pattern(size) for size in (*range(200), 1000, 3001)]
    stream = b"".join(encode_frame(2, payload, mask=key) for payload in payloads)
    for offset in range(8):
        reader = FrameReader(True)
        # a frame before them moves all others to another alignment
        frames = reader.feed(encode_frame(2, bytes(offset), mask=key) + stream)
        assert [payload for _, _, payload in frames[1:]] == payloads


def test_a_payload_unmasked_in_two_pieces_keeps_the_phase_of_its_key(backend: str) -> None:
    key = b"\x01\x02\x03\x04"
    payload = pattern(150)
    frame = encode_frame(2, payload, mask=key)
    for cut in range(1, len(frame)):
        reader = FrameReader(True)
        frames = reader.feed(frame[:cut]) + reader.feed(frame[cut:])
        assert frames == [(2, FIN_BINARY, payload)], cut


@pytest.mark.parametrize("name", BACKENDS)
@given(data=st.binary(max_size=700), key=keys, phase=st.integers(0, 1 << 40))
def test_any_bytes_are_masked_and_masking_twice_gives_them_back(
    name: str, data: bytes, key: bytes, phase: int
) -> None:
    force_mask_backend(name)
    try:
        once = mask(data, key, phase)
        assert once == masked(data, key, phase)
        assert mask(once, key, phase) == data
    finally:
        force_mask_backend(CHOSEN)


@pytest.mark.parametrize("key", [b"", b"abc", b"abcde"])
def test_a_key_of_another_size_than_four_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="4 bytes"):
        mask(b"data", key)
