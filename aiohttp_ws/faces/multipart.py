"""``aiohttp.multipart``: multipart bodies."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    BadContentDispositionHeader BadContentDispositionParam BodyPartReader BodyPartReaderPayload
    MultipartPayloadWriter MultipartReader MultipartResponseWrapper MultipartWriter
    content_disposition_filename parse_content_disposition
    """,
    whole="multipart",
)
