"""``aiohttp.cookiejar``: cookie jars."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "CookieJar DummyCookieJar",
    imported="AbstractCookieJar",
)
