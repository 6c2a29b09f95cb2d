"""``aiohttp.test_utils``: servers and clients for tests."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "AioHTTPTestCase BaseTestServer RawTestServer TestClient TestServer",
    whole="test_utils",
)
