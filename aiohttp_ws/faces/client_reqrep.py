"""``aiohttp.client_reqrep``: requests and responses of the client."""

from types import MappingProxyType as MappingProxyType  # Programs import it from here too.

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    ClientRequest ClientResponse ConnectionKey ContentDisposition Fingerprint RequestInfo
    UploadTracker
    """,
    imported="""
    AbstractStreamWriter BasicAuth ClientConnectionError ClientOSError ClientResponseError
    ContentTypeError FormData HttpVersion HttpVersion10 HttpVersion11 InvalidURL
    ServerFingerprintMismatch StreamReader UploadAbortedError
    """,
    alone={
        "ContentDisposition": "client.response",
        "_RequestInfo": "client.request_info:RequestInfo",
        "ConnectionKey": "client.connection_key",
        "SERVER_SOFTWARE": "http.software",
    },
)
