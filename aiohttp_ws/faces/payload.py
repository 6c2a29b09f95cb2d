"""``aiohttp.payload``: bodies to send."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AsyncIterablePayload BufferedReaderPayload BytesIOPayload BytesPayload IOBasePayload
    JsonBytesPayload JsonPayload LookupError Order PAYLOAD_REGISTRY Payload PayloadRegistry
    StreamReaderPayload StringIOPayload StringPayload TextIOPayload get_payload payload_type
    register_payload
    """,
    imported="AbstractStreamWriter StreamReader",
)
