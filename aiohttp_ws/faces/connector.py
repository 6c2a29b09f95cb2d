"""``aiohttp.connector``: connectors."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractResolver AddrInfoType BaseConnector ClientConnectionError
    ClientConnectorCertificateError ClientConnectorDNSError ClientConnectorError
    ClientConnectorSSLError ClientHttpProxyError ClientProxyConnectionError ClientRequest
    Connection DefaultResolver Fingerprint InvalidUrlClientError NamedPipeConnector
    ResolveResult ServerFingerprintMismatch SocketFactoryType TCPConnector
    UnixClientConnectorError UnixConnector
    """,
    alone={
        "Connection": "client.connection",
        "ResponseHandler": "client.protocol:ClientProtocol",
    },
)
