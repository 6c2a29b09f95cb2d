"""``aiohttp.multipart``: multipart bodies."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractStreamWriter BadContentDispositionHeader BadContentDispositionParam BodyPartReader
    BodyPartReaderPayload JsonPayload MultipartPayloadWriter MultipartReader
    MultipartResponseWrapper MultipartWriter Payload StreamReader StringPayload
    content_disposition_filename get_payload parse_content_disposition payload_type
    """,
)
