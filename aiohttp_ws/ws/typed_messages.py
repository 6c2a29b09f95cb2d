"""Messages as objects: what ``receive_message()`` gives, and what every send takes."""

from __future__ import annotations

from ..argument_types import Byteish

__all__ = ("IncomingMessage", "Message", "OutgoingMessage", "Ping")


class Message:
    """The base of messages as objects."""

    __slots__ = ()


class IncomingMessage(Message):
    """A message that was received.

    :param payload: its bytes; those of a text are UTF-8.
    :param is_binary: whether it is binary, not text.
    :raises TypeError: *payload* is no ``bytes``.
    """

    __slots__ = ("is_binary", "payload")

    def __init__(self, payload: bytes, is_binary: bool = False) -> None:
        if not isinstance(payload, bytes):
            raise TypeError(f"payload must be bytes, not {type(payload).__name__}")
        self.payload = payload
        self.is_binary = is_binary

    def __repr__(self) -> str:
        return f"IncomingMessage({self.payload!r}, is_binary={self.is_binary})"


class OutgoingMessage(Message):
    """A message to send, and how.

    :param payload: bytes-like, or ``str`` for a text. The bytes of a text are UTF-8: others
        are refused when it is sent.
    :param is_binary: send it as binary, not as text.
    :param skip_compress: send it as it is where permessage-deflate was negotiated: for what
        would not get smaller, and for secrets beside what an attacker chooses.
    :raises TypeError: *payload* is neither, or a ``str`` and *is_binary*.
    """

    __slots__ = ("is_binary", "payload", "skip_compress")

    def __init__(
        self, payload: str | Byteish, is_binary: bool = False, skip_compress: bool = False
    ) -> None:
        if not isinstance(payload, (bytes, str, bytearray, memoryview)):
            raise TypeError(f"payload must be str or bytes-like, not {type(payload).__name__}")
        if is_binary and isinstance(payload, str):
            raise TypeError("a binary message has a bytes-like payload, not a str; encode it")
        self.payload = payload
        self.is_binary = is_binary
        self.skip_compress = skip_compress

    def __repr__(self) -> str:
        return (
            f"OutgoingMessage({self.payload!r}, is_binary={self.is_binary},"
            f" skip_compress={self.skip_compress})"
        )


class Ping:
    """A ping to send, with ``send_message()``.

    :param payload: at most 125 bytes, or ``None`` for none.
    :raises TypeError: *payload* is no ``bytes``.
    :raises ValueError: it is longer (RFC 6455 5.5).
    """

    __slots__ = ("payload",)

    def __init__(self, payload: bytes | None = None) -> None:
        if payload is not None and not isinstance(payload, bytes):
            raise TypeError(f"payload must be bytes or None, not {type(payload).__name__}")
        if payload is not None and len(payload) > 125:
            raise ValueError(
                f"ping payload of {len(payload)} bytes exceeds 125 (RFC 6455 5.5); send a message"
            )
        self.payload = payload

    def __repr__(self) -> str:
        return f"Ping({self.payload!r})"


def data_of(message: OutgoingMessage) -> str | Byteish:
    """What is sent for *message*: ``str`` for a text message, bytes-like for a binary one.

    :raises UnicodeDecodeError: the bytes of a text are not UTF-8.
    """
    payload = message.payload
    if message.is_binary or isinstance(payload, str):
        return payload
    return str(payload, "utf-8")
