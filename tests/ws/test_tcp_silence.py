"""What TCP tells of a peer that back-pressure keeps from being heard."""

import asyncio
import socket

import pytest

from aiohttp_ws.net import tcp_info


class Sock:
    def __init__(self, unacked: int, last_ack_ms: int) -> None:
        words = [0] * 13
        words[4], words[12] = unacked, last_ack_ms
        self.info = tcp_info._TCP_INFO.pack(*[0] * 8, *words)

    def getsockopt(self, *_):
        return self.info


class Transport(asyncio.BaseTransport):
    pass


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the system has no TCP_INFO")
@pytest.mark.parametrize(
    ("unacked", "last_ack_ms", "silent"),
    [(0, 60_000, False), (1, 500, False), (1, 1000, True), (9, 60_000, True)],
)
def test_a_peer_is_silent_when_it_owes_an_acknowledgement(unacked, last_ack_ms, silent):
    transport = Transport(extra={"socket": Sock(unacked, last_ack_ms)})
    assert tcp_info.tcp_is_silent(transport, 1.0) is silent


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the system has no TCP_INFO")
def test_a_live_socket_is_not_silent():
    left, right = socket.socketpair()
    server = socket.create_server(("127.0.0.1", 0))
    with left, right, server, socket.create_connection(server.getsockname()) as client:
        assert not tcp_info.tcp_is_silent(Transport(extra={"socket": client}), 0)
        # A socket of another family has no such information.
        assert not tcp_info.tcp_is_silent(Transport(extra={"socket": left}), 0)


def test_a_transport_without_a_socket_is_not_silent():
    assert not tcp_info.tcp_is_silent(Transport(), 0)
