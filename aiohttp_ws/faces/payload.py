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
    alone={
        "LookupError": "http.payload_base",
        "Order": "http.payload_base",
        "_CLOSE_FUTURES": "http.payload_files:CLOSING",
        "register_payload": "http.payload",
    },
)
