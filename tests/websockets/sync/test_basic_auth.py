"""Basic authentication of servers for threads."""

from __future__ import annotations

import pytest

from aiohttp_ws.websockets.exceptions import InvalidStatus
from aiohttp_ws.websockets.sync.client import connect
from aiohttp_ws.websockets.sync.server import basic_auth
from tests.websockets.sync.serving import serving


@pytest.mark.parametrize(
    "how", [{"credentials": ("u", "p")}, {"check_credentials": lambda u, p: (u, p) == ("u", "p")}]
)
def test_basic_authentication_lets_in_who_knows_the_password(how):
    def handler(connection):
        connection.send(connection.username)

    with serving(handler, process_request=basic_auth("realm", **how)) as url:
        with connect(url.replace("//", "//u:p@")) as connection:
            assert connection.recv() == "u"
        with pytest.raises(InvalidStatus, match="401"):
            connect(url.replace("//", "//u:q@"))
    with pytest.raises(ValueError, match="either"):
        basic_auth("realm")


def test_a_check_of_credentials_that_would_have_to_be_awaited_lets_no_one_in():
    async def check(username, password):
        return False

    with pytest.raises(TypeError, match="check_credentials is a coroutine function"):
        basic_auth("realm", check_credentials=check)
    hidden = basic_auth("realm", check_credentials=lambda *given: check(*given))
    with serving(process_request=hidden) as url, pytest.raises(InvalidStatus, match="500"):
        connect(url.replace("//", "//u:p@"))
