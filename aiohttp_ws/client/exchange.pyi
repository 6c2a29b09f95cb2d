"""A request and its response on one connection."""

from collections.abc import Mapping

from .connection import Connection
from .plan import BodySender, Plan

class Exchange:
    """A request on its connection, waiting for its response.

    :param deadline: the loop's time at which the call's ``total`` is over.
    :param headers: the request's.
    :param upload: what sends the body, or ``None``.
    :param sends_body: whether there is a body, which an upload sends or which left at once.
    """

    method: str
    connection: Connection
    plan: Plan
    deadline: float
    headers: Mapping[str, str] | None
    upload: BodySender | None
    sends_body: bool
    sock_read: float | None

    def __init__(
        self,
        method: str,
        connection: Connection,
        plan: Plan = ...,
        deadline: float = ...,
        headers: Mapping[str, str] | None = None,
        upload: BodySender | None = None,
        sends_body: bool = False,
    ) -> None: ...
