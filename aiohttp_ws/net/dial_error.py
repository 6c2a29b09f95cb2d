"""What a dialler reports when a connection fails by other means than the operating system's."""

from __future__ import annotations

import enum

from ..wire.http1 import ResponseHead

__all__ = ("DialError", "DialFault")


class DialFault(enum.Enum):
    """The kinds of :class:`DialError`."""

    #: An HTTP proxy answered ``CONNECT`` with another status than 2xx.
    PROXY_REFUSED = enum.auto()
    #: An HTTP proxy did not answer ``CONNECT`` with valid HTTP, or closed without an answer.
    PROXY_ANSWER = enum.auto()
    #: A SOCKS proxy did not connect.
    SOCKS_FAILED = enum.auto()
    #: The server sent something before it was asked.
    SPOKE_FIRST = enum.auto()


class DialError(Exception):
    """A connection was not made; each API maps :attr:`fault` to an exception class of its own.

    :param fault: a :class:`DialFault`.
    :param message: for a person to read; it names the proxy, without its login, and the server.
    :param head: the head of a proxy's answer, as far as there is one.
    :param raw_header: the head as it was received, without its blank line, or ``None``.
    :param raw_body: what came with it of its body, or ``None``.
    """

    def __init__(
        self,
        fault: DialFault,
        message: str,
        *,
        head: ResponseHead | None = None,
        raw_header: bytes | None = None,
        raw_body: bytes | None = None,
    ) -> None:
        super().__init__(fault, message)
        self.fault = fault
        self.message = message
        self.head = head
        self.raw_header = raw_header
        self.raw_body = raw_body

    def __str__(self) -> str:
        return self.message
