"""``aiohttp.web_request``: requests."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractStreamWriter BaseRequest ETag FileField HTTPRequestEntityTooLarge HttpVersion
    NotAppKeyWarning Request RequestKey StreamReader StreamResponse
    """,
)
