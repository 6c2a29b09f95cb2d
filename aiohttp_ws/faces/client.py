"""``aiohttp.client``: sessions."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractCookieJar BaseConnector BasicAuth ClientConnectionError ClientConnectionResetError
    ClientConnectorCertificateError ClientConnectorDNSError ClientConnectorError
    ClientConnectorSSLError ClientError ClientHttpProxyError ClientOSError ClientPayloadError
    ClientProxyConnectionError ClientRequest ClientResponse ClientResponseError ClientSSLError
    ClientSession ClientTimeout ClientWSTimeout ClientWebSocketResponse ConnectionTimeoutError
    ContentTypeError CookieJar DEFAULT_TIMEOUT Fingerprint HttpVersion InvalidURL
    InvalidUrlClientError InvalidUrlRedirectClientError NamedPipeConnector NonHttpUrlClientError
    NonHttpUrlRedirectClientError RedirectClientError RequestInfo ServerConnectionError
    ServerDisconnectedError ServerFingerprintMismatch ServerTimeoutError SocketTimeoutError
    TCPConnector TooManyRedirects UnixConnector UploadAbortedError UploadTracker
    WSHandshakeError WSMessageTypeError WSServerHandshakeError request
    """,
    alone={
        "DEFAULT_TIMEOUT": "client.timeouts",
        "_BaseRequestContextManager": "client.request_context:RequestContext",
        "_RequestContextManager": "client.request_context:ResponseContext",
        "_SessionRequestContextManager": "client.request_context:SessionRequestContext",
        "_WSRequestContextManager": "client.request_context:RequestContext",
    },
)
