"""``aiohttp.web_log``: the access log."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "AccessLogger KeyMethod",
    imported="AbstractAccessLogger BaseRequest StreamResponse",
)
