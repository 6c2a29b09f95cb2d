"""``aiohttp.http_exceptions``: faults in what a peer sent."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    BadHttpMessage BadHttpMethod BadStatusLine ContentEncodingError ContentLengthError
    DecompressSizeError HttpBadRequest HttpProcessingError InvalidHeader InvalidURLError
    LineTooLong PayloadEncodingError TransferEncodingError
    """,
)
