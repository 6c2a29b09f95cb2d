"""``aiohttp.web_response``: responses."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "ContentCoding Response StreamResponse json_bytes_response json_response",
    imported="AbstractStreamWriter ETag HttpVersion10 HttpVersion11 Payload ResponseKey",
)
