"""Content codings: round trips under every chunking, and bounded work."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws import set_zlib_backend
from aiohttp_ws.errors import ContentEncodingError
from aiohttp_ws.http import codings, zlib_codings
from aiohttp_ws.http.compression import Compressor, Decompressor


@given(
    st.sampled_from(codings.supported_codings()),
    st.lists(st.binary(max_size=500)),
    st.integers(1, 100),
    st.integers(0, 50),
)
def test_what_is_compressed_is_read_back(encoding, pieces, step, max_length):
    packer = Compressor(encoding)
    packed = b"".join([*map(packer.compress, pieces), packer.flush()])
    unpacker = Decompressor(encoding)
    assert unpacker.complete
    result = bytearray()
    for start in range(0, len(packed), step):
        piece = unpacker.decompress(packed[start : start + step], max_length)
        result += piece
        while unpacker.unconsumed:
            piece = unpacker.decompress(b"", max_length)
            assert not max_length or len(piece) <= max_length
            result += piece
    assert result == b"".join(pieces)
    # A limit met exactly may leave the end of the stream unread; nothing else may.
    assert unpacker.eof or max_length


def test_gzip_members_follow_each_other_and_padding_is_ignored():
    packed = gzip.compress(b"one") + gzip.compress(b"two") + b"\0\0\0"
    for step in (1, 5, len(packed)):
        unpacker = Decompressor("gzip")
        pieces = [unpacker.decompress(packed[at : at + step]) for at in range(0, len(packed), step)]
        assert b"".join(pieces) == b"onetwo"
        assert unpacker.eof


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("step", [1, 5, 1000])
def test_garbage_after_a_body_is_an_error_and_zeros_are_padding(coding, step):
    compressor = Compressor(coding)
    packed = compressor.compress(b"one") + compressor.flush()

    def inflate(data):
        unpacker = Decompressor(coding)
        return b"".join(
            unpacker.decompress(data[at : at + step]) for at in range(0, len(data), step)
        )

    with pytest.raises(ContentEncodingError):
        inflate(packed + b"garbage that is no member")
    assert inflate(packed + b"\0\0garbage that is no member") == b"one"


@pytest.mark.parametrize("wbits", [15, -15])
def test_deflate_streams_follow_each_other(wbits):
    packed = b""
    for part in (b"one", b"two", b"three" * 1000):
        packer = zlib.compressobj(wbits=wbits)
        packed += packer.compress(part) + packer.flush()
    for step in (1, 5, len(packed)):
        unpacker = Decompressor("deflate")
        pieces = [unpacker.decompress(packed[at : at + step]) for at in range(0, len(packed), step)]
        assert b"".join(pieces) == b"onetwo" + b"three" * 1000
        assert unpacker.eof


@pytest.mark.parametrize("wbits", [31, 15, -15])
@pytest.mark.parametrize("size", [2**16, 2**17, 2**16 * 3 + 1, 100])
def test_a_limit_that_the_output_meets_exactly_loses_nothing(wbits, size):
    packer = zlib.compressobj(wbits=wbits)
    packed = packer.compress(bytes(size)) + packer.flush()
    unpacker = Decompressor("gzip" if wbits > 15 else "deflate")
    found = len(unpacker.decompress(packed, 2**16))
    while unpacker.unconsumed:
        found += len(unpacker.decompress(b"", 2**16))
    assert found == size
    assert unpacker.complete


def test_deflate_is_read_without_its_frame_too():
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b"hello") + packer.flush()
    assert Decompressor("deflate").decompress(packed) == b"hello"


def test_no_more_is_inflated_than_asked_for():
    packed = gzip.compress(bytes(50 * 2**20), 9)
    unpacker = Decompressor("gzip")
    assert unpacker.decompress(packed, 1000) == bytes(1000)
    assert unpacker.unconsumed
    assert not unpacker.eof
    assert len(unpacker.decompress(b"", 10)) == 10


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_corrupt_data_is_refused(encoding):
    with pytest.raises(ContentEncodingError, match=encoding):
        Decompressor(encoding).decompress(b"\xff\xff\xff\xff nothing of the kind")


def test_an_unfinished_stream_is_not_complete():
    unpacker = Decompressor("gzip")
    unpacker.decompress(gzip.compress(b"x" * 100)[:-3])
    assert not unpacker.complete


def test_levels():
    data = bytes(range(256)) * 100
    sizes = []
    for level in (0, 1, 9):
        packer = Compressor("deflate", level=level)
        sizes.append(len(packer.compress(data) + packer.flush()))
    assert sizes[0] > len(data) > sizes[1] >= sizes[2]


def test_unknown_codings_are_named():
    with pytest.raises(ValueError, match="'lzw' is not one of gzip, deflate"):
        Compressor("lzw")
    assert codings.is_supported("gzip")
    assert not codings.is_supported("lzw")


def test_another_coding_can_join(monkeypatch):
    monkeypatch.setattr(codings, "_BY_NAME", dict(codings._BY_NAME))
    codings.register_coding(zlib_codings.GZIP._replace(name="mine"))
    packer = Compressor("mine")
    packed = packer.compress(b"x") + packer.flush()
    assert Decompressor("mine").decompress(packed) == b"x"
    assert codings.supported_codings()[-1] == "mine"


@pytest.mark.parametrize("coding", ["br", "zstd"])
@pytest.mark.parametrize("step", [1, 7, 2**20])
def test_a_bomb_is_inflated_no_further_than_asked_for(coding, step):
    if not codings.is_supported(coding):
        pytest.skip(f"no package for {coding}: pip install aiohttp_ws[speedups]")
    packer = Compressor(coding)
    packed = packer.compress(bytes(2**22)) + packer.flush()
    assert len(packed) < 1000
    unpacker, size = Decompressor(coding), 0
    for start in range(0, len(packed), step):
        piece = unpacker.decompress(packed[start : start + step], 1000)
        while piece:
            assert len(piece) <= 1000
            size += len(piece)
            piece = unpacker.decompress(b"", 1000) if unpacker.unconsumed else b""
    assert size == 2**22
    assert unpacker.eof


@pytest.mark.parametrize("module", ["zlib", "zlib_ng.zlib_ng", "isal.isal_zlib"])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_another_zlib_can_be_set(module, coding):
    backend = pytest.importorskip(module)
    asked = []

    class Counting:
        def __getattr__(self, name):
            asked.append(name)
            return getattr(backend, name)

    set_zlib_backend(Counting())
    try:
        packer = Compressor(coding)
        packed = packer.compress(b"x" * 1000) + packer.flush()
        assert Decompressor(coding).decompress(packed) == b"x" * 1000
    finally:
        set_zlib_backend(zlib)
    assert {"compressobj", "decompressobj"} <= {*asked}


def test_what_is_no_zlib_is_not_taken_for_one():
    with pytest.raises(TypeError, match="has no compressobj"):
        set_zlib_backend(gzip)
