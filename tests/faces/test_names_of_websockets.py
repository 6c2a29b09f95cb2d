"""The modules that stand for websockets' against those of the installed one."""

import importlib
import pkgutil
import warnings

import pytest

from tests.peers import import_peer
from tests.websockets.reference import as_websockets_17

websockets = import_peer("websockets")

FED_BY_HAND = "a protocol that is fed by hand; serve() takes process_request=basic_auth()"
OF_ITS_QUEUE = "inside of its connections; the engine has its own queue"
NOT_THERE = {
    "asyncio.async_timeout": "asyncio.timeout() of older Pythons",
    "asyncio.compatibility": "of older Pythons",
    "asyncio.messages": OF_ITS_QUEUE,
    "auth": FED_BY_HAND,
    "cli": "python -m aiohttp_ws is the client on the command line",
    "legacy.auth": FED_BY_HAND,
    "proxy": "proxies are those of net/",
    "speedups": "everything is compiled here",
    "streams": "inside of its parser",
    "sync.messages": OF_ITS_QUEUE,
    "trio": "needs trio",
}


def modules() -> list[str]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for each in pkgutil.walk_packages(websockets.__path__, "websockets."):
            name = each.name.removeprefix("websockets.")
            if "__main__" not in name and not name.startswith("trio"):
                found.append(name)
    return found


def theirs(name: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(f"websockets.{name}")


@as_websockets_17
@pytest.mark.parametrize("name", modules())
def test_what_a_module_offers_is_there(name: str):
    if name in NOT_THERE:
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"aiohttp_ws.websockets.{name}")
        return
    ours = importlib.import_module(f"aiohttp_ws.websockets.{name}")
    assert [each for each in getattr(theirs(name), "__all__", ()) if not hasattr(ours, each)] == []


LEANED_ON = {
    "connection": "Event State SEND_EOF",
    "legacy.server": "HTTPResponse WebSocketServerProtocol",
    "legacy.exceptions": "InvalidStatusCode",
    "legacy.handshake": "check_request",
    "protocol": "Event",
    "frames": "CTRL_OPCODES DATA_OPCODES",
    "server": "ServerConnection",
}


@pytest.mark.parametrize("name", LEANED_ON)
def test_names_that_libraries_lean_on_are_there(name: str):
    ours = importlib.import_module(f"aiohttp_ws.websockets.{name}")
    assert [each for each in LEANED_ON[name].split() if not hasattr(ours, each)] == []


# ------------------------------------------------------------------- values of headers

HEADERS = {
    "parse_connection": ["keep-alive, Upgrade", ",, Upgrade ,", "", "a b", "a;b", "Upgrade,"],
    "parse_upgrade": ["websocket", "h2c/1, websocket", "websocket/", "", "/1"],
    "parse_subprotocol": ["chat, superchat", "chat", "", "a=b"],
    "parse_extension": [
        "permessage-deflate; client_max_window_bits",
        'a; b="c", d',
        "",
        "a; b=",
        "a; ; b",
    ],
    "parse_authorization_basic": ["Basic aGVsbG86aWxvdmV5b3U=", "Bearer x", "Basic ===", ""],
}


@pytest.mark.parametrize(
    ("function", "header"), [(name, each) for name, values in HEADERS.items() for each in values]
)
def test_the_values_of_headers_are_read_as_websockets_reads_them(function: str, header: str):
    from aiohttp_ws.websockets import headers as ours

    def outcome(module):
        try:
            return getattr(module, function)(header)
        except Exception as exc:
            return "InvalidHeader" in {each.__name__ for each in type(exc).__mro__}

    assert outcome(ours) == outcome(theirs("headers"))


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1", "::1"])
@pytest.mark.parametrize("port", [80, 443, 8080])
@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("always", [True, False])
def test_hosts_are_written_as_websockets_writes_them(host, port, secure, always):
    from aiohttp_ws.websockets.headers import build_host

    expected = theirs("headers").build_host(host, port, secure, always_include_port=always)
    assert build_host(host, port, secure, always_include_port=always) == expected


def test_masks_and_keys_are_those_of_websockets():
    from aiohttp_ws.websockets import utils

    assert utils.apply_mask(b"abcde", b"\1\2\3\4") == theirs("utils").apply_mask(
        b"abcde", b"\1\2\3\4"
    )
    key = utils.generate_key()
    assert utils.accept_key(key) == theirs("utils").accept_key(key)


def test_a_package_imports_names_lazily_as_with_websockets():
    from aiohttp_ws.websockets.imports import lazy_import

    namespace = {"__name__": "package"}
    lazy_import(namespace, {"sqrt": "math"}, {"pi": "math"})
    assert namespace["__getattr__"]("sqrt")(9) == 3
    with pytest.warns(DeprecationWarning, match=r"package\.pi is deprecated"):
        assert namespace["__getattr__"]("pi") > 3
    with pytest.raises(AttributeError, match="'package' has no attribute 'e'"):
        namespace["__getattr__"]("e")
    with pytest.raises(ValueError, match="sqrt"):
        lazy_import({"sqrt": 1}, {"sqrt": "math"})


# ---------------------------------------------------------------- the first generation


def test_headers_of_a_handshake_are_built_and_checked_on_an_object():
    from aiohttp_ws.websockets.datastructures import Headers
    from aiohttp_ws.websockets.exceptions import InvalidUpgrade
    from aiohttp_ws.websockets.legacy import handshake

    request, response = Headers(), Headers()
    key = handshake.build_request(request)
    assert handshake.check_request(request) == key
    handshake.build_response(response, key)
    handshake.check_response(response, key)
    with pytest.raises(InvalidUpgrade):
        handshake.check_request(Headers())


def test_a_protocol_that_is_fed_by_hand_is_refused_when_its_class_is_made():
    from aiohttp_ws.websockets.legacy.server import WebSocketServerProtocol

    with pytest.raises(TypeError, match="websockets-sansio"):

        class Fed(WebSocketServerProtocol):
            async def process_request(self, path, headers):
                return None
