"""What TCP tells of a peer that back-pressure keeps from being heard."""

import asyncio
import socket

import pytest

from aiohttp_ws.net import tcp_info


class Sock:
    def __init__(self, state: int = 1, unacked: int = 0, last_ack_ms: int = 0) -> None:
        words = [0] * 24
        words[4], words[12] = unacked, last_ack_ms
        self.info = tcp_info._TCP_INFO.pack(state, *[0] * 7, *words, 0, 0, 77)

    def getsockopt(self, *_):
        return self.info


class Transport(asyncio.BaseTransport):
    pass


def state_of(**values: int) -> tcp_info.TCPState:
    state = tcp_info.tcp_state(Transport(extra={"socket": Sock(**values)}))
    assert state is not None
    return state


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the system has no TCP_INFO")
@pytest.mark.parametrize(
    ("unacked", "last_ack_ms", "silent"),
    [(0, 60_000, False), (1, 500, False), (1, 1000, True), (9, 60_000, True)],
)
def test_a_peer_is_silent_when_it_owes_an_acknowledgement(unacked, last_ack_ms, silent):
    assert state_of(unacked=unacked, last_ack_ms=last_ack_ms).is_silent(1.0) is silent


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the system has no TCP_INFO")
@pytest.mark.parametrize(("state", "ended"), [(1, False), (8, True), (9, True), (7, True)])
def test_a_peer_that_has_ended_its_side_is_known(state, ended):
    assert state_of(state=state).ended is ended


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the system has no TCP_INFO")
def test_the_kernel_tells_of_a_live_socket_what_the_peer_does():
    left, right = socket.socketpair()
    server = socket.create_server(("127.0.0.1", 0))
    with left, right, server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            live = tcp_info.tcp_state(Transport(extra={"socket": client}))
            assert live is not None
            assert not live.is_silent(0)
            assert not live.ended
            client.sendall(b"hello")
            assert accepted.recv(5) == b"hello"
            after = tcp_info.tcp_state(Transport(extra={"socket": client}))
            assert after is not None
            assert after.acknowledged >= live.acknowledged
        client.recv(1)
        ended = tcp_info.tcp_state(Transport(extra={"socket": client}))
        assert ended is not None
        assert ended.ended
        # A socket of another family has no such information.
        assert tcp_info.tcp_state(Transport(extra={"socket": left})) is None


def test_a_transport_without_a_socket_tells_nothing():
    assert tcp_info.tcp_state(Transport()) is None
