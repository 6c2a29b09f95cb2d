"""A request without a session: one is made for it and closed with its response."""

from __future__ import annotations

import asyncio
from typing import Any

from ..argument_types import StrOrURL
from ..http.headers import HttpVersion, HttpVersion11
from .connector import BaseConnector
from .request_context import SessionRequestContext
from .response import ClientResponse
from .session import ClientSession
from .tcp_connector import TCPConnector

__all__ = ("request",)


def request(
    method: str,
    url: StrOrURL,
    *,
    version: HttpVersion = HttpVersion11,
    connector: BaseConnector | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
    **kwargs: Any,
) -> SessionRequestContext[ClientResponse]:
    """Send one request in a session that lasts as long as ``async with`` does.

    For programs that send a single request; others are faster with a
    :class:`~aiohttp_ws.ClientSession`, whose other arguments go here too.
    """
    owner = connector is None
    if connector is None:
        connector = TCPConnector(loop=loop, force_close=True)
    settings = {
        name: kwargs.pop(name)
        for name in ("cookie_jar", "json_serialize", "response_class", "request_class")
        if name in kwargs
    }
    session = ClientSession(
        loop=loop, version=version, connector=connector, connector_owner=owner, **settings
    )
    return SessionRequestContext(session._request(method, url, **kwargs), session)
