"""Faults of a peer, by kind and in numbers, as the message API raises them."""

from __future__ import annotations

import pytest

from aiohttp_ws.errors.faults import FaultKind, ProtocolFault
from aiohttp_ws.websockets.exceptions import PayloadTooBig, ProtocolError
from aiohttp_ws.websockets.faults import explained


@pytest.mark.parametrize("kind", FaultKind)
def test_each_kind_has_an_exception_of_its_close_code(kind: FaultKind):
    exc = explained(ProtocolFault(kind, 20, 10))
    expected = {1002: ProtocolError, 1007: UnicodeError, 1009: PayloadTooBig, 1011: ProtocolError}
    assert type(exc) is expected[kind.code]
    assert isinstance(exc.__cause__, ProtocolFault)


def test_a_payload_that_is_too_big_has_its_numbers():
    exc = explained(ProtocolFault(FaultKind.FRAME_SIZE, 20, 10))
    assert isinstance(exc, PayloadTooBig)
    assert (exc.size, exc.max_size, exc.current_size) == (20, 10, None)
    assert str(exc) == "frame with 20 bytes exceeds limit of 10 bytes"
