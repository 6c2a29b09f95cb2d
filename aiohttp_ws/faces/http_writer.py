"""``aiohttp.http_writer``: writing HTTP."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "HttpVersion HttpVersion10 HttpVersion11 StreamWriter",
    imported="AbstractStreamWriter ClientConnectionResetError",
)
