"""``aiohttp.client_exceptions``: exceptions of the client."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    ClientConnectionError ClientConnectionResetError ClientConnectorCertificateError
    ClientConnectorDNSError ClientConnectorError ClientConnectorSSLError ClientError
    ClientHttpProxyError ClientOSError ClientPayloadError ClientProxyConnectionError
    ClientResponseError ClientSSLError ConnectionTimeoutError ContentTypeError InvalidURL
    InvalidUrlClientError InvalidUrlRedirectClientError NonHttpUrlClientError
    NonHttpUrlRedirectClientError RedirectClientError ServerConnectionError
    ServerDisconnectedError ServerFingerprintMismatch ServerTimeoutError SocketTimeoutError
    TooManyRedirects UnixClientConnectorError UploadAbortedError WSMessageTypeError
    WSServerHandshakeError
    """,
)
