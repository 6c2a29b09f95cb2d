"""Workers of gunicorn for applications of :mod:`aiohttp_ws.web`.

``gunicorn -k aiohttp_ws.GunicornWebWorker module:app`` serves an application, or what a coroutine
function of that name returns. It needs the package gunicorn.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import re
import signal
import sys
from ssl import SSLContext
from types import FrameType
from typing import Any, ClassVar, Final

from gunicorn.config import AccessLogFormat  # type: ignore[import-untyped]
from gunicorn.sock import ssl_context as make_ssl_context  # type: ignore[import-untyped]
from gunicorn.workers.base import Worker  # type: ignore[import-untyped]

from .web import AccessLogger, Application, AppRunner, SockSite

__all__ = ("GunicornUVLoopWebWorker", "GunicornWebWorker")

#: Of gunicorn's graceful_timeout, after which it kills a worker: the clean-up takes the rest.
_FOR_HANDLERS: Final = 0.95
#: Seconds between two signs of life; gunicorn's timeout is never shorter.
_SIGN_OF_LIFE: Final = 1.0


class GunicornWebWorker(Worker):  # type: ignore[misc]
    """Serves an application on the event loop of asyncio.

    gunicorn's settings hold: ``bind``, ``workers``, TLS, ``max_requests``, ``graceful_timeout``
    (running handlers are cancelled when most of it is over), the access log. The format of that is
    the one of :class:`~aiohttp_ws.web.AccessLogger`.
    """

    #: The format of the access log where gunicorn's was not changed.
    DEFAULT_AIOHTTP_LOG_FORMAT: ClassVar[str] = AccessLogger.LOG_FORMAT
    DEFAULT_GUNICORN_LOG_FORMAT: ClassVar[str] = AccessLogFormat.default

    loop: asyncio.AbstractEventLoop

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.exit_code = 0
        self._notify_waiter: asyncio.Future[bool] | None = None

    # ------------------------------------------------------------- called by gunicorn

    def init_process(self) -> None:
        """Make an event loop, in the process that gunicorn has forked."""
        self.loop = self._new_event_loop()
        asyncio.set_event_loop(self.loop)
        super().init_process()

    def run(self) -> None:
        """Serve until gunicorn, or its end, says stop.

        :raises SystemExit: at the end.
        """
        # gunicorn starts a worker again that had booted, and gives up where none did.
        self.booted = False
        main = self.loop.create_task(self._run())
        try:
            try:
                self.loop.run_until_complete(main)
            except SystemExit:
                main.cancel()
                self.loop.run_until_complete(asyncio.wait([main]))
                raise
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()
        sys.exit(self.exit_code)

    def init_signals(self) -> None:
        """Let signals wake the event loop instead of interrupting it."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        for number, handle in (
            (signal.SIGQUIT, self.handle_quit),
            (signal.SIGTERM, self.handle_exit),
            (signal.SIGINT, self.handle_quit),
            (signal.SIGWINCH, self.handle_winch),
            (signal.SIGUSR1, self.handle_usr1),
            (signal.SIGABRT, self.handle_abort),
        ):
            self.loop.add_signal_handler(number, handle, number, None)
        # Neither is to interrupt a system call of a handler.
        signal.siginterrupt(signal.SIGTERM, False)
        signal.siginterrupt(signal.SIGUSR1, False)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: answer what has come, then end."""
        self.alive = False
        self._notify_waiter_done()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """SIGINT, SIGQUIT: likewise, after gunicorn's ``worker_int``."""
        self.alive = False
        self.cfg.worker_int(self)
        self._notify_waiter_done()

    def handle_abort(self, sig: int, frame: FrameType | None) -> None:
        """SIGABRT: gunicorn has seen no sign of life; end at once."""
        self.alive = False
        self.exit_code = 1
        self.cfg.worker_abort(self)
        sys.exit(1)

    # ------------------------------------------------------------------- the service

    def _new_event_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    async def _run(self) -> None:
        runner = await self._make_runner()
        try:
            await runner.setup()
            context: SSLContext | None = make_ssl_context(self.cfg) if self.cfg.is_ssl else None
            for sock in self.sockets:
                listening = getattr(sock, "sock", sock)
                await SockSite(runner, listening, ssl_context=context).start()
            self.booted = True
            await self._live(runner)
        finally:
            await runner.cleanup()

    async def _make_runner(self) -> AppRunner:
        app: Any = self.wsgi
        if inspect.iscoroutinefunction(app):
            app = await app()
        if isinstance(app, AppRunner):
            return app
        if not isinstance(app, Application):
            raise RuntimeError(
                f"wsgi app should be a web.Application, or a coroutine function that returns one or"
                f" an AppRunner, not {app!r}"
            )
        access_log: logging.Logger | None = self.log.access_log if self.cfg.accesslog else None
        return AppRunner(
            app,
            logger=self.log,
            keepalive_timeout=self.cfg.keepalive,
            access_log=access_log,
            access_log_format=self._get_valid_log_format(self.cfg.access_log_format),
            shutdown_timeout=self.cfg.graceful_timeout * _FOR_HANDLERS,
        )

    async def _live(self, runner: AppRunner) -> None:
        """Show signs of life until it is time to end."""
        while self.alive:
            self.notify()
            if self.ppid != os.getppid():
                self.alive = False
                self.log.info("Parent changed, shutting down: %s", self)
                return
            server = runner.server
            assert server is not None
            if self.max_requests and server.requests_count > self.max_requests:
                self.alive = False
                self.log.info("Max requests, shutting down: %s", self)
                return
            await self._wait_next_notify()

    def _wait_next_notify(self) -> asyncio.Future[bool]:
        self._notify_waiter_done()
        waiter = self._notify_waiter = self.loop.create_future()
        self.loop.call_later(_SIGN_OF_LIFE, self._notify_waiter_done, waiter)
        return waiter

    def _notify_waiter_done(self, waiter: asyncio.Future[bool] | None = None) -> None:
        if waiter is None:
            waiter = self._notify_waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(True)
        if waiter is self._notify_waiter:
            self._notify_waiter = None

    def _get_valid_log_format(self, source_format: str) -> str:
        """The format of the access log.

        :raises ValueError: *source_format* is in gunicorn's own language.
        """
        if source_format == self.DEFAULT_GUNICORN_LOG_FORMAT:
            return self.DEFAULT_AIOHTTP_LOG_FORMAT
        if re.search(r"%\([^)]+\)", source_format):
            raise ValueError(
                f"access_log_format={source_format!r} has gunicorn's %(name)s atoms: write those"
                " of aiohttp_ws.web.AccessLogger, such as %a and %{User-Agent}i"
            )
        return source_format


class GunicornUVLoopWebWorker(GunicornWebWorker):
    """Serves an application on uvloop, which has to be installed."""

    def _new_event_loop(self) -> asyncio.AbstractEventLoop:
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop
