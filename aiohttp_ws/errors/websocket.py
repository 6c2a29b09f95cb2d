"""Messages and opening handshakes that break the WebSocket protocol (RFC 6455)."""

from __future__ import annotations

import enum

__all__ = (
    "HandshakeError",
    "HandshakeFault",
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


class HandshakeFault(enum.Enum):
    """What is wrong with an opening handshake: the kinds of :exc:`HandshakeError`.

    The value of each is its sentence.
    """

    #: The request has another method than GET.
    METHOD = "WebSocket is opened with GET, not {value}"
    #: The request has another version of HTTP than 1.1.
    HTTP_VERSION = "WebSocket needs HTTP/1.1, not HTTP/{text}"
    #: The request has a body.
    BODY = "an opening handshake has no body"
    #: The response has another status than 101.
    STATUS = "status must be 101: {text}"
    #: ``Upgrade`` or ``Connection`` does not name the protocol; ``value`` is ``None`` without one.
    NO_UPGRADE = "{header} must name {expected}: {value}"
    #: A header that the handshake needs is missing.
    MISSING = "{header} is missing"
    #: A header that may come once comes several times.
    REPEATED = "{header} comes more than once: {value}"
    #: A header does not follow its grammar, at ``position``.
    MALFORMED = "malformed {header} at character {position}: {value}"
    #: A header has another value than the one that is ``expected``.
    WRONG_VALUE = "{header} must be {expected}: {value}"
    #: The request's ``Origin`` is not among the allowed; ``value`` is ``None`` without one.
    ORIGIN_REFUSED = "Origin is not among the allowed: {value}"
    #: The server chose a subprotocol or an extension that the client had not offered.
    NOT_OFFERED = "{header}: {value} was chosen, which was not offered"
    #: The server chose the same extension several times.
    CHOSEN_TWICE = "{header}: an extension was chosen twice: {value}"
    #: An extension has a parameter twice.
    PARAMETER_REPEATED = "{header} {value}: {parameter} comes twice"
    #: An extension has a parameter that it does not know.
    PARAMETER_UNKNOWN = "{header} {value}: unknown parameter {quoted_parameter}"
    #: A parameter has a value that it cannot have.
    PARAMETER_VALUE = "{header} {value}: {parameter} must be {expected}"
    #: A parameter that was offered has to be repeated in the answer, and is not.
    PARAMETER_MISSING = "{header} {value}: the offered {parameter} is missing"
    #: A parameter is in the answer that may be there only when it was offered.
    PARAMETER_NOT_OFFERED = "{header} {value}: {parameter} was not offered"


_SHOWN = 100  # Characters of a peer's that a sentence quotes at most.


class HandshakeError(Exception):
    """An opening handshake that RFC 6455 4 says to refuse.

    :param kind: what is wrong, a :class:`HandshakeFault`; its sentence, filled in, is
        :attr:`message`.
    :param header: the name of the header that it is about, or ``None``.
    :param value: the value of that header, several lines joined with ``", "``; ``None`` when it
        is missing. Of other kinds the method, the version or the status.
    :param expected: what the value should have been, for a person to read.
    :param parameter: the name of the extension's parameter that it is about.
    :param parameter_value: its value, ``None`` without one.
    :param position: where in *value* it shows, in characters from 0.
    :param status: the HTTP status that a server refuses the request with: 400, 403, 405, 426 or
        500. Of a response that a client refuses, its status.
    :param headers: headers that the refusal carries, such as ``Sec-WebSocket-Version: 13``.

    All are kept as attributes.
    """

    def __init__(
        self,
        kind: HandshakeFault,
        header: str | None = None,
        value: str | None = None,
        *,
        expected: str | None = None,
        parameter: str | None = None,
        parameter_value: str | None = None,
        position: int | None = None,
        status: int = 400,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(kind, header, value)
        self.kind = kind
        self.header = header
        self.value = value
        self.expected = expected
        self.parameter = parameter
        self.parameter_value = parameter_value
        self.position = position
        self.status = status
        self.headers = headers or {}

    @property
    def message(self) -> str:
        """What is wrong, naming the header and its value."""
        return self.kind.value.format(
            header=self.header,
            text=self.value,
            value="missing" if self.value is None else _shown(self.value),
            expected=self.expected,
            parameter=self.parameter,
            quoted_parameter=_shown(self.parameter or ""),
            position=self.position,
        )

    def __str__(self) -> str:
        return self.message


def _shown(value: str) -> str:
    """*value* escaped, and cut when a peer made it long."""
    return repr(value) if len(value) <= _SHOWN else repr(value[:_SHOWN]) + "..."
