"""What is wanted of a request and its response on one connection, and for how long."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from .timeouts import DEFAULT_TIMEOUT, ClientTimeout

__all__ = ("DEFAULT_LIMITS", "DEFAULT_PLAN", "Limits", "Plan")

#: ``max_line_size``, ``max_field_size`` and ``max_headers``.
Limits = tuple[int, int, int]
DEFAULT_LIMITS: Limits = (8190, 8190, 128)
DEFAULT_BUFSIZE = 256 * 1024


class Plan(NamedTuple):
    """How the exchanges of one call are made; most calls of a session share one."""

    timeout: ClientTimeout = DEFAULT_TIMEOUT
    read_bufsize: int = DEFAULT_BUFSIZE
    auto_decompress: bool = True
    read_until_eof: bool = True
    limits: Limits = DEFAULT_LIMITS


DEFAULT_PLAN = Plan()


class BodySender(Protocol):
    """What sends a request's body by a task of its own."""

    @property
    def is_sent(self) -> bool:
        """Whether the transport has all of it."""

    @property
    def waits_for_continue(self) -> bool:
        """Whether it waits for ``100 Continue``."""

    def on_continue(self) -> None:
        """Wait for it no longer."""
