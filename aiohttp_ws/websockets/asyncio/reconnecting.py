"""When and where ``async for connection in connect(...)`` connects again."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Generator
from typing import Any

from ...net.proxies import environment_proxy
from ...wire.url import WSParsedURL
from ..exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

__all__ = ("backoff", "process_exception")

# Replaced by tests, which wait for nothing and know what is drawn.
sleep = asyncio.sleep
draw = random.random

RETRIED_STATUSES = frozenset({500, 502, 503, 504})
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
# Seconds, as the IANA registry has it for 1012: "a randomized delay between 5 - 30s".
RESTART_LEAST, RESTART_MOST = 5.0, 30.0


def number(name: str, default: float) -> float:
    return float(os.environ.get(name, default))


def backoff() -> Generator[float, None, None]:
    """Seconds to wait before attempts: random within 5 s first, then 3.1 s times 1.618 a time.

    They grow up to 90 s. The environment variables ``WEBSOCKETS_BACKOFF_INITIAL_DELAY``,
    ``WEBSOCKETS_BACKOFF_MIN_DELAY``, ``WEBSOCKETS_BACKOFF_MAX_DELAY`` and
    ``WEBSOCKETS_BACKOFF_FACTOR`` change these numbers.
    """
    # Clients that one server has lost must not come back all at once.
    yield draw() * number("WEBSOCKETS_BACKOFF_INITIAL_DELAY", 5)
    longest = number("WEBSOCKETS_BACKOFF_MAX_DELAY", 90)
    factor = number("WEBSOCKETS_BACKOFF_FACTOR", 1.618)
    delay = number("WEBSOCKETS_BACKOFF_MIN_DELAY", 3.1)
    while delay < longest:
        yield delay
        delay *= factor
    while True:
        yield longest


def process_exception(exc: Exception) -> Exception | None:
    """Say whether *exc*, which an attempt to connect raised, is worth another attempt.

    Network errors are (:exc:`OSError`, :exc:`TimeoutError`, a server that closes before it has
    answered), and so are answers with status 500, 502, 503 and 504.

    :return: ``None`` to try again, else the exception to raise.
    """
    if isinstance(exc, (OSError, asyncio.TimeoutError)):
        return None
    if isinstance(exc, InvalidMessage) and isinstance(exc.__cause__, EOFError):
        return None
    if isinstance(exc, InvalidStatus) and exc.response.status_code in RETRIED_STATUSES:
        return None
    return exc


def told_code(error: ConnectionClosed) -> int | None:
    """The code that the server closed a connection with, if it did."""
    return None if error.rcvd is None else int(error.rcvd.code)


def restart_delay() -> float:
    """Seconds to wait for a service that restarts (close code 1012)."""
    return RESTART_LEAST + draw() * (RESTART_MOST - RESTART_LEAST)


async def addresses(host: str, port: int, family: int = 0) -> list[Any]:
    """The addresses of *host*, the preferred first."""
    infos = await asyncio.get_running_loop().getaddrinfo(
        host, port, family=family, type=socket.SOCK_STREAM
    )
    return [info[4] for info in infos]


def system_proxy(url: WSParsedURL) -> str | None:
    """The proxy for *url* by the environment, or by the system on Windows and macOS.

    Of the variables ``wss_proxy``, ``socks_proxy`` and ``https_proxy`` the first that is set is
    used, for ``ws`` instead ``ws_proxy``, ``socks_proxy``, ``https_proxy`` and ``http_proxy``;
    ``no_proxy`` names hosts to go to directly.
    """
    schemes = ("wss", "socks", "https") if url.is_secure else ("ws", "socks", "https", "http")
    return environment_proxy(url.host, url.port, schemes)
