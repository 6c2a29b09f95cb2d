"""``aiohttp.client``: sessions."""

from yarl import URL as URL  # Programs import it from here too.

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "ClientSession ClientTimeout DEFAULT_TIMEOUT request",
    imported="""
    AbstractCookieJar BaseConnector BasicAuth ClientConnectionError ClientConnectionResetError
    ClientConnectorCertificateError ClientConnectorDNSError ClientConnectorError
    ClientConnectorSSLError ClientError ClientHttpProxyError ClientOSError ClientPayloadError
    ClientProxyConnectionError ClientRequest ClientResponse ClientResponseError ClientSSLError
    ClientWSTimeout ClientWebSocketResponse ConnectionTimeoutError ContentTypeError CookieJar
    Fingerprint HttpVersion InvalidURL InvalidUrlClientError InvalidUrlRedirectClientError
    NamedPipeConnector NonHttpUrlClientError NonHttpUrlRedirectClientError RedirectClientError
    RequestInfo ServerConnectionError ServerDisconnectedError ServerFingerprintMismatch
    ServerTimeoutError SocketTimeoutError TCPConnector TooManyRedirects UnixConnector
    UploadAbortedError UploadTracker WSHandshakeError WSMessageTypeError WSServerHandshakeError
    """,
    alone={
        "_RequestOptions": "client.request_options:RequestOptions",
        "sentinel": "client.unset:UNSET",
        "DEFAULT_TIMEOUT": "client.timeouts",
        "_BaseRequestContextManager": "client.request_context:RequestContext",
        "_RequestContextManager": "client.response_context:ResponseContext",
        "_SessionRequestContextManager": "client.request_context:SessionRequestContext",
        "_WSRequestContextManager": "client.request_context:RequestContext",
    },
)
