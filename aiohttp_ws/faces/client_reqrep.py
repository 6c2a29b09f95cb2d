"""``aiohttp.client_reqrep``: requests and responses of the client."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractStreamWriter BasicAuth ClientConnectionError ClientOSError ClientRequest
    ClientResponse ClientResponseError ConnectionKey ContentDisposition ContentTypeError
    Fingerprint FormData HttpVersion HttpVersion10 HttpVersion11 InvalidURL RequestInfo
    ServerFingerprintMismatch StreamReader UploadAbortedError UploadTracker
    """,
    alone={
        "ConnectionKey": "client.connection_key",
        "SERVER_SOFTWARE": "http.software",
    },
)
