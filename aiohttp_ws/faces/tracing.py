"""``aiohttp.tracing``: tracing of the client."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    TraceConfig TraceConnectionCreateEndParams TraceConnectionCreateStartParams
    TraceConnectionQueuedEndParams TraceConnectionQueuedStartParams
    TraceConnectionReuseconnParams TraceDnsCacheHitParams TraceDnsCacheMissParams
    TraceDnsResolveHostEndParams TraceDnsResolveHostStartParams TraceRequestChunkSentParams
    TraceRequestEndParams TraceRequestExceptionParams TraceRequestHeadersSentParams
    TraceRequestRedirectParams TraceRequestStartParams TraceResponseChunkReceivedParams
    """,
    imported="ClientResponse",
    alone={"Trace": "client.tracing"},
)
