"""Runners: an application, or a bare server, from set-up to clean-up."""

from __future__ import annotations

import asyncio
import signal
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from .access_log import AccessLogger
from .application import Application
from .server import Server

if TYPE_CHECKING:
    from .interfaces import AbstractAccessLogger
    from .sites import BaseSite

__all__ = ("AppRunner", "BaseRunner", "GracefulExit", "ServerRunner")

_Server = TypeVar("_Server", bound=Server)


class GracefulExit(SystemExit):
    """Raised out of the event loop by SIGINT and SIGTERM; ends :func:`run_app` in order."""

    code = 1


def _raise_graceful_exit() -> NoReturn:
    raise GracefulExit


class BaseRunner(ABC):
    """Holds a server and the sites it listens on.

    :param handle_signals: end the event loop with :exc:`GracefulExit` on SIGINT and SIGTERM.
    :param shutdown_timeout: seconds that :meth:`cleanup` waits for running handlers before
        it cancels them, and for WebSockets to finish their closing handshake.
    :param kwargs: arguments for :class:`Server`.
    """

    def __init__(
        self, *, handle_signals: bool = False, shutdown_timeout: float = 60.0, **kwargs: Any
    ) -> None:
        self._handle_signals = handle_signals
        self._shutdown_timeout = shutdown_timeout
        self._kwargs = kwargs
        self._server: Server | None = None
        self._sites: list[BaseSite] = []
        self._loop_with_signals: asyncio.AbstractEventLoop | None = None

    @property
    def server(self) -> Server | None:
        """The server; ``None`` before :meth:`setup` and after :meth:`cleanup`."""
        return self._server

    @property
    def addresses(self) -> list[Any]:
        """The addresses that the sites listen on: tuples, or paths of UNIX sockets."""
        return [
            listening.getsockname()
            for site in self._sites
            for listening in getattr(site._server, "sockets", ())
        ]

    @property
    def sites(self) -> set[BaseSite]:
        """The sites that listen."""
        return set(self._sites)

    async def setup(self) -> None:
        """Start the application and make the server; sites are started after it."""
        if self._handle_signals:
            loop = asyncio.get_running_loop()
            try:
                loop.add_signal_handler(signal.SIGINT, _raise_graceful_exit)
                loop.add_signal_handler(signal.SIGTERM, _raise_graceful_exit)
                self._loop_with_signals = loop
            except (NotImplementedError, ValueError, RuntimeError):
                pass  # Windows, or not the main thread: signals stay as they are
        self._server = await self._make_server()

    @abstractmethod
    async def shutdown(self) -> None:
        """Tell the application that its connections are about to be closed."""

    async def cleanup(self) -> None:
        """Stop in order.

        No new connections; the application's ``on_shutdown``; WebSockets closed with 1001;
        running handlers awaited, and cancelled after ``shutdown_timeout``; ``on_cleanup``.
        """
        for site in list(self._sites):
            await site.stop()
        server = self._server
        if server is not None:
            # Connections accepted in this turn of the loop get to start their request.
            await asyncio.sleep(0)
            server.pre_shutdown()
            await self.shutdown()
            await server.shutdown(self._shutdown_timeout)
        await self._cleanup_server()
        self._server = None
        if self._loop_with_signals is not None:
            self._loop_with_signals.remove_signal_handler(signal.SIGINT)
            self._loop_with_signals.remove_signal_handler(signal.SIGTERM)
            self._loop_with_signals = None

    @abstractmethod
    async def _make_server(self) -> Server:
        """Return the server."""

    @abstractmethod
    async def _cleanup_server(self) -> None:
        """Release what :meth:`_make_server` took."""

    def _reg_site(self, site: BaseSite) -> None:
        if site in self._sites:
            raise RuntimeError(f"{site!r} is started already in {self!r}")
        self._sites.append(site)

    def _check_site(self, site: BaseSite) -> None:
        if site not in self._sites:
            raise RuntimeError(f"{site!r} is not started in {self!r}")

    def _unreg_site(self, site: BaseSite) -> None:
        self._check_site(site)
        self._sites.remove(site)


class ServerRunner(BaseRunner):
    """Runs a :class:`Server` that has a handler of its own and no application."""

    def __init__(self, web_server: Server, *, handle_signals: bool = False, **kwargs: Any) -> None:
        super().__init__(handle_signals=handle_signals, **kwargs)
        self._web_server = web_server

    async def shutdown(self) -> None:
        pass

    async def _make_server(self) -> Server:
        return self._web_server

    async def _cleanup_server(self) -> None:
        pass


class AppRunner(BaseRunner):
    """Runs an :class:`Application`.

    :param app: the application; frozen by :meth:`setup`.
    :param access_log_class: a subclass of ``AbstractAccessLogger``.
    :param kwargs: arguments for :class:`BaseRunner` and :class:`Server`.
    """

    def __init__(
        self,
        app: Application,
        *,
        handle_signals: bool = False,
        access_log_class: type[AbstractAccessLogger] = AccessLogger,
        **kwargs: Any,
    ) -> None:
        if not isinstance(app, Application):
            raise TypeError(f"the first argument must be a web.Application, not {app!r}")
        super().__init__(handle_signals=handle_signals, **kwargs)
        self._kwargs["access_log_class"] = access_log_class
        self._app = app

    @property
    def app(self) -> Application:
        """The application."""
        return self._app

    async def shutdown(self) -> None:
        await self._app.shutdown()

    async def _make_server(self) -> Server:
        self._app.freeze()
        await self._app.startup()
        return self._app._make_server(**self._kwargs)  # type: ignore[no-any-return]

    async def _cleanup_server(self) -> None:
        await self._app.cleanup()
