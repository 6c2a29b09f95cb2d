"""Signals that tell what a session does for a request.

A :class:`TraceConfig` holds the signals, one per event; a :class:`Trace` is its part in one
request. Sessions without trace configs have no traces, and nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import attrs
from aiosignal import Signal
from multidict import CIMultiDict
from yarl import URL

if TYPE_CHECKING:
    from .response import ClientResponse
    from .session import ClientSession

__all__ = (
    "TraceConfig",
    "TraceConnectionCreateEndParams",
    "TraceConnectionCreateStartParams",
    "TraceConnectionQueuedEndParams",
    "TraceConnectionQueuedStartParams",
    "TraceConnectionReuseconnParams",
    "TraceDnsCacheHitParams",
    "TraceDnsCacheMissParams",
    "TraceDnsResolveHostEndParams",
    "TraceDnsResolveHostStartParams",
    "TraceRequestChunkSentParams",
    "TraceRequestEndParams",
    "TraceRequestExceptionParams",
    "TraceRequestHeadersSentParams",
    "TraceRequestRedirectParams",
    "TraceRequestStartParams",
    "TraceResponseChunkReceivedParams",
)


@attrs.frozen
class TraceRequestStartParams:
    """A call begins; *headers* are those it will send, and may be changed."""

    method: str
    url: URL
    headers: CIMultiDict[str]


@attrs.frozen
class TraceRequestChunkSentParams:
    """A piece of the request's body is about to be written."""

    method: str
    url: URL
    chunk: bytes


@attrs.frozen
class TraceResponseChunkReceivedParams:
    """The body was read by :meth:`ClientResponse.read`."""

    method: str
    url: URL
    chunk: bytes


@attrs.frozen
class TraceRequestEndParams:
    """The call returns *response*."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: ClientResponse


@attrs.frozen
class TraceRequestExceptionParams:
    """The call raises *exception*."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    exception: BaseException


@attrs.frozen
class TraceRequestRedirectParams:
    """*response* is a redirect, about to be followed."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: ClientResponse


@attrs.frozen
class TraceConnectionQueuedStartParams:
    """The limit of connections is reached: the request waits for its turn."""


@attrs.frozen
class TraceConnectionQueuedEndParams:
    """The request's turn has come."""


@attrs.frozen
class TraceConnectionCreateStartParams:
    """A connection is about to be made."""


@attrs.frozen
class TraceConnectionCreateEndParams:
    """The connection is made, with TLS and the tunnel through a proxy."""


@attrs.frozen
class TraceConnectionReuseconnParams:
    """A kept connection is used."""


@attrs.frozen
class TraceDnsResolveHostStartParams:
    """The resolver is about to be asked for *host*."""

    host: str


@attrs.frozen
class TraceDnsResolveHostEndParams:
    """The resolver has answered."""

    host: str


@attrs.frozen
class TraceDnsCacheHitParams:
    """The addresses of *host* are known, or being asked for by another request."""

    host: str


@attrs.frozen
class TraceDnsCacheMissParams:
    """The addresses of *host* are not known."""

    host: str


@attrs.frozen
class TraceRequestHeadersSentParams:
    """The head of a request is about to be written."""

    method: str
    url: URL
    headers: CIMultiDict[str]


class TraceConfig:
    """The signals of a session's requests; pass it in ``trace_configs=``.

    Each attribute ``on_...`` is an :class:`aiosignal.Signal`, a list of coroutine functions that
    are called with the session, the request's context and the parameters of the event, and that
    the request waits for. A session freezes the lists.

    :param trace_config_ctx_factory: makes the context of a request; it is called with the
        request's ``trace_request_ctx=`` as a keyword of that name.
    """

    __slots__ = (
        "__dict__",
        "_trace_config_ctx_factory",
        "on_connection_create_end",
        "on_connection_create_start",
        "on_connection_queued_end",
        "on_connection_queued_start",
        "on_connection_reuseconn",
        "on_dns_cache_hit",
        "on_dns_cache_miss",
        "on_dns_resolvehost_end",
        "on_dns_resolvehost_start",
        "on_request_chunk_sent",
        "on_request_end",
        "on_request_exception",
        "on_request_headers_sent",
        "on_request_redirect",
        "on_request_start",
        "on_response_chunk_received",
    )

    def __init__(self, trace_config_ctx_factory: Callable[..., Any] = SimpleNamespace) -> None:
        self._trace_config_ctx_factory = trace_config_ctx_factory
        self.on_request_start: Signal[ClientSession, SimpleNamespace, TraceRequestStartParams] = (
            Signal(self)
        )
        self.on_request_chunk_sent: Signal[
            ClientSession, SimpleNamespace, TraceRequestChunkSentParams
        ] = Signal(self)
        self.on_response_chunk_received: Signal[
            ClientSession, SimpleNamespace, TraceResponseChunkReceivedParams
        ] = Signal(self)
        self.on_request_end: Signal[ClientSession, SimpleNamespace, TraceRequestEndParams] = Signal(
            self
        )
        self.on_request_exception: Signal[
            ClientSession, SimpleNamespace, TraceRequestExceptionParams
        ] = Signal(self)
        self.on_request_redirect: Signal[
            ClientSession, SimpleNamespace, TraceRequestRedirectParams
        ] = Signal(self)
        self.on_connection_queued_start: Signal[
            ClientSession, SimpleNamespace, TraceConnectionQueuedStartParams
        ] = Signal(self)
        self.on_connection_queued_end: Signal[
            ClientSession, SimpleNamespace, TraceConnectionQueuedEndParams
        ] = Signal(self)
        self.on_connection_create_start: Signal[
            ClientSession, SimpleNamespace, TraceConnectionCreateStartParams
        ] = Signal(self)
        self.on_connection_create_end: Signal[
            ClientSession, SimpleNamespace, TraceConnectionCreateEndParams
        ] = Signal(self)
        self.on_connection_reuseconn: Signal[
            ClientSession, SimpleNamespace, TraceConnectionReuseconnParams
        ] = Signal(self)
        self.on_dns_resolvehost_start: Signal[
            ClientSession, SimpleNamespace, TraceDnsResolveHostStartParams
        ] = Signal(self)
        self.on_dns_resolvehost_end: Signal[
            ClientSession, SimpleNamespace, TraceDnsResolveHostEndParams
        ] = Signal(self)
        self.on_dns_cache_hit: Signal[ClientSession, SimpleNamespace, TraceDnsCacheHitParams] = (
            Signal(self)
        )
        self.on_dns_cache_miss: Signal[ClientSession, SimpleNamespace, TraceDnsCacheMissParams] = (
            Signal(self)
        )
        self.on_request_headers_sent: Signal[
            ClientSession, SimpleNamespace, TraceRequestHeadersSentParams
        ] = Signal(self)

    def trace_config_ctx(self, trace_request_ctx: Any = None) -> Any:
        """Make the context of a request.

        :param trace_request_ctx: what the request was given as ``trace_request_ctx=``.
        """
        return self._trace_config_ctx_factory(trace_request_ctx=trace_request_ctx)

    def freeze(self) -> None:
        """Let no more functions be added; sessions call it."""
        for name in TraceConfig.__slots__:
            if name.startswith("on_"):
                getattr(self, name).freeze()


def _sender(signal: str, params: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, None]]:
    async def send(self: Trace, *fields: Any) -> None:
        await getattr(self._config, signal).send(self._session, self._context, params(*fields))

    return send


class Trace:
    """What one :class:`TraceConfig` is told of one request.

    Each ``send_...`` takes the fields of the event's parameters.
    """

    __slots__ = ("_config", "_context", "_session")

    def __init__(
        self, session: ClientSession, trace_config: TraceConfig, trace_config_ctx: Any
    ) -> None:
        self._session = session
        self._config = trace_config
        self._context = trace_config_ctx

    send_request_start = _sender("on_request_start", TraceRequestStartParams)
    send_request_chunk_sent = _sender("on_request_chunk_sent", TraceRequestChunkSentParams)
    send_response_chunk_received = _sender(
        "on_response_chunk_received", TraceResponseChunkReceivedParams
    )
    send_request_end = _sender("on_request_end", TraceRequestEndParams)
    send_request_exception = _sender("on_request_exception", TraceRequestExceptionParams)
    send_request_redirect = _sender("on_request_redirect", TraceRequestRedirectParams)
    send_connection_queued_start = _sender(
        "on_connection_queued_start", TraceConnectionQueuedStartParams
    )
    send_connection_queued_end = _sender("on_connection_queued_end", TraceConnectionQueuedEndParams)
    send_connection_create_start = _sender(
        "on_connection_create_start", TraceConnectionCreateStartParams
    )
    send_connection_create_end = _sender("on_connection_create_end", TraceConnectionCreateEndParams)
    send_connection_reuseconn = _sender("on_connection_reuseconn", TraceConnectionReuseconnParams)
    send_dns_resolvehost_start = _sender("on_dns_resolvehost_start", TraceDnsResolveHostStartParams)
    send_dns_resolvehost_end = _sender("on_dns_resolvehost_end", TraceDnsResolveHostEndParams)
    send_dns_cache_hit = _sender("on_dns_cache_hit", TraceDnsCacheHitParams)
    send_dns_cache_miss = _sender("on_dns_cache_miss", TraceDnsCacheMissParams)
    send_request_headers = _sender("on_request_headers_sent", TraceRequestHeadersSentParams)


async def tell(traces: Iterable[Any], send: str, *fields: Any) -> None:
    """Call a method of each of *traces*, in order.

    :param send: the method's name; by name, because hooks of users' classes pass objects of their
        own.
    """
    for trace in traces:
        await getattr(trace, send)(*fields)
