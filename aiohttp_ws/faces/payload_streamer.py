"""``aiohttp.payload_streamer``: bodies made by generators."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractStreamWriter Payload StreamPayload StreamWrapperPayload payload_type streamer
    """,
)
