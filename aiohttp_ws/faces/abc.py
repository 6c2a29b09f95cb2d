"""``aiohttp.abc``: abstract base classes."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractAccessLogger AbstractCookieJar AbstractMatchInfo AbstractResolver AbstractRouter
    AbstractStreamWriter AbstractView ResolveResult
    """,
    whole="abc",
    alone={"StreamResponse": "web.stream_response"},
)
