"""``aiohttp.http_parser``: what its parsers raise, and a request head; ours is compiled."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "BadHttpMessage BadHttpMethod BadStatusLine ContentEncodingError ContentLengthError "
    "InvalidHeader InvalidURLError LineTooLong TransferEncodingError",
    alone={"RawRequestMessage": "web.request_head"},
)
