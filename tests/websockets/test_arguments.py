"""What serve() and connect() refuse before anything listens or is dialled."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from aiohttp_ws import DeflateOptions
from aiohttp_ws.websockets import connect, serve, unix_serve
from aiohttp_ws.websockets.extensions import ClientExtensionFactory, ServerExtensionFactory
from aiohttp_ws.websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from .ends import echo


class ReversingClient(ClientExtensionFactory):
    name = "x-reverse"


class ReversingServer(ServerExtensionFactory):
    name = "x-reverse"


BOTH = [
    ({"compression": "gzip"}, ValueError, "'gzip'; pass 'deflate', DeflateOptions or None"),
    ({"compression": True}, ValueError, "True; pass 'deflate'"),
    ({"compression": ""}, ValueError, "''; pass 'deflate'"),
    ({"subprotocols": "chat"}, TypeError, r"a list, not a str: \['chat'\]"),
    ({"subprotocols": b"chat"}, TypeError, "a list, not a str"),
    ({"subprotocols": ["chat", "my chat"]}, ValueError, "invalid subprotocol: 'my chat'"),
    ({"subprotocols": [""]}, ValueError, "invalid subprotocol: ''"),
    ({"subprotocols": [b"chat"]}, TypeError, "b'chat' is not a str"),
    ({"extensions": [object()]}, TypeError, "builtins.object is not supported"),
    ({"extensions": object()}, TypeError, "not iterable"),
    ({"extensions": [DeflateOptions(), DeflateOptions()]}, ValueError, "2 times; pass one"),
    ({"max_queue": (1, 2)}, ValueError, r"max_queue=\(1, 2\)"),
    ({"max_queue": -1}, ValueError, "max_queue=-1"),
    ({"max_size": -1}, ValueError, "max_size=-1 is negative"),
    ({"write_limit": -1}, ValueError, "write_limit=-1"),
    ({"write_limit": (1, 2)}, ValueError, r"write_limit=\(1, 2\)"),
]


@pytest.mark.parametrize(("kwargs", "error", "words"), BOTH)
def test_a_value_that_cannot_work_is_refused_at_the_call(
    kwargs: Any, error: type[Exception], words: str
):
    with pytest.raises(error, match=words):
        serve(echo, "127.0.0.1", 0, **kwargs)
    with pytest.raises(error, match=words):
        connect("ws://127.0.0.1:1", **kwargs)


def test_an_extension_that_the_engine_does_not_have_is_refused_by_name():
    deflate = ServerPerMessageDeflateFactory()
    for extensions in ([ReversingServer()], [deflate, ReversingServer()], [ReversingServer]):
        with pytest.raises(TypeError, match=r"ReversingServer is not supported.*ServerProtocol"):
            serve(echo, "127.0.0.1", 0, extensions=extensions)
    with pytest.raises(TypeError, match=r"ReversingClient is not supported.*ClientProtocol"):
        connect("ws://127.0.0.1:1", extensions=[ReversingClient()])


def test_a_factory_of_the_other_side_is_refused_with_the_one_to_pass():
    with pytest.raises(TypeError, match="pass a ServerPerMessageDeflateFactory"):
        serve(echo, "127.0.0.1", 0, extensions=[ClientPerMessageDeflateFactory()])
    with pytest.raises(TypeError, match="pass a ClientPerMessageDeflateFactory"):
        connect("ws://127.0.0.1:1", extensions=[ServerPerMessageDeflateFactory()])


def test_a_unix_server_needs_a_path_or_a_socket_and_a_unix_one(tmp_path: Path):
    with pytest.raises(ValueError, match="path or sock=, not neither"):
        unix_serve(echo)
    with pytest.raises(ValueError, match="path or sock=, not neither"):
        unix_serve(echo, None, sock=None)
    with socket.socket(socket.AF_UNIX) as unix, socket.socket(socket.AF_INET) as tcp:
        with pytest.raises(ValueError, match="path or sock=, not both"):
            unix_serve(echo, tmp_path / "socket", sock=unix)
        with pytest.raises(ValueError, match="needs a Unix socket"):
            unix_serve(echo, sock=tcp)
