"""``aiohttp.hdrs``: names of headers and methods."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    whole="hdrs",
)
