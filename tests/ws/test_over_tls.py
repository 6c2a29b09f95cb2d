"""The promises that TLS puts to the test: it buffers on its own, and cannot close one side."""

from pathlib import Path

import pytest

from tests.interop.talk import Tls
from tests.ws.conftest import Open
from tests.ws.raw_end import BINARY
from tests.ws.test_flow_control import KIB

pytestmark = pytest.mark.peer("trustme")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder: Path = tmp_path_factory.mktemp("tls")
    return Tls.make(str(folder))


async def test_large_messages_pass(open_end: Open, tls: Tls) -> None:
    ends = await open_end(tls=tls, max_msg_size=0)
    # No two TLS records alike: one read twice, or not at all, would show.
    data = b"".join(number.to_bytes(4, "big") for number in range(512 * KIB))
    ends.peer.send(BINARY, data)
    same = await ends.ws.receive_bytes() == data
    assert same
    await ends.ws.send_bytes(data)
    same = (await ends.peer.receive()).payload == data
    assert same
