"""``aiohttp`` as :func:`aiohttp_ws.install_as_aiohttp` puts it in place of the real one.

This package stands for ``aiohttp``, and each of its modules for aiohttp's module of that name.
They define nothing: they offer what this package has of the names that aiohttp's modules offer.
"""

import importlib as _importlib
from importlib.machinery import PathFinder as _PathFinder
from typing import Any as _Any

from .. import exports as _exports

#: The release of aiohttp whose interface this package has; programs compare it.
__version__ = "3.14.5"

_getattr, _dir = _exports.face(
    __name__,
    """
    AddrInfoType AsyncIterablePayload AsyncResolver BadContentDispositionHeader
    BadContentDispositionParam BaseConnector BasicAuth BodyPartReader BufferedReaderPayload
    BytesIOPayload BytesPayload ChainMapProxy ClientConnectionError ClientConnectionResetError
    ClientConnectorCertificateError ClientConnectorDNSError ClientConnectorError
    ClientConnectorSSLError ClientError ClientHandlerType ClientHttpProxyError
    ClientMiddlewareType ClientOSError ClientPayloadError ClientProxyConnectionError
    ClientRequest ClientResponse ClientResponseError ClientSSLError ClientSession ClientTimeout
    ClientWSTimeout ClientWebSocketResponse ConnectionTimeoutError ContentTypeError CookieJar
    DataQueue DefaultResolver DigestAuthMiddleware DummyCookieJar EMPTY_PAYLOAD ETag EofStream
    Fingerprint FlowControlDataQueue FormData GunicornUVLoopWebWorker GunicornWebWorker
    HttpVersion HttpVersion10 HttpVersion11 IOBasePayload InvalidURL InvalidUrlClientError
    InvalidUrlRedirectClientError JsonPayload MultipartReader MultipartWriter NamedPipeConnector
    NonHttpUrlClientError NonHttpUrlRedirectClientError PAYLOAD_REGISTRY Payload
    RedirectClientError RequestInfo ServerConnectionError ServerDisconnectedError
    ServerFingerprintMismatch ServerTimeoutError SocketFactoryType SocketTimeoutError
    StreamReader StringIOPayload StringPayload TCPConnector TextIOPayload ThreadedResolver
    TooManyRedirects TraceConfig TraceConnectionCreateEndParams TraceConnectionCreateStartParams
    TraceConnectionQueuedEndParams TraceConnectionQueuedStartParams
    TraceConnectionReuseconnParams TraceDnsCacheHitParams TraceDnsCacheMissParams
    TraceDnsResolveHostEndParams TraceDnsResolveHostStartParams TraceRequestChunkSentParams
    TraceRequestEndParams TraceRequestExceptionParams TraceRequestHeadersSentParams
    TraceRequestRedirectParams TraceRequestStartParams TraceResponseChunkReceivedParams
    UnixConnector UploadAbortedError UploadTracker WSCloseCode WSMessage WSMessageTypeError
    WSMsgType WSServerHandshakeError WebSocketError content_disposition_filename
    encode_basic_auth get_payload hdrs parse_content_disposition payload_type request
    set_zlib_backend streamer
    """,
)


def __getattr__(name: str) -> _Any:
    # ``import aiohttp`` is enough for ``aiohttp.client_exceptions`` there.
    if not name.startswith("_") and _PathFinder.find_spec(name, __path__):
        return _importlib.import_module(f".{name}", __name__)
    return _getattr(name)


def __dir__() -> list[str]:
    return _dir()
