"""Extensions: the negotiation of permessage-deflate, and extensions of one's own without I/O."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
import websockets.extensions
import websockets.extensions.permessage_deflate as their_deflate

from aiohttp_ws import DeflateOptions
from aiohttp_ws.websockets import (
    ClientProtocol,
    InvalidHandshake,
    NegotiationError,
    ServerProtocol,
    extensions,
    parse_uri,
)
from aiohttp_ws.websockets.extensions import (
    ClientExtensionFactory,
    Extension,
    ServerExtensionFactory,
    permessage_deflate,
)
from aiohttp_ws.websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from aiohttp_ws.websockets.frames import Frame, Opcode

from .ends import connected, serving, theirs, url_of
from .reference import as_websockets_17

# ------------------------------------------------------- permessage-deflate, held against theirs

SERVERS: list[dict[str, Any]] = [
    {},
    {"server_no_context_takeover": True},
    {"client_no_context_takeover": True},
    {"server_max_window_bits": 10},
    {"client_max_window_bits": 10},
    {"server_max_window_bits": 12, "client_max_window_bits": 12},
    {"client_max_window_bits": 10, "require_client_max_window_bits": True},
]
OFFERS: list[list[tuple[str, str | None]]] = [
    [],
    [("server_no_context_takeover", None)],
    [("client_no_context_takeover", None)],
    [("server_max_window_bits", "9")],
    [("server_max_window_bits", "15")],
    [("client_max_window_bits", None)],
    [("client_max_window_bits", "9")],
    [("client_max_window_bits", "12"), ("server_max_window_bits", "11")],
    [("server_max_window_bits", None)],
    [("server_max_window_bits", "16")],
    [("server_no_context_takeover", "1")],
    [("server_no_context_takeover", None), ("server_no_context_takeover", None)],
    [("unknown", None)],
]
CLIENTS: list[dict[str, Any]] = [
    {},
    {"client_max_window_bits": None},
    {"client_max_window_bits": 10},
    {"server_max_window_bits": 10},
    {"server_no_context_takeover": True},
    {"client_no_context_takeover": True},
]
ANSWERS: list[list[tuple[str, str | None]]] = [
    *OFFERS,
    [("server_max_window_bits", "8")],
    [("client_max_window_bits", "10")],
]


def outcome(call: Any, *args: Any) -> Any:
    """What is returned, in words, or the name of the exception."""
    try:
        returned = call(*args)
    except Exception as exc:
        # What does not match an offer has a class of its own in one library or the other.
        kinds = [kind.__name__ for kind in type(exc).__mro__]
        return "NegotiationError" if "NegotiationError" in kinds else kinds[0]
    return repr(returned)


@as_websockets_17
@pytest.mark.parametrize(("kwargs", "params"), list(itertools.product(SERVERS, OFFERS)))
def test_a_server_answers_an_offer_as_that_of_websockets(kwargs: Any, params: Any):
    ours = ServerPerMessageDeflateFactory(**kwargs)
    their = their_deflate.ServerPerMessageDeflateFactory(**kwargs)
    assert outcome(ours.process_request_params, params, []) == outcome(
        their.process_request_params, params, []
    )


@as_websockets_17
@pytest.mark.parametrize(("kwargs", "params"), list(itertools.product(CLIENTS, ANSWERS)))
def test_a_client_takes_an_answer_as_that_of_websockets(kwargs: Any, params: Any):
    ours = ClientPerMessageDeflateFactory(**kwargs)
    their = their_deflate.ClientPerMessageDeflateFactory(**kwargs)
    assert list(ours.get_request_params()) == list(their.get_request_params())
    assert outcome(ours.process_response_params, params, []) == outcome(
        their.process_response_params, params, []
    )


@pytest.mark.parametrize("params", [[("unknown", None)], [("server_max_window_bits", "16")]])
def test_an_invalid_parameter_raises_the_exception_of_websockets(params: Any):
    name = "process_request_params"
    with pytest.raises(NegotiationError) as caught:
        ServerPerMessageDeflateFactory().process_request_params(params, [])
    with pytest.raises(theirs.NegotiationError) as expected:
        getattr(their_deflate.ServerPerMessageDeflateFactory(), name)(params, [])
    assert type(caught.value).__name__ == type(expected.value).__name__
    assert str(caught.value) == str(expected.value)


def test_an_extension_is_accepted_once():
    accepted = [PerMessageDeflate(False, False, 15, 15)]
    with pytest.raises(NegotiationError, match="duplicate"):
        ServerPerMessageDeflateFactory().process_request_params([], accepted)
    with pytest.raises(NegotiationError, match="duplicate"):
        ClientPerMessageDeflateFactory().process_response_params([], accepted)


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("Server", {"server_max_window_bits": 7}),
    ("Server", {"client_max_window_bits": 16}),
    ("Server", {"client_max_window_bits": True}),
    ("Server", {"require_client_max_window_bits": True}),
    ("Server", {"compress_settings": {"wbits": 10}}),
    ("Client", {"server_max_window_bits": 16}),
    ("Client", {"client_max_window_bits": 7}),
    ("Client", {"compress_settings": {"wbits": 10}}),
]


@as_websockets_17
@pytest.mark.parametrize(("side", "kwargs"), WRONG)
def test_a_factory_refuses_what_that_of_websockets_refuses(side: str, kwargs: Any):
    for module in (permessage_deflate, their_deflate):
        with pytest.raises(ValueError, match="window_bits"):
            getattr(module, f"{side}PerMessageDeflateFactory")(**kwargs)


@pytest.mark.parametrize("settings", [{"strategy": 2}, {"level": 10}, {"memLevel": 0}])
def test_compress_settings_that_cannot_be_honoured_are_refused_by_name(settings: Any):
    with pytest.raises(ValueError, match=r"level|mem_level"):
        ClientPerMessageDeflateFactory(compress_settings=settings)


@pytest.mark.parametrize("side", ["client", "server"])
def test_enabling_deflate_adds_it_once(side: str):
    name = f"enable_{side}_permessage_deflate"
    ours, their = getattr(permessage_deflate, name), getattr(their_deflate, name)
    for given in (None, []):
        (factory,), (expected,) = ours(given), their(given)
        for attribute in ("server_max_window_bits", "client_max_window_bits"):
            assert getattr(factory, attribute) == getattr(expected, attribute)
    factory = getattr(permessage_deflate, f"{side.title()}PerMessageDeflateFactory")()
    assert list(ours([factory])) == [factory]


# -------------------------------------------------------------------- in serve() and connect()


async def test_a_server_may_require_that_clients_let_it_limit_their_window():
    factory = ServerPerMessageDeflateFactory(
        client_max_window_bits=10, require_client_max_window_bits=True
    )
    offers = [(True, True), (None, False)]
    async with serving(extensions=[factory]) as server:
        for window, compressed in offers:
            offered = their_deflate.ClientPerMessageDeflateFactory(client_max_window_bits=window)
            async with theirs.connect(
                url_of(server), compression=None, extensions=[offered]
            ) as client:
                assert bool(client.protocol.extensions) is compressed
                await client.send("text")
                assert await client.recv() == "text"


@pytest.mark.parametrize("role", ["server", "client"])
async def test_the_parameters_of_a_factory_are_negotiated_by_the_engine(role: str):
    kwargs = {"server_max_window_bits": 9, "client_max_window_bits": 10}
    factory = getattr(permessage_deflate, f"{role.title()}PerMessageDeflateFactory")(**kwargs)
    async with connected(role, our={"extensions": [factory]}) as (_, their):
        (negotiated,) = their.protocol.extensions
        bits = (negotiated.local_max_window_bits, negotiated.remote_max_window_bits)
        assert bits == ((10, 9) if role == "server" else (9, 10))


# --------------------------------------------------------------------- one's own, without I/O


class Reversing(Extension):
    """Reverses the payload, and says so in the second reserved bit."""

    name = "x-reverse"

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return replace(frame, data=bytes(frame.data)[::-1], rsv2=False) if frame.rsv2 else frame

    def encode(self, frame: Frame) -> Frame:
        if frame.opcode is not Opcode.TEXT:
            return frame
        return replace(frame, data=bytes(frame.data)[::-1], rsv2=True)


class ReversingClient(ClientExtensionFactory):
    name = "x-reverse"

    def get_request_params(self) -> Any:
        return [("twice", None), ("word", "a")]

    def process_response_params(self, params: Any, accepted_extensions: Any) -> Extension:
        if params != [("word", "b")]:
            raise NegotiationError(f"unexpected {params}")
        return Reversing()


class ReversingServer(ServerExtensionFactory):
    name = "x-reverse"

    def __init__(self, word: str = "b") -> None:
        self.word = word

    def process_request_params(self, params: Any, accepted_extensions: Any) -> Any:
        if self.word == "none":
            raise NegotiationError("not today")
        assert params == [("twice", None), ("word", "a")]
        return [("word", self.word)], Reversing()


def opened(client_extensions: Any, server_extensions: Any) -> tuple[ClientProtocol, ServerProtocol]:
    client = ClientProtocol(parse_uri("ws://localhost/"), extensions=client_extensions)
    server = ServerProtocol(extensions=server_extensions)
    client.send_request(client.connect())
    server.receive_data(b"".join(client.data_to_send()))
    (request,) = server.events_received()
    server.send_response(server.accept(request))
    client.receive_data(b"".join(server.data_to_send()))
    client.events_received()
    return client, server


def test_extensions_of_ones_own_run_without_input_and_output():
    ours = [ReversingClient(), ClientPerMessageDeflateFactory()]
    client, server = opened(ours, [DeflateOptions(), ReversingServer()])
    assert [type(extension) for extension in client.extensions] == [Reversing, PerMessageDeflate]
    assert [type(extension) for extension in server.extensions] == [Reversing, PerMessageDeflate]
    for sender, receiver in ((client, server), (server, client)):
        sender.send_text(b"drawer")
        sender.send_ping(b"ping")
        sent, ping = sender.data_to_send()[-2:]
        assert b"drawer" not in sent
        receiver.receive_data(sent + ping)
        text, pinged = receiver.events_received()
        assert (text.data, text.rsv1, text.rsv2) == (b"drawer", False, False)
        assert pinged.data == b"ping"


def test_an_offer_that_a_server_declines_is_left_out():
    client, server = opened([ReversingClient()], [ReversingServer("none")])
    assert client.extensions == server.extensions == []
    assert client.state.name == server.state.name == "OPEN"


def test_an_answer_that_a_client_refuses_fails_the_handshake():
    client, _ = opened([ReversingClient()], [ReversingServer("c")])
    assert client.state.name == "CONNECTING"
    assert isinstance(client.handshake_exc, NegotiationError)
    assert "unexpected [('word', 'c')]" in str(client.handshake_exc)


def test_a_reserved_bit_that_no_extension_takes_away_is_a_fault():
    client, server = opened([ClientPerMessageDeflateFactory()], [DeflateOptions()])
    client.send_text(b"text")
    (sent,) = client.data_to_send()
    server.receive_data(bytes([sent[0] | 0x20]) + sent[1:])
    assert server.close_sent.code == 1002


def test_what_is_not_a_factory_is_refused():
    for wrong in ("x-nothing", ReversingServer):
        with pytest.raises(TypeError, match="ServerExtensionFactory"):
            ServerProtocol(extensions=[wrong])
        with pytest.raises(TypeError, match="ClientExtensionFactory"):
            ClientProtocol(parse_uri("ws://localhost/"), extensions=[wrong])


def test_the_package_has_the_names_of_that_of_websockets():
    for ours, their in (
        (extensions, websockets.extensions),
        (permessage_deflate, their_deflate),
    ):
        assert sorted(ours.__all__) == sorted(their.__all__)
    for name in ("decode", "encode"):
        with pytest.raises(NotImplementedError, match=name):
            getattr(Extension(), name)(Frame(Opcode.TEXT, b""))
    with pytest.raises(NotImplementedError, match="get_request_params"):
        ClientExtensionFactory().get_request_params()
    assert issubclass(NegotiationError, InvalidHandshake)
