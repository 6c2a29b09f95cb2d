"""``aiohttp.connector``: connectors."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "BaseConnector Connection NamedPipeConnector TCPConnector UnixConnector",
    imported="""
    AbstractResolver AddrInfoType ClientConnectionError ClientConnectorCertificateError
    ClientConnectorDNSError ClientConnectorError ClientConnectorSSLError ClientHttpProxyError
    ClientProxyConnectionError ClientRequest DefaultResolver Fingerprint InvalidUrlClientError
    ResolveResult ServerFingerprintMismatch SocketFactoryType UnixClientConnectorError
    """,
    alone={
        "Connection": "client.connection",
        "ResponseHandler": "client.protocol:ClientProtocol",
    },
)
