"""``run_app()``: a program that serves one application until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from ..argument_types import PathLike
from .access_log import AccessLogger, access_logger
from .application import Application
from .runner import AppRunner, GracefulExit
from .sites import BaseSite, SockSite, TCPSite, UnixSite

if TYPE_CHECKING:
    from ssl import SSLContext

    from .interfaces import AbstractAccessLogger

__all__ = ("run_app",)


def run_app(
    app: Application | Awaitable[Application],
    *,
    host: str | Iterable[str] | None = None,
    port: int | None = None,
    path: PathLike | Iterable[PathLike] | None = None,
    sock: socket.socket | Iterable[socket.socket] | None = None,
    shutdown_timeout: float = 60.0,
    keepalive_timeout: float = 75.0,
    ssl_context: SSLContext | None = None,
    print: Callable[..., None] | None = print,
    backlog: int = 128,
    access_log_class: type[AbstractAccessLogger] = AccessLogger,
    access_log_format: str = AccessLogger.LOG_FORMAT,
    access_log: logging.Logger | None = access_logger,
    handle_signals: bool = True,
    reuse_address: bool | None = None,
    reuse_port: bool | None = None,
    handler_cancellation: bool = False,
    loop: asyncio.AbstractEventLoop | None = None,
    use_aiofastnet: bool | None = None,
    **kwargs: Any,
) -> None:
    """Serve *app* until SIGINT or SIGTERM, then stop in order; see ``AppRunner.cleanup()``.

    :param app: the application, or a coroutine that makes it inside the event loop.
    :param host: where to listen; several may be given. All interfaces by default, unless
        *path* or *sock* is given and *port* is not.
    :param port: 8080 by default, 8443 with TLS; 0 for any free port.
    :param path: UNIX sockets to listen on, one or several.
    :param sock: bound sockets to listen on, one or several.
    :param shutdown_timeout: seconds that running handlers get to finish.
    :param keepalive_timeout: seconds that an idle connection is kept.
    :param ssl_context: serve TLS with it.
    :param print: called with the addresses once all sites listen; ``None`` to say nothing.
    :param backlog: connections that may wait to be accepted.
    :param access_log: the logger of the access log; ``None`` for none.
    :param handle_signals: stop on SIGINT and SIGTERM.
    :param reuse_address: bind an address that lately closed connections still hold.
    :param reuse_port: let several processes share the port.
    :param handler_cancellation: cancel a handler whose client has disconnected.
    :param loop: the event loop to run on, closed at the end. By default a new one: of
        ``uvloop`` when that is installed, else of asyncio.
    :param use_aiofastnet: whose transports; see :class:`BaseSite`.
    :param kwargs: further arguments for :class:`AppRunner` and :class:`Server`.
    """
    if loop is None:
        loop = _new_event_loop()
    if loop.get_debug():
        _show_access_log(access_log)
    main = loop.create_task(
        _serve(
            app,
            sites=_Sites(
                host,
                port,
                path,
                sock,
                {
                    "ssl_context": ssl_context,
                    "backlog": backlog,
                    "use_aiofastnet": use_aiofastnet,
                },
                {"reuse_address": reuse_address, "reuse_port": reuse_port},
            ),
            say=print,
            shutdown_timeout=shutdown_timeout,
            keepalive_timeout=keepalive_timeout,
            access_log_class=access_log_class,
            access_log_format=access_log_format,
            access_log=access_log,
            handle_signals=handle_signals,
            handler_cancellation=handler_cancellation,
            **kwargs,
        )
    )
    try:
        asyncio.set_event_loop(loop)
        with contextlib.suppress(GracefulExit, KeyboardInterrupt):
            loop.run_until_complete(main)
    finally:
        try:
            if not main.done():
                main.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    loop.run_until_complete(main)
        finally:
            _cancel_all_tasks(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
            asyncio.set_event_loop(None)


class _Sites:
    """Where to listen: the arguments of ``run_app()`` as sites."""

    def __init__(
        self,
        host: str | Iterable[str] | None,
        port: int | None,
        path: PathLike | Iterable[PathLike] | None,
        sock: socket.socket | Iterable[socket.socket] | None,
        shared: dict[str, Any],
        reuse: dict[str, Any],
    ) -> None:
        self.hosts: list[str | None] = []
        if isinstance(host, str):
            self.hosts = [host]
        elif host is not None:
            self.hosts = list(host)
        elif port is not None or (path is None and sock is None):
            self.hosts = [None]
        self.port = port
        self.paths = _listed(path, (str, os.PathLike))
        self.socks = _listed(sock, (socket.socket,))
        self.shared = shared
        self.reuse = reuse

    def make(self, runner: AppRunner) -> list[BaseSite]:
        tcp = [TCPSite(runner, host, self.port, **self.shared, **self.reuse) for host in self.hosts]
        unix = [UnixSite(runner, path, **self.shared) for path in self.paths]
        given = [SockSite(runner, sock, **self.shared) for sock in self.socks]
        return [*tcp, *unix, *given]


def _listed(value: Any, single: tuple[type, ...]) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, single) else list(value)


async def _serve(
    app: Application | Awaitable[Application],
    *,
    sites: _Sites,
    say: Callable[..., None] | None,
    **options: Any,
) -> None:
    if not isinstance(app, Application):
        app = await app
    runner = AppRunner(app, **options)
    try:
        await runner.setup()
        for site in sites.make(runner):
            await site.start()
        if say is not None:
            names = ", ".join(sorted(site.name for site in runner.sites))
            say(f"======== Running on {names} ========\n(Press CTRL+C to quit)")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    if not _policy_was_replaced():
        try:
            import uvloop
        except ImportError:
            pass
        else:
            return cast(asyncio.AbstractEventLoop, uvloop.new_event_loop())
    return asyncio.new_event_loop()


def _policy_was_replaced() -> bool:
    """Whether the program chose its event loops itself, before Python 3.14 ended policies."""
    if sys.version_info >= (3, 14):
        return False
    return type(asyncio.get_event_loop_policy()) is not asyncio.DefaultEventLoopPolicy


def _show_access_log(access_log: logging.Logger | None) -> None:
    """In debug mode let the access log be seen without configuration."""
    if access_log is not None and access_log.name == access_logger.name:
        if access_log.level == logging.NOTSET:
            access_log.setLevel(logging.DEBUG)
        if not access_log.hasHandlers():
            access_log.addHandler(logging.StreamHandler())


def _cancel_all_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what the application left running, and report what fails meanwhile."""
    left = asyncio.all_tasks(loop)
    if not left:
        return
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    for task in left:
        if not task.cancelled() and task.exception() is not None:
            loop.call_exception_handler(
                {
                    "message": "unhandled exception during run_app() shutdown",
                    "exception": task.exception(),
                    "task": task,
                }
            )
