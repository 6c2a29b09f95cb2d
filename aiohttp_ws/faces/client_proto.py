"""``aiohttp.client_proto``: connections of the client."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "ResponseHandler",
    imported="""
    ClientConnectionError ClientOSError ClientPayloadError EMPTY_PAYLOAD ServerDisconnectedError
    SocketTimeoutError StreamReader
    """,
    alone={
        "ResponseHandler": "client.protocol:ClientProtocol",
    },
)
