"""``aiohttp.web_fileresponse``: files as responses."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "FileResponse",
    imported="""
    AbstractStreamWriter ETag HTTPForbidden HTTPNotFound HTTPNotModified HTTPPartialContent
    HTTPPreconditionFailed HTTPRequestRangeNotSatisfiable StreamResponse
    """,
)
