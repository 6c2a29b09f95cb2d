"""One request and its response on one connection: what is wanted, and for how long."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .timeouts import DEFAULT_TIMEOUT, ClientTimeout

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ("DEFAULT_LIMITS", "DEFAULT_PLAN", "Exchange", "Limits", "Plan")

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


class Exchange:
    """A request on its connection, waiting for its response.

    :param deadline: the loop's time at which the call's ``total`` is over.
    :param headers: the request's.
    :param upload: what sends the body, or ``None``.
    :param sends_body: whether there is a body, which an upload sends or which left at once.
    """

    __slots__ = (
        "connection",
        "deadline",
        "headers",
        "method",
        "plan",
        "sends_body",
        "sock_read",
        "upload",
    )

    def __init__(
        self,
        method: str,
        connection: Connection,
        plan: Plan = DEFAULT_PLAN,
        deadline: float = math.inf,
        headers: Mapping[str, str] | None = None,
        upload: BodySender | None = None,
        sends_body: bool = False,
    ) -> None:
        self.method = method
        self.connection = connection
        self.plan = plan
        self.deadline = deadline
        self.sock_read = plan.timeout.sock_read
        self.headers = headers
        self.upload = upload
        self.sends_body = sends_body

    def all_sent(self, transport: asyncio.Transport | None) -> bool:
        """Whether all of the request has left through *transport*."""
        if self.upload is not None and not self.upload.is_sent:
            return False
        return transport is None or not transport.get_write_buffer_size()
