"""``aiohttp.web_middlewares``: middlewares of the server."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    HTTPMove HTTPPermanentRedirect Middleware Request StreamResponse SystemRoute middleware
    normalize_path_middleware
    """,
)
