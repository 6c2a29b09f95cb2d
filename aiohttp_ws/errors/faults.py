"""What a peer can do wrong on an open connection, as data.

The frame codec, the inflater and the engine report a :class:`ProtocolFault`; its kind and its
numbers say what happened. The sentence for people is made here from both, with the name of the
limit that the API in use gives it.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from .websocket import WebSocketError

__all__ = ("Failure", "FaultKind", "ProtocolFault")


class FaultKind(enum.Enum):
    """The kinds of faults: each has its close code (RFC 6455 7.4.1) and its sentence."""

    OPCODE = 1002, "reserved opcode {size:#x}"
    RESERVED_BITS = 1002, "reserved bits {size:03b} without an extension"
    RSV1 = 1002, "RSV1 on a frame that does not begin a data message"
    MASKED = 1002, "masked frame from a server"
    UNMASKED = 1002, "unmasked frame from a client"
    LENGTH_ENCODING = 1002, "length {size} encoded in {limit} bits; fewer are enough"
    LENGTH_SIGN = 1002, "frame length with its most significant bit set"
    FRAGMENTED_CONTROL = 1002, "fragmented control frame"
    LONG_CONTROL = 1002, "control frame of more than 125 bytes"
    HALF_CLOSE_CODE = 1002, "close frame with half a close code"
    CLOSE_CODE = 1002, "close frame with the code {size}, which is never sent"
    NO_MESSAGE = 1002, "continuation frame outside a message"
    IN_MESSAGE = 1002, "data frame before the message in progress has ended"
    DEFLATE = 1002, "compressed message is not valid DEFLATE: {detail}"
    DEFLATE_BLOCKS = 1002, "compressed fragment has more than {limit} final blocks"
    TEXT = 1007, "text message that is not UTF-8"
    TEXT_END = 1007, "text message ends inside a UTF-8 sequence"
    REASON = 1007, "close frame with a reason that is not UTF-8"
    FRAME_SIZE = 1009, "frame of {size} bytes exceeds {name}={limit}; raise {name} to accept it"
    FRAGMENT_SIZE = (
        1009,
        "fragment inflates beyond {name}={limit} for fragments; raise {name} to accept it",
    )
    MESSAGE_SIZE = (
        1009,
        "message of at least {size} bytes exceeds {name}={limit}; raise {name} to accept it",
    )
    INFLATED_SIZE = (
        1009,
        "compressed message inflates beyond {name}={limit}; raise {name} to accept it",
    )
    INTERNAL = 1011, "internal error"

    @property
    def code(self) -> int:
        """The close code that the connection ends with."""
        return self.value[0]

    @property
    def sentence(self) -> str:
        """What people read, with the numbers still to be filled in."""
        return self.value[1]


class ProtocolFault(WebSocketError):
    """The peer broke RFC 6455, RFC 7692 or a limit: the connection ends with :attr:`code`.

    :param kind: what happened.
    :param size: the number that was wrong: bytes, an opcode, bits or a close code, as *kind* has
        it; ``None`` where there is none.
    :param limit: the limit that it exceeds.
    :param detail: what a library said of it.
    """

    #: What users call the limit, where the API has another name for it than the frame codec.
    limit_name: str | None = None

    def __init__(
        self,
        kind: FaultKind,
        size: int | None = None,
        limit: int | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(kind.code, "")
        self.kind = kind
        self.size = size
        self.limit = limit
        self.detail = detail

    @property
    def reason(self) -> str:
        """What is wrong, naming the value, the limit and the remedy."""
        named = "max_frame_size" if self.kind is FaultKind.FRAME_SIZE else "max_msg_size"
        return self.kind.sentence.format(
            size=self.size, limit=self.limit, detail=self.detail, name=self.limit_name or named
        )

    def __str__(self) -> str:
        return self.reason

    def __repr__(self) -> str:
        return f"ProtocolFault({self.kind.name}, size={self.size}, limit={self.limit})"


class Failure(NamedTuple):
    """A fault of this end: what our close frame says of it."""

    code: int
    reason: str
