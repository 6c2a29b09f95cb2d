"""Signals that tell what a session does for a request.

A :class:`TraceConfig` holds the signals, one per event; a :class:`Trace` is its part in one
request. Sessions without trace configs have no traces, and nothing is told.
"""

from __future__ import annotations

import operator
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


#: The signals, and what their functions are given.
PARAMETERS: dict[str, type] = {
    "on_request_start": TraceRequestStartParams,
    "on_request_chunk_sent": TraceRequestChunkSentParams,
    "on_response_chunk_received": TraceResponseChunkReceivedParams,
    "on_request_end": TraceRequestEndParams,
    "on_request_exception": TraceRequestExceptionParams,
    "on_request_redirect": TraceRequestRedirectParams,
    "on_connection_queued_start": TraceConnectionQueuedStartParams,
    "on_connection_queued_end": TraceConnectionQueuedEndParams,
    "on_connection_create_start": TraceConnectionCreateStartParams,
    "on_connection_create_end": TraceConnectionCreateEndParams,
    "on_connection_reuseconn": TraceConnectionReuseconnParams,
    "on_dns_resolvehost_start": TraceDnsResolveHostStartParams,
    "on_dns_resolvehost_end": TraceDnsResolveHostEndParams,
    "on_dns_cache_hit": TraceDnsCacheHitParams,
    "on_dns_cache_miss": TraceDnsCacheMissParams,
    "on_request_headers_sent": TraceRequestHeadersSentParams,
}


def _signal(name: str) -> Any:
    get = operator.attrgetter(f"_{name}")
    return property(get, doc=f"Functions that are given :class:`{PARAMETERS[name].__name__}`.")


class TraceConfig:
    """The signals of a session's requests; pass it in ``trace_configs=``.

    Each attribute ``on_...`` is an :class:`aiosignal.Signal`, a list of coroutine functions that
    are called with the session, the request's context and the parameters of the event, and that
    the request waits for. A session freezes the lists.

    :param trace_config_ctx_factory: makes the context of a request; it is called with the
        request's ``trace_request_ctx=`` as a keyword of that name.
    """

    def __init__(self, trace_config_ctx_factory: Callable[..., Any] = SimpleNamespace) -> None:
        self._trace_config_ctx_factory = trace_config_ctx_factory
        for name in PARAMETERS:
            setattr(self, f"_{name}", Signal(self))

    on_request_start = _signal("on_request_start")
    on_request_chunk_sent = _signal("on_request_chunk_sent")
    on_response_chunk_received = _signal("on_response_chunk_received")
    on_request_end = _signal("on_request_end")
    on_request_exception = _signal("on_request_exception")
    on_request_redirect = _signal("on_request_redirect")
    on_connection_queued_start = _signal("on_connection_queued_start")
    on_connection_queued_end = _signal("on_connection_queued_end")
    on_connection_create_start = _signal("on_connection_create_start")
    on_connection_create_end = _signal("on_connection_create_end")
    on_connection_reuseconn = _signal("on_connection_reuseconn")
    on_dns_resolvehost_start = _signal("on_dns_resolvehost_start")
    on_dns_resolvehost_end = _signal("on_dns_resolvehost_end")
    on_dns_cache_hit = _signal("on_dns_cache_hit")
    on_dns_cache_miss = _signal("on_dns_cache_miss")
    on_request_headers_sent = _signal("on_request_headers_sent")

    def trace_config_ctx(self, trace_request_ctx: Any = None) -> Any:
        """Make the context of a request.

        :param trace_request_ctx: what the request was given as ``trace_request_ctx=``.
        """
        return self._trace_config_ctx_factory(trace_request_ctx=trace_request_ctx)

    def freeze(self) -> None:
        """Let no more functions be added; sessions call it."""
        for name in PARAMETERS:
            getattr(self, name).freeze()


def _sender(signal: str) -> Callable[..., Coroutine[Any, Any, None]]:
    params = PARAMETERS[signal]

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

    send_request_start = _sender("on_request_start")
    send_request_chunk_sent = _sender("on_request_chunk_sent")
    send_response_chunk_received = _sender("on_response_chunk_received")
    send_request_end = _sender("on_request_end")
    send_request_exception = _sender("on_request_exception")
    send_request_redirect = _sender("on_request_redirect")
    send_connection_queued_start = _sender("on_connection_queued_start")
    send_connection_queued_end = _sender("on_connection_queued_end")
    send_connection_create_start = _sender("on_connection_create_start")
    send_connection_create_end = _sender("on_connection_create_end")
    send_connection_reuseconn = _sender("on_connection_reuseconn")
    send_dns_resolvehost_start = _sender("on_dns_resolvehost_start")
    send_dns_resolvehost_end = _sender("on_dns_resolvehost_end")
    send_dns_cache_hit = _sender("on_dns_cache_hit")
    send_dns_cache_miss = _sender("on_dns_cache_miss")
    send_request_headers = _sender("on_request_headers_sent")


async def tell(traces: Iterable[Any], send: str, *fields: Any) -> None:
    """Call a method of each of *traces*, in order.

    :param send: the method's name; by name, because hooks of users' classes pass objects of their
        own.
    """
    for trace in traces:
        await getattr(trace, send)(*fields)
