"""One request and its response on one connection: what is wanted, and for how long."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

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


class Exchange:
    """A request on its connection, waiting for its response.

    :param deadline: the loop's time at which the call's ``total`` is over.
    :param on_continue: called when the server asks for the body (``100 Continue``).
    """

    __slots__ = ("connection", "deadline", "method", "on_continue", "plan", "sock_read")

    def __init__(
        self,
        method: str,
        connection: Connection,
        plan: Plan = DEFAULT_PLAN,
        deadline: float = math.inf,
        on_continue: Callable[[], None] | None = None,
    ) -> None:
        self.method = method
        self.connection = connection
        self.plan = plan
        self.deadline = deadline
        self.sock_read = plan.timeout.sock_read
        self.on_continue = on_continue
