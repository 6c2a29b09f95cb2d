"""The exceptions of the message API: their family, what they carry, what they say."""

from __future__ import annotations

import inspect
import pickle

import pytest
import websockets
import websockets.exceptions as theirs

import aiohttp_ws.websockets as ours
from aiohttp_ws.websockets import exceptions
from aiohttp_ws.websockets.datastructures import Headers
from aiohttp_ws.websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidStatus,
    PayloadTooBig,
    ProtocolError,
    TooManyFragments,
)
from aiohttp_ws.websockets.frames import Close
from aiohttp_ws.websockets.http11 import Response
from tests.websockets.reference import as_websockets_17

NAMES = [
    name
    for name in theirs.__all__
    if inspect.isclass(getattr(theirs, name)) and hasattr(websockets, name)
]
FORBIDDEN = Response(403, "Forbidden", Headers(), b"no")
MADE = [
    ("ConnectionClosed", (None, None, None)),
    ("ConnectionClosedOK", (Close(1000, "bye"), Close(1000, ""), True)),
    ("ConnectionClosedOK", (Close(1000, "bye"), Close(1000, ""), False)),
    ("ConnectionClosedError", (Close(1011, "oops"), None)),
    ("ConnectionClosedError", (None, Close(1002, ""))),
    ("InvalidURI", ("http://x", "wrong scheme")),
    ("InvalidProxy", ("ftp://x", "wrong scheme")),
    ("InvalidProxyStatus", (FORBIDDEN,)),
    ("InvalidStatus", (FORBIDDEN,)),
    ("InvalidMethod", ("POST",)),
    ("InvalidProtocol", ("HTTP/1.0",)),
    ("InvalidHeader", ("Upgrade",)),
    ("InvalidHeader", ("Upgrade", "")),
    ("InvalidHeaderValue", ("Upgrade", "h2c")),
    ("InvalidHeaderFormat", ("Connection", "expected token", "a;", 1)),
    ("InvalidOrigin", ("http://evil",)),
    ("InvalidOrigin", (None,)),
    ("InvalidUpgrade", ("Upgrade", None)),
    ("DuplicateParameter", ("bits",)),
    ("InvalidParameterName", ("bits",)),
    ("InvalidParameterValue", ("bits", None)),
    ("InvalidParameterValue", ("bits", "")),
    ("InvalidParameterValue", ("bits", "16")),
    ("PayloadTooBig", (20, 10)),
    ("PayloadTooBig", (None, 10)),
    ("PayloadTooBig", (20, 10, 6)),
    ("TooManyFragments", (10,)),
    ("InvalidMessage", ("no HTTP",)),
    ("ConcurrencyError", ("two readers",)),
]


@pytest.mark.parametrize("name", NAMES)
def test_an_exception_has_the_bases_that_it_has_in_websockets(name: str):
    def bases(module: object) -> list[str]:
        return [base.__name__ for base in getattr(module, name).__mro__]

    assert bases(ours) == bases(websockets)


@as_websockets_17
@pytest.mark.parametrize(("name", "args"), MADE)
def test_an_exception_says_and_carries_what_it_does_in_websockets(name: str, args: tuple):
    our, their = getattr(exceptions, name)(*args), getattr(theirs, name)(*args)
    assert str(our) == str(their)
    for attribute, value in vars(their).items():
        assert getattr(our, attribute) == value


@pytest.mark.parametrize(("name", "args"), MADE)
def test_an_exception_survives_pickling(name: str, args: tuple):
    exc = getattr(exceptions, name)(*args)
    copied = pickle.loads(pickle.dumps(exc))
    assert type(copied) is type(exc)
    assert str(copied) == str(exc)
    assert vars(copied) == vars(exc)


def test_a_traceback_names_the_module_that_users_import_from():
    assert ConnectionClosed.__module__ == "aiohttp_ws.websockets.exceptions"


@pytest.mark.parametrize(
    ("rcvd", "sent", "order"), [(None, None, True), (Close(1000, ""), Close(1000, ""), None)]
)
def test_an_order_of_close_frames_needs_two_of_them(rcvd, sent, order):
    with pytest.raises(ValueError, match="rcvd_then_sent"):
        ConnectionClosed(rcvd, sent, order)


def test_code_and_reason_of_a_closed_connection_are_deprecated():
    exc = ConnectionClosedOK(Close(1001, "bye"), Close(1001, ""), True)
    with pytest.warns(DeprecationWarning, match=r"rcvd\.code") as caught:
        assert exc.code == 1001
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"rcvd\.reason"):
        assert exc.reason == "bye"


def test_without_a_close_frame_the_deprecated_code_is_1006():
    exc = ConnectionClosedError(None, Close(1000, ""))
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert (exc.code, exc.reason) == (1006, "")


def test_the_size_of_earlier_fragments_is_added_once():
    exc = PayloadTooBig(20, 10)
    exc.set_current_size(6)
    assert (exc.max_size, exc.current_size) == (16, 6)
    with pytest.raises(ValueError, match="6"):
        exc.set_current_size(7)


def test_a_text_for_too_big_a_payload_is_deprecated():
    with pytest.warns(DeprecationWarning, match="size and max_size"):
        exc = PayloadTooBig("over size limit")
    assert str(exc) == "over size limit"


@pytest.mark.parametrize("args", [(20,), ("text", 10)])
def test_too_big_a_payload_needs_its_limit(args: tuple):
    with pytest.raises(TypeError):
        PayloadTooBig(*args)


def test_the_names_of_the_first_years_name_the_same_classes():
    assert exceptions.WebSocketProtocolError is ProtocolError
    assert exceptions.InvalidStatusCode is InvalidStatus
    with pytest.raises(exceptions.InvalidStatusCode) as caught:
        raise InvalidStatus(FORBIDDEN)
    assert caught.value.status_code == 403
    assert caught.value.headers == Headers()


def test_the_root_has_other_exceptions_under_its_own_names():
    import aiohttp_ws

    assert aiohttp_ws.InvalidURL is not ours.InvalidURI
    assert not issubclass(aiohttp_ws.ClientError, ours.WebSocketException)
    assert not hasattr(aiohttp_ws, "InvalidHandshake")
    assert issubclass(ours.InvalidHeader, InvalidHandshake)


def test_too_many_fragments_tells_the_limit():
    assert TooManyFragments(16).max_fragments == 16
