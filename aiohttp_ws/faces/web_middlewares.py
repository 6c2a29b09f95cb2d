"""``aiohttp.web_middlewares``: middlewares of the server."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "middleware normalize_path_middleware",
    imported="HTTPMove HTTPPermanentRedirect Middleware Request StreamResponse SystemRoute",
)
