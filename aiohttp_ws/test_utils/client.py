"""A client for test servers: a ``ClientSession`` whose URLs are paths of one server."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from yarl import URL

from aiohttp_ws import hdrs
from aiohttp_ws.client import ClientSession, CookieJar
from aiohttp_ws.client.request_context import RequestContext
from aiohttp_ws.test_utils.servers import BaseTestServer

if TYPE_CHECKING:
    from typing_extensions import Self

    from aiohttp_ws.argument_types import StrOrURL
    from aiohttp_ws.client import ClientResponse, ClientWebSocketResponse
    from aiohttp_ws.client.interfaces import AbstractCookieJar
    from aiohttp_ws.web import Application

__all__ = ("TestClient",)

_RequestT = TypeVar("_RequestT")
_ApplicationT = TypeVar("_ApplicationT")


class TestClient(Generic[_RequestT, _ApplicationT]):
    """An HTTP and WebSocket client of one test server; an async context manager.

    The methods are :class:`~aiohttp_ws.ClientSession`'s, with paths for URLs. Responses and
    WebSockets still open at :meth:`close` are closed with the client, and so is the server.

    :param server: a :class:`TestServer` or :class:`RawTestServer`.
    :param cookie_jar: by default a ``CookieJar(unsafe=True)``, since test servers have
        addresses instead of names.
    :param loop: accepted for compatibility; the running loop is used.
    :param kwargs: go to :class:`~aiohttp_ws.ClientSession`.

    Raises :exc:`TypeError` when *server* is not a test server of this package.
    """

    __test__ = False  # Its name looks like a test to pytest.

    def __init__(
        self,
        server: BaseTestServer,
        *,
        cookie_jar: AbstractCookieJar | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(server, BaseTestServer):
            raise TypeError(
                f"server must be a TestServer or a RawTestServer, not {type(server).__name__}; "
                "wrap an application in TestServer(app)"
            )
        self._server = server
        if cookie_jar is None:
            cookie_jar = CookieJar(unsafe=True)
        self._session = ClientSession(cookie_jar=cookie_jar, **kwargs)
        self._closed = False
        self._responses: list[ClientResponse] = []
        self._websockets: list[ClientWebSocketResponse] = []

    async def start_server(self) -> None:
        """Start the server, unless it runs."""
        await self._server.start_server()

    @property
    def scheme(self) -> str:
        """``"http"`` or ``"https"``."""
        return self._server.scheme

    @property
    def host(self) -> str:
        """The server's address."""
        return self._server.host

    @property
    def port(self) -> int | None:
        """The server's port; ``None`` while it does not run."""
        return self._server.port

    @property
    def server(self) -> BaseTestServer:
        """The server that this client talks to."""
        return self._server

    @property
    def app(self) -> Application | None:
        """The server's application; ``None`` for a raw server."""
        return cast("Application | None", getattr(self._server, "app", None))

    @property
    def session(self) -> ClientSession:
        """The session beneath; unlike the client's, its methods take absolute URLs."""
        return self._session

    def make_url(self, path: StrOrURL) -> URL:
        """Return the absolute URL of *path* on the running server."""
        return self._server.make_url(path)

    def request(self, method: str, path: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
        """Send a request, as :meth:`aiohttp_ws.ClientSession.request` does.

        Like it, the result is awaited or used with ``async with``.
        """
        return RequestContext(self._request(method, path, **kwargs))

    async def _request(self, method: str, path: StrOrURL, **kwargs: Any) -> ClientResponse:
        response = await self._session.request(method, self.make_url(path), **kwargs)
        self._responses.append(response)
        return response

    def get(self, path: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
        """Send a GET request."""
        return self.request(hdrs.METH_GET, path, **kwargs)

    def post(self, path: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
        """Send a POST request."""
        return self.request(hdrs.METH_POST, path, **kwargs)

    def options(self, path: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
        """Send an OPTIONS request."""
        return self.request(hdrs.METH_OPTIONS, path, **kwargs)

    def head(self, path: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
        """Send a HEAD request; unlike the session's, it follows redirects."""
        return self.request(hdrs.METH_HEAD, path, **kwargs)

    def put(self, path: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
        """Send a PUT request."""
        return self.request(hdrs.METH_PUT, path, **kwargs)

    def patch(self, path: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
        """Send a PATCH request."""
        return self.request(hdrs.METH_PATCH, path, **kwargs)

    def delete(self, path: StrOrURL, **kwargs: Any) -> RequestContext[ClientResponse]:
        """Send a DELETE request."""
        return self.request(hdrs.METH_DELETE, path, **kwargs)

    def ws_connect(
        self, path: StrOrURL, *, decode_text: bool = True, **kwargs: Any
    ) -> RequestContext[ClientWebSocketResponse]:
        """Open a WebSocket, as :meth:`aiohttp_ws.ClientSession.ws_connect` does."""
        return RequestContext(self._ws_connect(path, decode_text=decode_text, **kwargs))

    async def _ws_connect(self, path: StrOrURL, **kwargs: Any) -> ClientWebSocketResponse:
        websocket = await self._session.ws_connect(self.make_url(path), **kwargs)
        self._websockets.append(websocket)
        return websocket

    async def close(self) -> None:
        """Close what was opened through this client, and the server; further calls do nothing."""
        if self._closed:
            return
        self._closed = True
        for response in self._responses:
            response.close()
        for websocket in self._websockets:
            await websocket.close()
        await self._session.close()
        await self._server.close()

    async def __aenter__(self) -> Self:
        await self.start_server()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.close()
