"""``aiohttp.cookiejar``: cookie jars."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "CookieJar DummyCookieJar",
    imported="AbstractCookieJar",
    alone={
        "_COOKIE_QUOTA_PER_DOMAIN": "client.cookiejar:KEPT_PER_DOMAIN",
        "_COOKIE_QUOTA_TOTAL": "client.cookiejar:KEPT_COOKIES",
        "_MAX_COOKIES_PER_DOMAIN": "client.cookiejar:MOST_PER_DOMAIN",
        "_MAX_COOKIES_PER_REQUEST": "client.cookiejar:MOST_PER_REQUEST",
        "_MAX_COOKIES_TOTAL": "client.cookiejar:MOST_COOKIES",
        "_MAX_COOKIE_HEADER_LENGTH": "client.cookiejar:MOST_IN_HEADER",
    },
)
