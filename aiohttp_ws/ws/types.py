"""What a WebSocket connection carries: message types, close codes, messages."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, NamedTuple

__all__ = ("WSAutoPingStrategy", "WSCloseCode", "WSMessage", "WSMsgType")


class WSCloseCode(IntEnum):
    """Why a connection was closed (RFC 6455 7.4.1 and the IANA registry behind it).

    Codes 3000 to 3999 are registered by libraries and 4000 to 4999 are an application's
    own: pass them as plain integers.
    """

    #: A close frame without a code. Never sent; frame listeners get and give it for none.
    NO_INFO = 0
    #: The connection has done what it was opened for.
    OK = 1000
    #: An end is leaving: a server shuts down, a browser moves to another page.
    GOING_AWAY = 1001
    #: The peer broke the WebSocket protocol.
    PROTOCOL_ERROR = 1002
    #: The peer sent a type of data that this end cannot take, such as binary for text.
    UNSUPPORTED_DATA = 1003
    #: The connection ended with no close frame. Never sent; seen as ``close_code`` only.
    ABNORMAL_CLOSURE = 1006
    #: The payload contradicts its type: text that is not UTF-8, say.
    INVALID_TEXT = 1007
    #: A message breaks a policy, where no other code fits or details are not to be told.
    POLICY_VIOLATION = 1008
    #: A message exceeds what this end accepts.
    MESSAGE_TOO_BIG = 1009
    #: The client needs an extension that the server did not agree to. Clients only.
    MANDATORY_EXTENSION = 1010
    #: The server met a condition that it did not expect.
    INTERNAL_ERROR = 1011
    #: The service restarts; reconnect after a random 5 to 30 seconds.
    SERVICE_RESTART = 1012
    #: The service is overloaded; go to another address, or come back when the user asks.
    TRY_AGAIN_LATER = 1013
    #: A gateway got an invalid answer from the server behind it (as HTTP 502).
    BAD_GATEWAY = 1014

    # As IntEnum has it from Python 3.11 on: logs want the number.
    __str__ = int.__repr__

    @classmethod
    def _missing_(cls, value: object) -> WSCloseCode | None:
        """Give a code of a library's or an application's own a ``value``, and no ``name``."""
        if not isinstance(value, int) or not 3000 <= value <= 4999:
            return None
        code = int.__new__(cls, value)
        code._name_ = None  # type: ignore[assignment]
        code._value_ = value
        return code


class WSMsgType(IntEnum):
    """The type of a frame or message.

    The first six are opcodes of RFC 6455 5.2. The others never travel: they tell the
    reader of a connection what became of it.
    """

    #: A further fragment of a message. Seen at the frame level only.
    CONTINUATION = 0x0
    #: Text; ``data`` is :class:`str`.
    TEXT = 0x1
    #: Binary; ``data`` is :class:`bytes`.
    BINARY = 0x2
    #: The peer asks for a pong; ``data`` is :class:`bytes`.
    PING = 0x9
    #: The answer to a ping; ``data`` is :class:`bytes`.
    PONG = 0xA
    #: The peer closes; ``data`` is the close code, ``extra`` the reason.
    CLOSE = 0x8

    #: This end is closing the connection from another task.
    CLOSING = 0x100
    #: The connection is closed.
    CLOSED = 0x101
    #: The connection failed; ``data`` is the exception.
    ERROR = 0x102

    # Lower-case names of aiohttp's first releases.
    text = TEXT
    binary = BINARY
    ping = PING
    pong = PONG
    close = CLOSE
    closing = CLOSING
    closed = CLOSED
    error = ERROR


class WSAutoPingStrategy(IntEnum):
    """When a frame-level connection pings by itself (``enable_auto_ping``)."""

    #: After ``auto_ping_idle_timeout`` seconds in which nothing came.
    PING_WHEN_IDLE = 1
    #: Every ``auto_ping_idle_timeout`` seconds, whatever comes.
    PING_PERIODICALLY = 2


class WSMessage(NamedTuple):
    """A message as ``receive()`` returns it.

    ``data`` is :class:`str` for text, :class:`bytes` for binary, ping and pong, the close
    code for :attr:`WSMsgType.CLOSE`, the exception for :attr:`WSMsgType.ERROR`, and
    ``None`` for the others. ``extra`` is the reason of a close message.
    """

    type: WSMsgType
    data: Any
    extra: str | None

    def json(self, *, loads: Callable[[Any], Any] = json.loads) -> Any:
        """Return ``data`` decoded by *loads*, by default :func:`json.loads`."""
        return loads(self.data)

    @property
    def tp(self) -> WSMsgType:
        """Deprecated name of :attr:`type`."""
        warnings.warn("WSMessage.tp is deprecated; use .type", DeprecationWarning, stacklevel=2)
        return self.type


WS_CLOSED_MESSAGE: Final = WSMessage(WSMsgType.CLOSED, None, None)
WS_CLOSING_MESSAGE: Final = WSMessage(WSMsgType.CLOSING, None, None)
