"""``aiohttp.web_protocol``: connections of the server."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "PayloadAccessError RequestHandler RequestPayloadError",
    imported="""
    AbstractAccessLogger AbstractStreamWriter AccessLogger BaseRequest EMPTY_PAYLOAD
    HTTPException HTTPInternalServerError HttpVersion10 Response StreamReader StreamResponse
    """,
    alone={
        "_RequestHandler": "web.interfaces:Handler",
    },
)
