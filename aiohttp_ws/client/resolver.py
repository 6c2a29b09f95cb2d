"""Host names to addresses."""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
from typing import Any

from .interfaces import AbstractResolver, ResolveResult

__all__ = ("AsyncResolver", "DefaultResolver", "ThreadedResolver")


def __getattr__(name: str) -> Any:
    # Optional, and imported when it is asked for: only AsyncResolver needs it.
    if name != "aiodns":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found: Any = importlib.import_module("aiodns")
    except ImportError:
        found = None
    globals()["aiodns"] = found
    return found


_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class ThreadedResolver(AbstractResolver):
    """Asks the operating system's resolver, in the event loop's thread pool.

    It sees what every program of the machine sees: ``/etc/hosts``, mDNS, search domains.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*.

        :raises OSError: when there is none (:exc:`socket.gaierror`).
        """
        loop = self._loop
        try:
            found = await loop.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
            )
        except socket.gaierror:
            # A machine with nothing but loopback has no "configured" address: ask for all.
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        addresses: list[ResolveResult] = []
        for found_family, _, proto, _, address in found:
            address_host, address_port = address[0], address[1]
            if found_family == socket.AF_INET6:
                if len(address) < 3:
                    continue  # this Python was built without IPv6
                if address[3]:
                    # A link-local address is useless without its scope: fe80::1%eth0.
                    address_host, _ = await loop.getnameinfo(
                        address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
                    )
            addresses.append(
                ResolveResult(
                    hostname=host,
                    host=str(address_host),
                    port=int(address_port),
                    family=found_family,
                    proto=proto,
                    flags=_NUMERIC,
                )
            )
        return addresses

    async def close(self) -> None:
        """Nothing to release."""


class AsyncResolver(AbstractResolver):
    """Asks name servers directly, through ``aiodns``, which has to be installed.

    The arguments are those of ``aiodns.DNSResolver``.

    :raises RuntimeError: when ``aiodns`` is not installed.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop | None = None, *args: Any, **kwargs: Any
    ) -> None:
        aiodns = sys.modules[__name__].aiodns
        if aiodns is None:
            raise RuntimeError(
                "AsyncResolver needs aiodns: pip install aiodns, or use ThreadedResolver"
            )
        self._loop = loop or asyncio.get_running_loop()
        self._resolver: Any = aiodns.DNSResolver(*args, loop=self._loop, **kwargs)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*.

        :raises OSError: when there is none.
        """
        if self._resolver is None:
            raise OSError(None, "the resolver is closed")
        try:
            found = await self._resolver.getaddrinfo(
                host,
                port=port,
                type=socket.SOCK_STREAM,
                family=family,
                flags=socket.AI_ADDRCONFIG,
            )
        except sys.modules[__name__].aiodns.error.DNSError as exc:
            raise OSError(None, exc.args[1] if len(exc.args) > 1 else str(exc)) from exc
        addresses: list[ResolveResult] = []
        for node in found.nodes:
            address = node.addr
            text = address[0].decode() if isinstance(address[0], bytes) else str(address[0])
            if node.family == socket.AF_INET6 and len(address) > 3 and address[3]:
                text = f"{text}%{socket.if_indextoname(address[3])}"
            addresses.append(
                ResolveResult(
                    hostname=host,
                    host=text,
                    port=int(address[1]),
                    family=node.family,
                    proto=0,
                    flags=_NUMERIC,
                )
            )
        if not addresses:
            raise OSError(None, f"DNS has no address of {host}")
        return addresses

    async def close(self) -> None:
        """Cancel the queries under way; further calls do nothing."""
        resolver, self._resolver = self._resolver, None
        if resolver is not None:
            resolver.cancel()


# It resolves names as the rest of the machine does; AsyncResolver has to be asked for.
DefaultResolver = ThreadedResolver
