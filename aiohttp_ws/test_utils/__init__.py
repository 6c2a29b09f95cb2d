"""What tests of applications need: servers on free ports, a client for them, mocked requests.

Framework-neutral; :mod:`aiohttp_ws.pytest_plugin` has the pytest fixtures made of these.
"""

from aiohttp_ws.test_utils.client import TestClient
from aiohttp_ws.test_utils.mocks import make_mocked_coro, make_mocked_request
from aiohttp_ws.test_utils.ports import get_port_socket, get_unused_port_socket, unused_port
from aiohttp_ws.test_utils.servers import BaseTestServer, RawTestServer, TestServer
from aiohttp_ws.test_utils.testcase import (
    AioHTTPTestCase,
    loop_context,
    setup_test_loop,
    teardown_test_loop,
    unittest_run_loop,
)

__all__ = (
    "AioHTTPTestCase",
    "BaseTestServer",
    "RawTestServer",
    "TestClient",
    "TestServer",
    "get_port_socket",
    "get_unused_port_socket",
    "loop_context",
    "make_mocked_coro",
    "make_mocked_request",
    "setup_test_loop",
    "teardown_test_loop",
    "unittest_run_loop",
    "unused_port",
)
