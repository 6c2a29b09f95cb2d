"""``aiohttp.payload_streamer``: bodies made by generators."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "StreamPayload StreamWrapperPayload streamer",
    imported="AbstractStreamWriter Payload payload_type",
)
