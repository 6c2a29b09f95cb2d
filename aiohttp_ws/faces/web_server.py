"""``aiohttp.web_server``: low-level servers."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "Server",
    imported="AbstractStreamWriter BaseRequest RequestHandler StreamReader",
)
