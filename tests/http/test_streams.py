"""The reading side of a body."""

from __future__ import annotations

import asyncio

import pytest

import aiohttp_ws
from aiohttp_ws.errors import LineTooLong
from aiohttp_ws.http.streams import EMPTY_PAYLOAD, StreamReader


class Flow:
    def __init__(self):
        self.calls = []

    def pause_reading(self):
        self.calls.append("pause")

    def resume_reading(self):
        self.calls.append("resume")


@pytest.fixture
async def flow():
    return Flow()


@pytest.fixture
async def reader(flow):
    return StreamReader(flow, 8)


def filled(reader, *pieces, eof=True):
    for piece in pieces:
        reader.feed_data(piece)
    if eof:
        reader.feed_eof()
    return reader


async def test_read_returns_the_whole_body(reader):
    task = asyncio.ensure_future(reader.read())
    for piece in (b"ab", b"", b"c"):
        await asyncio.sleep(0)
        reader.feed_data(piece)
    await asyncio.sleep(0)
    assert not task.done()
    reader.feed_eof()
    assert await task == b"abc"
    assert await reader.read() == b""


async def test_read_of_a_size_returns_what_there_is(reader):
    filled(reader, b"abc", b"def")
    assert await reader.read(0) == b""
    assert await reader.read(2) == b"ab"
    assert await reader.read(2) == b"cd"
    assert await reader.read(9) == b"ef"
    assert await reader.read(1) == b""


async def test_readany_returns_all_that_has_arrived(reader):
    filled(reader, b"abc", b"def")
    assert await reader.readany() == b"abcdef"
    assert await reader.readany() == b""


async def test_readexactly_waits_for_all_of_it(reader):
    task = asyncio.ensure_future(reader.readexactly(4))
    reader.feed_data(b"abc")
    await asyncio.sleep(0)
    reader.feed_data(b"de")
    assert await task == b"abcd"
    reader.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await reader.readexactly(3)
    assert (caught.value.partial, caught.value.expected) == (b"e", 3)


async def test_lines_are_found_across_pieces(reader):
    filled(reader, b"a\nb", b"c", b"\n\nd")
    assert [line async for line in reader] == [b"a\n", b"bc\n", b"\n", b"d"]


async def test_a_separator_is_found_across_pieces(reader):
    filled(reader, b"a\r", b"\nb", b"\r\nc")
    assert await reader.readuntil(b"\r\n") == b"a\r\n"
    assert await reader.readuntil(b"\r\n") == b"b\r\n"
    assert await reader.readuntil(b"\r\n") == b"c"
    with pytest.raises(ValueError, match="separator"):
        await reader.readuntil(b"")


@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_a_line_beyond_the_limit_is_refused(reader, end):
    filled(reader, b"x" * 17 + end)
    with pytest.raises(LineTooLong, match="16 bytes"):
        await reader.readline()


async def test_the_limit_of_a_line_can_be_chosen(reader):
    filled(reader, b"abcd\n", b"abcd\n", b"x" * 30 + b"\n")
    assert await reader.readline(max_line_length=5) == b"abcd\n"
    with pytest.raises(LineTooLong, match="max_line_length"):
        await reader.readline(max_line_length=4)
    assert await reader.readline(max_line_length=31) == b"x" * 30 + b"\n"


async def test_iteration_by_size_and_by_arrival(flow):
    reader = filled(StreamReader(flow, 8), b"abcdefg")
    assert [piece async for piece in reader.iter_chunked(3)] == [b"abc", b"def", b"g"]
    reader = filled(StreamReader(flow, 8), b"ab", b"cd")
    assert [piece async for piece in reader.iter_any()] == [b"abcd"]
    reader = filled(StreamReader(flow, 8), b"ab", b"cd")
    assert [piece async for piece in reader.iter_chunks()] == [(b"ab", False), (b"cd", False)]


async def test_chunks_of_the_transfer_coding_are_told_apart(reader):
    for chunk in ((b"12", b"34"), (b"56",)):
        reader.begin_http_chunk_receiving()
        filled(reader, *chunk, eof=False)
        reader.end_http_chunk_receiving()
    reader.begin_http_chunk_receiving()
    reader.feed_data(b"7")
    assert await reader.readchunk() == (b"1234", True)
    assert await reader.readchunk() == (b"56", True)
    assert await reader.readchunk() == (b"7", False)
    reader.end_http_chunk_receiving()
    reader.feed_eof()
    assert await reader.readchunk() == (b"", True)
    assert await reader.readchunk() == (b"", False)


async def test_the_feeding_is_paced(reader, flow):
    assert reader.get_read_buffer_limits() == (8, 16)
    filled(reader, b"x" * 16, eof=False)
    assert flow.calls == []
    filled(reader, b"x", b"x", eof=False)
    assert flow.calls == ["pause"]
    await reader.read(10)
    assert flow.calls == ["pause"]
    await reader.read(1)
    assert flow.calls == ["pause", "resume"]


async def test_a_reader_of_large_pieces_may_have_them(reader, flow):
    reader.set_read_chunk_size(100)
    filled(reader, b"x" * 150)
    assert flow.calls == []
    assert [len(piece) async for piece in reader.iter_chunked(100)] == [100, 50]


async def test_read_nowait_never_waits(reader):
    assert reader.read_nowait() == b""
    filled(reader, b"abc", b"def", eof=False)
    assert reader.read_nowait(4) == b"abcd"
    assert reader.read_nowait() == b"ef"
    task = asyncio.ensure_future(reader.read())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="read_nowait"):
        reader.read_nowait()
    reader.feed_eof()
    await task


async def test_two_coroutines_cannot_read_at_once(reader):
    task = asyncio.ensure_future(reader.read())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match=r"readany\(\) called while another"):
        await reader.readany()
    reader.feed_eof()
    assert await task == b""


async def test_data_can_be_put_back(reader):
    filled(reader, b"abcd")
    assert await reader.read(2) == b"ab"
    with pytest.deprecated_call(match="unread_data"):
        reader.unread_data(b"xy")
    assert await reader.read() == b"xycd"


async def test_an_exception_reaches_whoever_reads(reader):
    task = asyncio.ensure_future(reader.read())
    await asyncio.sleep(0)
    reader.set_exception(ConnectionResetError("gone"), OSError("why"))
    with pytest.raises(ConnectionResetError) as caught:
        await task
    assert isinstance(caught.value.__cause__, OSError)
    for read in (reader.read, reader.readany, reader.readline, reader.readchunk):
        with pytest.raises(ConnectionResetError):
            await read()
    with pytest.raises(ConnectionResetError):
        reader.read_nowait()
    assert reader.exception() is caught.value


async def test_the_end_is_announced(reader):
    told = []
    reader.on_eof(lambda: told.append(1))
    waiting = asyncio.ensure_future(reader.wait_eof())
    await asyncio.sleep(0)
    filled(reader, b"a")
    await waiting
    reader.on_eof(lambda: told.append(2))
    assert told == [1, 2]
    assert reader.is_eof()
    assert not reader.at_eof()
    await reader.read()
    assert reader.at_eof()


async def test_a_timer_runs_while_waiting_only(flow):
    entered = []

    class Timer:
        def __enter__(self):
            entered.append("in")

        def __exit__(self, *exc):
            entered.append("out")

    reader = StreamReader(flow, 8, timer=Timer())
    reader.feed_data(b"a")
    await reader.readany()
    assert entered == []
    task = asyncio.ensure_future(reader.readany())
    await asyncio.sleep(0)
    reader.feed_eof()
    await task
    assert entered == ["in", "out"]


async def test_a_cancelled_reader_makes_room_for_another(reader):
    task = asyncio.ensure_future(reader.read())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    filled(reader, b"a")
    assert await reader.read() == b"a"


async def test_an_empty_body_is_at_its_end():
    assert EMPTY_PAYLOAD.at_eof()
    EMPTY_PAYLOAD.feed_data(b"x")
    EMPTY_PAYLOAD.set_exception(ValueError)
    assert await EMPTY_PAYLOAD.read() == b""
    assert await EMPTY_PAYLOAD.readchunk() == (b"", False)
    with pytest.raises(asyncio.IncompleteReadError):
        await EMPTY_PAYLOAD.readexactly(1)


async def test_repr_shows_what_is_held(reader):
    filled(reader, b"abc")
    assert repr(reader) == "<StreamReader 3 bytes eof low=8 high=16>"


async def test_large_pieces_are_read_one_by_one_and_small_ones_together(reader):
    large = b"x" * 20_000
    filled(reader, b"a", b"b", large, b"c", large, eof=True)
    assert await reader.readany() == b"ab" + large + b"c" + large
    filled(reader, large, b"c", large, b"d")
    assert [len(piece) async for piece in reader.iter_any()] == [20_000, 20_002]
    filled(reader, large, large, b"d")
    assert [len(p) async for p in reader.iter_chunked(15_000)] == [15_000, 15_000, 10_001]
    filled(reader, large, large)
    assert reader.read_nowait() == large + large


async def test_errors_of_callbacks_are_logged(reader, caplog):
    called = []
    reader.on_eof(lambda: called.append(1 / 0))
    reader.on_eof(lambda: called.append(1))
    reader.feed_eof()
    reader.on_eof(lambda: 1 / 0)
    assert called == [1]
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError] * 2


async def test_the_end_can_be_waited_for_while_the_body_is_read(reader):
    end = asyncio.ensure_future(reader.wait_eof())
    read = asyncio.ensure_future(reader.read(1))
    await asyncio.sleep(0)
    reader.feed_data(b"x")
    assert await read == b"x"
    assert not end.done()
    reader.feed_eof()
    await end


async def test_a_loop_without_an_end_is_reported(reader, caplog):
    reader.feed_eof()
    for _ in range(5):
        assert await reader.read() == b""
    assert caplog.records == []
    await reader.read()
    assert "again and again" in caplog.text


async def test_a_queue_hands_out_what_it_was_fed():
    queue = aiohttp_ws.DataQueue(asyncio.get_running_loop())
    waiting = asyncio.ensure_future(queue.read())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="another coroutine"):
        await queue.read()
    queue.feed_data("a", 1)
    assert await waiting == "a"
    queue.feed_data("b", 1)
    assert len(queue) == 1
    queue.feed_eof()
    assert queue.is_eof()
    assert not queue.at_eof()
    assert [item async for item in queue] == ["b"]
    assert queue.at_eof()
    with pytest.raises(aiohttp_ws.EofStream):
        await queue.read()


async def test_a_queue_breaks_off_after_what_is_in_it():
    queue = aiohttp_ws.DataQueue(asyncio.get_running_loop())
    queue.feed_data("a", 1)
    queue.set_exception(ValueError, KeyError())
    assert await queue.read() == "a"
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        await queue.read()
    assert isinstance(caught.value.__cause__, KeyError)
    assert queue.exception() is caught.value


async def test_a_queue_with_flow_control_pauses_and_resumes(flow):
    flow._reading_paused = False
    queue = aiohttp_ws.FlowControlDataQueue(flow, 2, loop=asyncio.get_running_loop())
    queue.feed_data("abcd", 4)
    assert flow.calls == []
    queue.feed_data("e", 1)
    assert flow.calls == ["pause"]
    flow._reading_paused = True
    await queue.read()
    assert flow.calls == ["pause", "resume"]
