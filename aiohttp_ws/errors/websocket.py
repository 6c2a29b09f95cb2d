"""Messages and opening handshakes that break the WebSocket protocol (RFC 6455)."""

from __future__ import annotations

__all__ = (
    "HandshakeError",
    "WSMessageTypeError",
    "WebSocketError",
)


class WebSocketError(Exception):
    """The peer broke the WebSocket protocol; the connection is closed with :attr:`code`.

    :param code: the close code, a :class:`~aiohttp_ws.WSCloseCode` (RFC 6455 7.4.1).
    :param message: what is wrong, naming the value, the limit and the remedy.
    """

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(code, message)

    def __str__(self) -> str:
        return str(self.args[1])


class WSMessageTypeError(TypeError):
    """``receive_str()``, ``receive_bytes()`` or ``receive_json()`` met another type of message."""


class HandshakeError(Exception):
    """An opening handshake that RFC 6455 4 says to refuse.

    :param status: the HTTP status a server refuses it with (400, 403, 405 or 426).
    :param message: the reason, naming the header and its value.
    :param headers: headers the refusal carries, such as ``Sec-WebSocket-Version: 13``.
    """

    def __init__(
        self, message: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        self.status = status
        self.message = message
        self.headers = headers or {}
        super().__init__(message)
