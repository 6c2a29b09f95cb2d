"""Connections of threads, with websockets' own at the other end, in either role."""

from __future__ import annotations

import threading

import pytest

from aiohttp_ws import DeflateOptions
from aiohttp_ws.websockets.exceptions import (
    ConcurrencyError,
    ConnectionClosedError,
    ConnectionClosedOK,
    ProtocolError,
)
from aiohttp_ws.websockets.protocol import State
from tests.websockets.sync.serving import SIDES, THEIRS, connected, echo, running, serving, url_of

both_roles = pytest.mark.parametrize("role", ["server", "client"])
every_side = pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES.keys())


@every_side
@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("message", ["", "a", "é" * 40_000, b"", b"\0" * 100_000], ids=repr)
def test_messages_are_echoed(sides, compression, message):
    server, client = sides
    with (
        serving(echo, server, compression=compression) as url,
        client.connect(url, compression=compression) as connection,
    ):
        for _ in range(2):
            connection.send(message)
            assert connection.recv() == message


@both_roles
def test_many_threads_send_and_nothing_is_lost(role):
    with connected(role, their={"max_queue": None}) as (ours, theirs):
        threads = [
            threading.Thread(target=lambda n=n: [ours.send(f"{n} {i}") for i in range(100)])
            for n in range(5)
        ]
        for thread in threads:
            thread.start()
        got = [theirs.recv(10) for _ in range(500)]
        for thread in threads:
            thread.join()
    for n in range(5):
        assert [each for each in got if each.startswith(f"{n} ")] == [
            f"{n} {i}" for i in range(100)
        ]


def test_two_ends_that_flood_each_other_do_not_wait_for_ever():
    def flood(connection):
        for _ in range(100):
            connection.send(b"x" * 50_000)

    def flood_and_read(connection):
        sending = threading.Thread(target=flood, args=(connection,))
        sending.start()
        assert sum(len(connection.recv(20)) for _ in range(100)) == 5_000_000
        sending.join()

    with serving(flood_and_read) as url, THEIRS.connect(url, compression=None) as connection:
        flood_and_read(connection)


@both_roles
def test_a_message_is_received_as_told(role):
    with connected(role) as (ours, theirs):
        theirs.send("é")
        assert ours.recv(decode=False) == "é".encode()
        theirs.send("é".encode())
        assert ours.recv(decode=True) == "é"
        ours.send("é", text=False)
        assert theirs.recv() == "é".encode()
        ours.send("é".encode(), text=True)
        assert theirs.recv() == "é"


@both_roles
def test_receiving_ends_in_time(role):
    with connected(role) as (ours, theirs):
        with pytest.raises(TimeoutError):
            ours.recv(timeout=0)
        with pytest.raises(TimeoutError, match=r"timed out in 0\.0s"):
            ours.recv(timeout=0.01)
        theirs.send("late")
        assert ours.recv(timeout=10) == "late"


@both_roles
def test_fragments_are_sent_as_they_come_and_received_in_pieces(role):
    with connected(role) as (ours, theirs):
        ours.send(iter(["a", "b", "é"]))
        assert theirs.recv() == "abé"
        theirs.send([b"a", b"b"])
        assert list(ours.recv_streaming()) == [b"a", b"b", b""]
        ours.send([])
        theirs.send(["c", "d"])
        assert ours.recv() == "cd"


def test_a_character_may_be_cut_between_fragments():
    with connected("client") as (ours, theirs):
        with theirs.send_context():
            theirs.protocol.send_text("é".encode()[:1], fin=False)
            theirs.protocol.send_continuation("é".encode()[1:], fin=True)
        assert "".join(ours.recv_streaming()) == "é"
        with theirs.send_context():
            theirs.protocol.send_text("é".encode()[:1], fin=False)
            theirs.protocol.send_continuation("é".encode()[1:], fin=True)
        assert ours.recv() == "é"


@both_roles
@pytest.mark.parametrize("size", [1, 40])
def test_a_message_of_more_frames_than_the_queue_takes_is_received(role, size):
    with connected(role, our={"max_queue": 4}) as (ours, theirs):
        for _ in range(3):
            sending = threading.Thread(target=theirs.send, args=(["x"] * size,))
            sending.start()
            assert ours.recv(10) == "x" * size
            sending.join()


@both_roles
def test_messages_nobody_receives_stop_the_socket_from_being_read(role):
    with connected(role, our={"max_queue": (2, 1)}, their={"compression": None}) as (ours, theirs):
        sent = 0

        def send():
            nonlocal sent
            for _ in range(400):
                theirs.send(b"x" * 100_000)
                sent += 1

        sending = threading.Thread(target=send)
        sending.start()
        sending.join(0.3)
        assert sending.is_alive(), "the peer's send() waits"
        for _ in range(400):
            assert len(ours.recv(10)) == 100_000
        sending.join()
        assert sent == 400


@both_roles
def test_pings_are_answered_and_acknowledged(role):
    with connected(role) as (ours, theirs):
        first, second = ours.ping("a"), ours.ping(b"b")
        assert first.wait(10)
        assert second.wait(10)
        assert ours.latency > 0
        assert theirs.ping().wait(10)
        ours.pong("sign of life")


def test_a_ping_is_not_sent_twice_at_a_time_nor_too_long():
    with connected("client") as (ours, theirs):
        theirs.protocol.send_pong = lambda data: None  # it answers no ping any more
        with pytest.raises(ProtocolError, match="126 bytes exceeds the limit of 125"):
            ours.ping("x" * 126)
        with pytest.raises(TypeError, match="must be str or bytes, not int"):
            ours.ping(1)


def test_pings_can_be_acknowledged_by_the_end_of_the_connection():
    # The peer's thread answers nothing while it has no lock.
    with connected("client") as (ours, theirs), theirs.protocol_mutex:
        pong, silent = ours.ping(b"1", ack_on_close=True), ours.ping(b"2")
        with pytest.raises(ConcurrencyError, match="same data"):
            ours.ping(b"1")
        ours._cut()
        assert pong.wait(10)
        assert not silent.is_set()


def test_a_silent_peer_is_found_out_by_keepalive():
    with (
        connected(
            "client", our={"ping_interval": 0.05, "ping_timeout": 0.1, "close_timeout": 0.1}
        ) as (ours, theirs),
        theirs.protocol_mutex,
    ):
        with pytest.raises(ConnectionClosedError, match="keepalive ping timeout"):
            ours.recv(10)
        assert ours.protocol.close_sent.code == 1011


def test_keepalive_measures_latency_and_ends_with_the_connection():
    with connected("client", our={"ping_interval": 0.01}) as (ours, _):
        while not ours.latency:
            with pytest.raises(TimeoutError):
                ours.recv(0.01)
    ours._keepalive.join(10)
    ours._reader.join(10)
    assert not ours._keepalive.is_alive()
    assert not ours._reader.is_alive()


# --------------------------------------------------------------------------------- ends


@both_roles
@pytest.mark.parametrize(
    ("code", "kind"), [(1000, ConnectionClosedOK), (1011, ConnectionClosedError)]
)
def test_the_peer_closes(role, code, kind):
    with connected(role) as (ours, theirs):
        theirs.send("last")
        closing = threading.Thread(target=theirs.close, args=(code, "why"))
        closing.start()
        assert ours.recv() == "last"
        for _ in range(2):
            with pytest.raises(kind) as caught:
                ours.recv()
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (code, "why")
        for use in (lambda: ours.send("x"), ours.ping, ours.pong, lambda: ours.send(["a"])):
            with pytest.raises(kind):
                use()
        closing.join()
        assert (ours.state, ours.close_code, ours.close_reason) == (State.CLOSED, code, "why")
        ours.close()
        assert ours.wait_closed(0)


@both_roles
def test_closing_waits_for_the_peer(role):
    with connected(role) as (ours, theirs):
        ours.close(1001, "going")
        assert ours.state is State.CLOSED
        with pytest.raises(THEIRS.exceptions.ConnectionClosedOK):
            theirs.recv()
        assert (theirs.close_code, theirs.close_reason) == (1001, "going")


@both_roles
def test_closing_a_peer_that_does_not_answer_ends_in_time(role):
    with connected(role, our={"close_timeout": 0.05}) as (ours, theirs), theirs.protocol_mutex:
        ours.close()
        assert ours.state is State.CLOSED
        with pytest.raises(ConnectionClosedError):
            ours.recv()


def test_close_wakes_a_thread_that_receives():
    with connected("client") as (ours, _):
        failed = []

        def receive():
            try:
                ours.recv()
            except ConnectionClosedOK as exc:
                failed.append(exc)

        receiving = threading.Thread(target=receive)
        receiving.start()
        ours.close()
        receiving.join(10)
        assert len(failed) == 1


@both_roles
def test_a_lost_connection_is_told_with_its_cause(role):
    with connected(role) as (ours, theirs):
        theirs.close_socket()
        with pytest.raises(
            ConnectionClosedError, match="no close frame received or sent"
        ) as caught:
            ours.recv()
        assert isinstance(caught.value.__cause__, (OSError, EOFError))


@both_roles
def test_messages_that_are_too_long_close_with_1009(role):
    with connected(role, our={"max_size": 10}) as (ours, theirs):
        theirs.send("x" * 11)
        with pytest.raises(ConnectionClosedError):
            ours.recv()
        assert ours.protocol.close_sent.code == 1009


@both_roles
def test_text_that_is_not_utf_8_closes_with_1007(role):
    with connected(role) as (ours, theirs):
        theirs.send(b"\xff", text=True)
        with pytest.raises(ConnectionClosedError) as caught:
            ours.recv()
        assert ours.protocol.close_sent.code == 1007
        assert isinstance(caught.value.__cause__, UnicodeDecodeError)


@both_roles
@pytest.mark.parametrize("items", [["a", b"b"], [1]], ids=repr)
def test_a_fragmented_message_that_cannot_be_sent_closes_with_1011(role, items):
    with connected(role) as (ours, _):
        with pytest.raises(TypeError, match="iterable must contain"):
            ours.send(items)
        assert ours.protocol.close_sent.code == 1011


def test_a_message_between_the_fragments_of_another_is_refused():
    with connected("client") as (ours, theirs):

        def items():
            yield "a"
            with pytest.raises(ConcurrencyError, match="fragmented"):
                ours.send("x")
            with pytest.raises(ConcurrencyError, match="fragmented"):
                ours.send(["x"])
            yield "b"

        ours.send(items())
        assert theirs.recv() == "ab"


def test_two_threads_do_not_receive_at_a_time():
    with connected("client") as (ours, theirs):
        pieces = ours.recv_streaming()
        theirs.send(["a", "b"])
        assert next(pieces) == "a"
        with pytest.raises(ConcurrencyError, match="recv"):
            ours.recv()
        assert list(pieces) == ["b", ""]
        theirs.send("c")
        assert ours.recv() == "c"


@pytest.mark.parametrize(
    ("message", "said"),
    [({"a": 1}, "dict-like"), (1, "str, bytes, or iterable, not int"), (None, "not NoneType")],
)
def test_what_is_no_message_is_refused_and_nothing_is_sent(message, said):
    with connected("client") as (ours, theirs):
        with pytest.raises(TypeError, match=said):
            ours.send(message)
        ours.send("after")
        assert theirs.recv() == "after"


@pytest.mark.parametrize("error", [None, ValueError])
def test_leaving_the_context_closes(error):
    seen = []
    over = threading.Event()

    def handler(connection):
        try:
            connection.recv()
        except Exception as exc:
            seen.append(exc.rcvd.code)
            over.set()

    with serving(handler, THEIRS) as url:
        try:
            from aiohttp_ws.websockets.sync.client import connect

            with connect(url):
                if error:
                    raise error
        except ValueError:
            pass
    assert over.wait(10)
    assert seen == [1011 if error else 1000]


def test_compression_is_negotiated_with_the_options_given():
    options = DeflateOptions(server_max_window_bits=10)
    with (
        running(SIDES["ours"][0].serve(echo, "127.0.0.1", 0, compression=options)) as server,
        THEIRS.connect(url_of(server)) as theirs,
    ):
        assert "server_max_window_bits=10" in theirs.response.headers["Sec-WebSocket-Extensions"]
        theirs.send("x" * 1000)
        assert theirs.recv() == "x" * 1000
