"""``aiohttp.web_request``: requests."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "BaseRequest FileField Request",
    imported="""
    AbstractStreamWriter ETag HTTPRequestEntityTooLarge HttpVersion NotAppKeyWarning RequestKey
    StreamReader StreamResponse
    """,
)
