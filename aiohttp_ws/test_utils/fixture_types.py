"""The types of the fixtures, for the annotations of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from aiohttp_ws.test_utils.client import TestClient
    from aiohttp_ws.test_utils.servers import BaseTestServer, RawTestServer, TestServer
    from aiohttp_ws.web import Application

__all__ = ("AiohttpClient", "AiohttpRawServer", "AiohttpServer")


class AiohttpClient(Protocol):
    """The type of the ``aiohttp_client`` fixture."""

    async def __call__(
        self,
        app_or_server: Application | BaseTestServer,
        *,
        server_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestClient[Any, Any]:
        """Start a server and return a client of it.

        :param app_or_server: an application, or a test server.
        :param server_kwargs: go to :class:`~aiohttp_ws.test_utils.TestServer`, for an
            application.
        :param kwargs: go to :class:`~aiohttp_ws.test_utils.TestClient`.
        """


class AiohttpServer(Protocol):
    """The type of the ``aiohttp_server`` fixture."""

    async def __call__(
        self, app: Application, *, port: int | None = None, **kwargs: Any
    ) -> TestServer:
        """Start a server of *app*.

        :param port: the port to listen on, by default a free one.
        :param kwargs: go to :meth:`~aiohttp_ws.test_utils.BaseTestServer.start_server`;
            ``host``, ``scheme``, ``skip_url_asserts`` and ``socket_factory`` to
            :class:`~aiohttp_ws.test_utils.TestServer`.
        """


class AiohttpRawServer(Protocol):
    """The type of the ``aiohttp_raw_server`` fixture."""

    async def __call__(
        self, handler: Any, *, port: int | None = None, library: str | None = None, **kwargs: Any
    ) -> RawTestServer:
        """Start a server of one low-level *handler*.

        :param port: the port to listen on, by default a free one.
        :param library: ``"aiohttp_ws"`` or ``"aiohttp"``: whose handler it is, where
            :func:`~aiohttp_ws.test_utils.factories.library_of` would not find out.
        :param kwargs: as for ``aiohttp_server``.
        """
