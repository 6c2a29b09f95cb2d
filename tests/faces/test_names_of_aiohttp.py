"""The faces against the modules of the installed aiohttp: each public name, or why it is absent."""

import importlib
import pkgutil
import sys
import typing
from types import ModuleType

import pytest

from tests.peers import import_peer

aiohttp = import_peer("aiohttp")

OF_ITS_PARSER = "of aiohttp's parser; here it is compiled and has another interface"
OF_ITS_WEBSOCKETS = "between aiohttp's WebSocket reader and writer; here they are one engine"
OF_ITS_COMPRESSION = "of aiohttp's compressors; here a coding is a module of http/"
TASKS_OF_ASYNCIO = "wraps a line of asyncio"
INSIDE = "a helper inside of aiohttp"
OLD_FIXTURES = "a hook or a fixture inside of the plugin; ours is another module"

# Modules of aiohttp that have no face, and why.
NOT_THERE = {
    "base_protocol": "the base of aiohttp's protocols; here the connections are compiled",
    "tcp_helpers": TASKS_OF_ASYNCIO,
}
# Public names that a face does not have, and why.
ABSENT = {
    "compression_utils": {
        OF_ITS_COMPRESSION: "BrotliDecompressor CompressObjArgs ConcatDecompressionHandler "
        "DecompressionBaseHandler MemberDecompressObjProtocol TooManyMembersError ZLibBackend "
        "ZLibBackendProtocol ZLibBackendWrapper ZLibCompressObjProtocol ZLibCompressor "
        "ZLibDecompressObjProtocol ZLibDecompressor ZSTDDecompressor encoding_to_mode",
    },
    "multipart": {INSIDE: "MultipartPayloadWriter"},
    "helpers": {
        INSIDE: "BaseKey EnsureOctetStream ErrorableProtocol "
        "get_env_proxy_for_url is_canonical_ipv4_address is_ip_address "
        "must_be_empty_body netrc_from_env noop parse_content_type "
        "proxies_from_env quoted_string should_remove_content_length "
        "validate_etag_value ProxyInfo basicauth_from_netrc",
        TASKS_OF_ASYNCIO: "BaseTimerContext TimeoutHandle TimerContext calculate_timeout_when "
        "call_later ceil_timeout set_exception set_result weakref_handle",
    },
    "http": {
        OF_ITS_PARSER: "HeadersParser HttpParser HttpRequestParser HttpResponseParser "
        "RawResponseMessage StreamWriter",
        OF_ITS_WEBSOCKETS: "WSMessageDecodeText WSMessageNoDecodeText WSMessageTextBytes "
        "WebSocketReader WebSocketWriter ws_ext_gen "
        "ws_ext_parse",
    },
    "http_exceptions": {OF_ITS_PARSER: "DecompressSizeError HttpBadRequest"},
    "http_parser": {
        OF_ITS_PARSER: "ChunkState DeflateBuffer HeadersParser HttpParser HttpPayloadParser "
        "HttpRequestParser HttpRequestParserPy HttpResponseParser HttpResponseParserPy "
        "ParseState PayloadState RawRequestMessagePy RawResponseMessage "
        "RawResponseMessagePy"
    },
    "http_websocket": {
        OF_ITS_WEBSOCKETS: "WSMessageDecodeText WSMessageNoDecodeText WSMessageTextBytes "
        "WebSocketReader WebSocketWriter ws_ext_gen "
        "ws_ext_parse",
    },
    "http_writer": {OF_ITS_PARSER: "StreamWriter"},
    "pytest_plugin": {
        OLD_FIXTURES: "aiohttp_client aiohttp_raw_server aiohttp_server aiohttp_unused_port fast "
        "loop loop_debug proactor_loop pytest_addoption pytest_fixture_setup "
        "pytest_generate_tests pytest_pycollect_makeitem pytest_pyfunc_call raw_test_server "
        "test_client test_server unused_port"
    },
    "payload_streamer": {INSIDE: "StreamPayload StreamWrapperPayload"},
    "web": {INSIDE: "main"},
    "web_log": {INSIDE: "KeyMethod"},
}
if sys.version_info < (3, 11):
    # There its own class makes up for what tempfile's lacks.
    ABSENT.setdefault("web_request", {})[INSIDE] = "SpooledTemporaryFile"
ITS_MODULES = [
    each.name
    for each in pkgutil.iter_modules(aiohttp.__path__)
    # What begins with an underscore is private; a worker needs gunicorn.
    if not each.name.startswith("_") and each.name not in {"worker", *NOT_THERE}
]


def public_names(module: ModuleType) -> set[str]:
    """What a module says that it offers, and what it defines."""
    offered = set(getattr(module, "__all__", ()))
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (name in offered or getattr(value, "__module__", None) == module.__name__)
        and not isinstance(value, typing.TypeVar)
    }


def face_of(name: str) -> ModuleType:
    return importlib.import_module(f"aiohttp_ws.faces.{name}")


@pytest.mark.parametrize("name", ITS_MODULES)
def test_a_face_has_the_public_names_of_its_module(name: str):
    face = face_of(name)
    theirs = public_names(importlib.import_module(f"aiohttp.{name}"))
    missing = {each for each in theirs if not hasattr(face, each)}
    explained = {each for names in ABSENT.get(name, {}).values() for each in names.split()}
    assert missing - explained == set(), "these are missing"
    assert {each for each in explained if hasattr(face, each)} == set(), "these are there"


@pytest.mark.parametrize("name", [*ITS_MODULES, "worker"])
def test_all_of_a_face_is_there_and_has_no_private_name(name: str):
    face = face_of(name)
    assert {each for each in face.__all__ if each.startswith("_")} == set()
    for each in face.__all__:
        assert getattr(face, each) is not None
    assert set(face.__all__) <= set(dir(face))


def test_the_package_has_the_names_of_aiohttp():
    faces = importlib.import_module("aiohttp_ws.faces")
    missing = {each for each in aiohttp.__all__ if not hasattr(faces, each)}
    assert missing == set()


def test_a_face_is_named_as_a_module_of_aiohttp():
    faces = importlib.import_module("aiohttp_ws.faces")
    ours = {each.name for each in pkgutil.iter_modules(faces.__path__)}
    theirs = {each.name for each in pkgutil.iter_modules(aiohttp.__path__)}
    assert ours - theirs == set()


LEANED_ON = {
    "_websocket.reader_py": "MSG_SIZE_OVERHEAD",
    "abc": "StreamResponse",
    "client": "DEFAULT_TIMEOUT URL _RequestContextManager _RequestOptions _WSRequestContextManager",
    "client_proto": "ResponseHandler",
    "client_reqrep": "ContentDisposition MappingProxyType",
    "helpers": "HeadersMixin TimerNoop parse_mimetype reify sentinel strip_auth_from_url",
    "http": "RESPONSES SERVER_SOFTWARE",
    "http_exceptions": "BadStatusLine HttpProcessingError",
    "streams": "ChunkTupleAsyncStreamIterator",
    "web_protocol": "_RequestHandler",
}


@pytest.mark.parametrize("name", LEANED_ON)
def test_private_names_that_libraries_lean_on_are_there(name: str):
    face = face_of(name)
    theirs = importlib.import_module(f"aiohttp.{name}")
    for each in LEANED_ON[name].split():
        assert callable(getattr(face, each)) == callable(getattr(theirs, each))


@pytest.mark.parametrize(
    "name", ["Handler", "LooseCookies", "LooseHeaders", "Middleware", "StrOrURL"]
)
def test_types_of_arguments_can_be_joined_at_run_time(name: str):
    assert type(None) in typing.get_args(getattr(face_of("typedefs"), name) | None)


def test_faces_define_nothing():
    faces = importlib.import_module("aiohttp_ws.faces")
    for each in pkgutil.iter_modules(faces.__path__):
        if each.ispkg:
            continue
        face = importlib.import_module(f"aiohttp_ws.faces.{each.name}")
        for name, value in vars(face).items():
            if name not in {"__getattr__", "__dir__"}:
                assert not getattr(value, "__module__", "").startswith("aiohttp_ws.faces"), name
