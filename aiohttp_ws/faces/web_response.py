"""``aiohttp.web_response``: responses."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractStreamWriter ContentCoding ETag HttpVersion10 HttpVersion11 Payload Response
    ResponseKey StreamResponse json_bytes_response json_response
    """,
)
