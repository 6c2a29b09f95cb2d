"""Stand-ins: a request for a handler that is tested with no server, and a coroutine function."""

from __future__ import annotations

import asyncio
import inspect
from ssl import SSLContext
from typing import TYPE_CHECKING, Any
from unittest import mock

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from aiohttp_ws import hdrs
from aiohttp_ws.http.headers import HttpVersion, HttpVersion11
from aiohttp_ws.http.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp_ws.http.writer import StreamWriter
from aiohttp_ws.web import Application, Request, UrlMappingMatchInfo
from aiohttp_ws.web.request_head import PlainRequestHead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp_ws.argument_types import LooseHeaders

__all__ = ("make_mocked_coro", "make_mocked_request")

_UNSET: Any = object()


def make_mocked_coro(return_value: Any = None, raise_exception: Any = None) -> Any:
    """Return a :class:`unittest.mock.Mock` that is called as a coroutine function.

    :param return_value: what awaiting it gives.
    :param raise_exception: what awaiting it raises instead.
    """

    async def answer(*args: Any, **kwargs: Any) -> Any:
        if raise_exception is not None:
            raise raise_exception
        return return_value

    return mock.Mock(wraps=answer)


def make_mocked_request(
    method: str,
    path: str,
    headers: LooseHeaders | None = None,
    *,
    match_info: Mapping[str, str] | None = None,
    version: HttpVersion = HttpVersion11,
    closing: bool = False,
    app: Application | None = None,
    writer: Any = _UNSET,
    protocol: Any = _UNSET,
    transport: Any = _UNSET,
    payload: StreamReader = EMPTY_PAYLOAD,
    sslcontext: SSLContext | None = None,
    client_max_size: int = 1024**2,
    client_max_fields: int = 1000,
    loop: Any = ...,
) -> Request:
    """Return a :class:`~aiohttp_ws.web.Request` that came by no connection.

    It serves to call a handler or middleware directly. Where a test server will do, it is the
    better test: it runs what runs in production.

    :param method: such as ``"GET"``.
    :param path: the request target, such as ``"/path?query"``, or an absolute URL.
    :param headers: a mapping or an iterable of pairs.
    :param match_info: the parameters that the router would have found.
    :param closing: the client wants the connection closed after the response, as without
        ``keep-alive`` in HTTP/1.0.
    :param app: the application of the handler, by default an empty one.
    :param writer: what the response is written to, by default a mock around a real one in
        front of *transport*.
    :param protocol: the connection, by default a mock.
    :param transport: the transport, by default a mock: ``request.transport.write`` holds what
        was sent. Its ``get_extra_info`` knows ``sslcontext`` and ``sockname``.
    :param payload: the body, by default empty.
    :param sslcontext: makes the request's scheme ``https``.
    :param client_max_size: bytes that ``read()`` and its relatives accept.
    :param client_max_fields: fields that ``post()`` accepts.
    :param loop: by default the running loop, or a mock where none runs.
    """
    if loop is ...:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = mock.Mock()
    if transport is _UNSET:
        transport = _mocked_transport(sslcontext)
    if protocol is _UNSET:
        protocol = mock.Mock(
            transport=transport,
            _drain=mock.AsyncMock(),
            allows_keep_alive=True,
            max_field_size=8190,
            max_headers=128,
        )
        protocol.send_file.return_value = 0
    if writer is _UNSET:
        writer = _mocked_writer(transport)
    protocol.make_writer.return_value = writer
    protocol.peername = transport.get_extra_info("peername")
    app = Application() if app is None else app

    request = Request(
        _head(method, path, headers, version, closing or version < HttpVersion11, payload),
        payload,
        protocol,
        writer,
        mock.Mock(),
        loop,
        client_max_size=client_max_size,
        client_max_fields=client_max_fields,
        scheme=None if sslcontext is None else "https",
        host=URL(path).host_port_subcomponent,
    )
    match = UrlMappingMatchInfo(match_info or {}, mock.Mock())
    match.add_app(app)
    request._match_info = match
    return request


def _head(
    method: str,
    path: str,
    headers: LooseHeaders | None,
    version: HttpVersion,
    closing: bool,
    payload: StreamReader,
) -> PlainRequestHead:
    fields = CIMultiDict[str](headers or ())
    url = URL(path)
    # As it is written, unlike what URL() makes of it; but for absolute URLs, which requests to
    # a server have only through proxies.
    target = url.raw_path_qs if url.absolute else path
    raw_path, _, query = target.partition("#")[0].partition("?")
    length = int(fields.get(hdrs.CONTENT_LENGTH, -1))
    chunked = "chunked" in fields.get(hdrs.TRANSFER_ENCODING, "").lower()
    return PlainRequestHead(
        method=method.upper(),
        path=raw_path,
        query_string=query,
        version=version,
        headers=CIMultiDictProxy(fields),
        raw_headers=tuple(
            (name.encode("utf-8"), value.encode("utf-8", "surrogateescape"))
            for name, value in fields.items()
        ),
        keep_alive=not closing,
        upgrade="upgrade" in fields.get(hdrs.CONNECTION, "").lower(),
        chunked=chunked,
        content_length=length,
        has_body=chunked or length > 0 or payload is not EMPTY_PAYLOAD,
    )


def _mocked_writer(transport: Any) -> mock.Mock:
    """A writer that can be asked what was called, and does write to *transport*."""
    real = StreamWriter(mock.Mock(transport=transport, _drain=mock.AsyncMock()))
    methods = {
        name: mock.Mock(side_effect=getattr(real, name))
        for name, found in vars(StreamWriter).items()
        if not name.startswith("_") and inspect.isfunction(found)
    }
    return mock.Mock(transport=transport, length=None, output_size=0, buffer_size=0, **methods)


def _mocked_transport(sslcontext: SSLContext | None) -> mock.Mock:
    known = {"sslcontext": sslcontext, "sockname": ("127.0.0.1", 80)}
    transport = mock.Mock()
    transport.get_extra_info.side_effect = lambda name, default=None: known.get(name, default)
    transport.is_closing.return_value = False
    return transport
