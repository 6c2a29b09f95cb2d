"""Connect, pass lines and messages on, close, and say how it went."""

from __future__ import annotations

import argparse
import asyncio
import math
import signal
from collections.abc import Sequence

from ..errors import WSError
from ..websockets.asyncio.client import ClientConnection, connect
from ..websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidURI,
    ProtocolError,
    WebSocketException,
)
from ..websockets.frames import Close
from .arguments import connect_arguments, parse
from .console import Console, InputError, print_error
from .terminal import Terminal, is_terminal

OK, CLOSED, USAGE, NO_CONNECTION, INTERRUPTED = 0, 1, 2, 3, 130
QUIET = 1.0  # seconds without a message after which a pipe is closed

HELP = """\
a line is sent as a message, and what comes is shown after "<"
/ping [TEXT]            ping, and show how long the pong takes
/hex BYTES              send a binary message: /hex 00ff
/close [CODE [REASON]]  close with this code (1000) and reason
//...                   send a line that begins with one /
Ctrl-D, Ctrl-C          close with 1000; a second Ctrl-C does not wait for the server"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    :param argv: its arguments, by default those of the process.
    :return: the exit status.
    """
    arguments = parse(argv)
    try:
        return asyncio.run(talk(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED


async def talk(arguments: argparse.Namespace) -> int:
    try:
        connection = await connect(arguments.uri, **connect_arguments(arguments))
    except (OSError, asyncio.TimeoutError, WebSocketException, WSError) as exc:
        print_error(str(exc) or type(exc).__name__)
        own = isinstance(exc, InvalidURI) and exc.uri == arguments.uri
        return USAGE if own else NO_CONNECTION
    except ValueError as exc:  # an argument that connect() refuses
        print_error(str(exc))
        return USAGE
    console = Terminal(arguments.history) if is_terminal() else Console()
    try:
        return await Conversation(connection, console, arguments).run()
    finally:
        console.finish()


class Conversation:
    """One connection and one console, from the first line to the closing handshake."""

    def __init__(
        self, connection: ClientConnection, console: Console, arguments: argparse.Namespace
    ) -> None:
        self.connection = connection
        self.console = console
        self.uri: str = arguments.uri
        self.binary: bool = arguments.binary
        self.wait: float = arguments.wait
        if arguments.wait is None:
            self.wait = 0 if console.interactive else QUIET
        # With what it is closed.
        self._close = (1000, "")
        self._bad_input = False
        self._stopped = asyncio.Event()
        self._news = asyncio.Event()
        self._pings: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Talk until either end has enough, and close.

        :return: the exit status.
        """
        self.console.on_deaf = self._stopped.set
        self._catch_signals()
        agreed = self.connection.subprotocol
        self.console.note(
            f"connected to {self.uri}{f', subprotocol {agreed}' if agreed else ''};"
            " /help lists the commands"
        )
        self.console.start()
        receiving = asyncio.create_task(self._receive())
        sending = asyncio.create_task(self._send())
        stopping = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({receiving, sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and sending.result():
                await self._wait_until_quiet(receiving, stopping)
        finally:
            sending.cancel()
            stopping.cancel()
        await self.connection.close(*self._close)
        # What came before the peer's close frame is shown too.
        await receiving
        return self._report()

    # ---------------------------------------------------------------------------- messages

    async def _receive(self) -> None:
        try:
            async for message in self.connection:
                self._news.set()
                self.console.message(message)
        except ConnectionClosedError:
            pass

    async def _send(self) -> bool:
        """Send what is typed, and return whether answers are to be waited for."""
        try:
            while (line := await self.console.next_line()) is not None:
                try:
                    if self.console.interactive and line.startswith("/"):
                        if not await self._obey(line):
                            return False
                    else:
                        await self._send_line(line)
                except ValueError as exc:
                    if not self.console.interactive:
                        raise InputError(str(exc)) from exc
                    self.console.error(str(exc))
        except InputError as exc:
            self.console.error(str(exc))
            self._bad_input = True
            return False
        except ConnectionClosed:
            return False
        return True

    async def _send_line(self, line: str) -> None:
        await self.connection.send(from_hex(line) if self.binary else line)

    async def _wait_until_quiet(
        self, receiving: asyncio.Task[None], stopping: asyncio.Task[bool]
    ) -> None:
        timeout = None if self.wait == math.inf else self.wait
        while timeout != 0:
            self._news.clear()
            news = asyncio.create_task(self._news.wait())
            done, _ = await asyncio.wait(
                {receiving, stopping, news},
                timeout=timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
            news.cancel()
            if done != {news}:
                return

    # ---------------------------------------------------------------------------- commands

    async def _obey(self, line: str) -> bool:
        """Do what a line that begins with / says; return whether to go on.

        :raises ValueError: that is not possible.
        """
        command, _, rest = line.partition(" ")
        if line.startswith("//"):
            await self._send_line(line[1:])
        elif command == "/ping":
            await self._ping(rest)
        elif command == "/hex":
            await self.connection.send(from_hex(rest))
        elif command == "/close":
            self._close = close_of(rest)
            return False
        elif command == "/help":
            self.console.note(HELP)
        else:
            raise ValueError(f"no command {command}; /help lists them, /{line} sends the line")
        return True

    async def _ping(self, text: str) -> None:
        payload = text.encode() or None
        if len(text.encode()) > 125:  # RFC 6455 5.5
            raise ValueError(f"a ping of {len(text.encode())} bytes exceeds the limit of 125")
        pong = await self.connection.ping(payload)

        async def wait() -> None:
            try:
                self.console.note(f"pong after {await pong * 1000:.1f} ms")
            except ConnectionClosed:
                pass

        task = asyncio.create_task(wait())
        self._pings.add(task)
        task.add_done_callback(self._pings.discard)

    # ------------------------------------------------------------------------------ ending

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self._stop)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._stop))

    def _stop(self) -> None:
        if self._stopped.is_set():
            self.connection.transport.abort()
        self._stopped.set()

    def _report(self) -> int:
        """Say how the connection was closed, and return the exit status."""
        closed = self.connection.close_exc
        if isinstance(closed, ConnectionClosedOK):
            self.console.note(f"closed with {closed.rcvd}")
            return USAGE if self._bad_input else OK
        agreed = closed.rcvd is not None and closed.rcvd == closed.sent
        self.console.error(f"closed with {closed.rcvd}" if agreed else f"connection lost: {closed}")
        return USAGE if self._bad_input else CLOSED


def from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise ValueError(f"{shown!r} is not hexadecimal, such as 00ff or 00 ff") from None


def close_of(text: str) -> tuple[int, str]:
    """The code and the reason after ``/close``.

    :raises ValueError: no close frame can have them.
    """
    code, _, reason = text.strip().partition(" ")
    if not code:
        return 1000, ""
    try:
        close = Close(int(code), reason.strip())
        payload = close.serialize()
    except (ValueError, OverflowError, ProtocolError):
        raise ValueError(
            f"{code} is not a code to close with: 1000 to 1014 but 1004 to 1006, 3000 to 4999"
        ) from None
    if len(payload) > 125:  # RFC 6455 5.5
        raise ValueError(f"a reason of {len(payload) - 2} bytes exceeds the limit of 123")
    return close.code, close.reason
