"""``aiohttp.http_writer``: writing HTTP."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractStreamWriter ClientConnectionResetError HttpVersion HttpVersion10 HttpVersion11
    StreamWriter
    """,
)
