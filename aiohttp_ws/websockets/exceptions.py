"""What the message API raises: one family, named and related as in the websockets library.

Everything about a URI, a handshake or a connection derives from :exc:`WebSocketException`::

    WebSocketException
        ConnectionClosed
            ConnectionClosedOK
            ConnectionClosedError
        InvalidURI
        InvalidProxy
        InvalidHandshake
            SecurityError
                RequestLineTooLong, StatusLineTooLong, HeaderLineTooLong, TooManyHeaders
            ProxyError
                InvalidProxyMessage, InvalidProxyStatus
            InvalidMessage, InvalidMethod, InvalidProtocol, InvalidStatus
            InvalidHeader
                InvalidHeaderFormat, InvalidHeaderValue, InvalidOrigin, InvalidUpgrade
            NegotiationError
                DuplicateParameter, InvalidParameterName, InvalidParameterValue
        ProtocolError
        PayloadTooBig
        TooManyFragments
        InvalidState
        ConcurrencyError
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .datastructures import Headers
    from .frames import Close
    from .http11 import Response

__all__ = (
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "DuplicateParameter",
    "HeaderLineTooLong",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderFormat",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidMethod",
    "InvalidOrigin",
    "InvalidParameterName",
    "InvalidParameterValue",
    "InvalidProtocol",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
    "InvalidStatusCode",
    "InvalidURI",
    "InvalidUpgrade",
    "NegotiationError",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "RequestLineTooLong",
    "SecurityError",
    "StatusLineTooLong",
    "TooManyFragments",
    "TooManyHeaders",
    "WebSocketException",
    "WebSocketProtocolError",
)

_ABNORMAL_CLOSURE = 1006  # RFC 6455 7.1.5: what the close code is without a close frame.


class WebSocketException(Exception):
    """The base of every exception that the message API raises: catch it to catch them all."""


# ---------------------------------------------------------------- a connection that ends


class ConnectionClosed(WebSocketException):
    """The connection is closed: nothing can be sent, and everything that arrived was received.

    What is raised is one of the two classes below.

    :param rcvd: the code and the reason of the peer's close frame, a
        :class:`~aiohttp_ws.websockets.frames.Close`, or ``None`` when none arrived; kept as
        :attr:`rcvd`.
    :param sent: the same for our close frame; kept as :attr:`sent`.
    :param rcvd_then_sent: whether the peer's came first; ``None`` unless there are both; kept as
        :attr:`rcvd_then_sent`.
    :raises ValueError: *rcvd_then_sent* contradicts the other two.
    """

    def __init__(
        self, rcvd: Close | None, sent: Close | None, rcvd_then_sent: bool | None = None
    ) -> None:
        if (rcvd is None or sent is None) != (rcvd_then_sent is None):
            raise ValueError(
                f"rcvd_then_sent={rcvd_then_sent} with rcvd={rcvd!r} and sent={sent!r};"
                " it is a bool when both are given, None when not"
            )
        super().__init__(rcvd, sent, rcvd_then_sent)
        self.rcvd = rcvd
        self.sent = sent
        self.rcvd_then_sent = rcvd_then_sent

    def __str__(self) -> str:
        if self.rcvd is None and self.sent is None:
            return "no close frame received or sent"
        if self.rcvd is None:
            return f"sent {self.sent}; no close frame received"
        if self.sent is None:
            return f"received {self.rcvd}; no close frame sent"
        if self.rcvd_then_sent:
            return f"received {self.rcvd}; then sent {self.sent}"
        return f"sent {self.sent}; then received {self.rcvd}"

    @property
    def code(self) -> int:
        """Deprecated: the code of :attr:`rcvd`; 1006 when no close frame arrived."""
        warnings.warn(
            "ConnectionClosed.code is deprecated, take rcvd.code or the connection's close_code",
            DeprecationWarning,
            stacklevel=2,
        )
        return _ABNORMAL_CLOSURE if self.rcvd is None else self.rcvd.code

    @property
    def reason(self) -> str:
        """Deprecated: the reason of :attr:`rcvd`; empty when no close frame arrived."""
        warnings.warn(
            "ConnectionClosed.reason is deprecated,"
            " take rcvd.reason or the connection's close_reason",
            DeprecationWarning,
            stacklevel=2,
        )
        return "" if self.rcvd is None else self.rcvd.reason


class ConnectionClosedOK(ConnectionClosed):
    """Both ends sent a close frame, each with code 1000, 1001 or none."""


class ConnectionClosedError(ConnectionClosed):
    """The connection was lost, or closed with a code other than 1000 and 1001."""


# --------------------------------------------------------------- before there is a connection


class InvalidURI(WebSocketException):
    """The URI is not a WebSocket URI that ``connect`` can use (RFC 6455 3).

    :param uri: the URI; kept as :attr:`uri`.
    :param msg: what is wrong with it; kept as :attr:`msg`.
    """

    def __init__(self, uri: str, msg: str) -> None:
        super().__init__(uri, msg)
        self.uri = uri
        self.msg = msg

    def __str__(self) -> str:
        return f"{self.uri} isn't a valid URI: {self.msg}"


class InvalidProxy(WebSocketException):
    """The URL of the proxy cannot be used.

    :param proxy: the URL; kept as :attr:`proxy`.
    :param msg: what is wrong with it; kept as :attr:`msg`.
    """

    def __init__(self, proxy: str, msg: str) -> None:
        super().__init__(proxy, msg)
        self.proxy = proxy
        self.msg = msg

    def __str__(self) -> str:
        return f"{self.proxy} isn't a valid proxy: {self.msg}"


class InvalidHandshake(WebSocketException):
    """The base of errors of the opening handshake (RFC 6455 4)."""


class SecurityError(InvalidHandshake):
    """A request or a response exceeds a limit that protects against hostile peers."""


class RequestLineTooLong(SecurityError):
    """The request line has more bytes than ``http11.MAX_LINE_LENGTH``, 8192."""


class StatusLineTooLong(SecurityError):
    """The status line has more bytes than ``http11.MAX_LINE_LENGTH``, 8192."""


class HeaderLineTooLong(SecurityError):
    """A header has more bytes than ``http11.MAX_LINE_LENGTH``, 8192."""


class TooManyHeaders(SecurityError):
    """There are more headers than ``http11.MAX_NUM_HEADERS``, 128."""


class ProxyError(InvalidHandshake):
    """The proxy did not connect to the server."""


class InvalidProxyMessage(ProxyError):
    """The response of an HTTP proxy is not valid HTTP/1.1."""


class InvalidProxyStatus(ProxyError):
    """An HTTP proxy refuses to connect.

    :param response: its response, a :class:`~aiohttp_ws.websockets.http11.Response`; kept as
        :attr:`response`.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"proxy rejected connection: HTTP {self.response.status_code}"


class InvalidMessage(InvalidHandshake):
    """The request or the response is not valid HTTP/1.1, or ended too early."""


class InvalidMethod(InvalidHandshake):
    """The request's method is not GET.

    :param method: the method; kept as :attr:`method`.
    """

    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.method = method

    def __str__(self) -> str:
        return f"unsupported HTTP method: {self.method}"


class InvalidProtocol(InvalidHandshake):
    """The request's HTTP version is not 1.1.

    :param protocol: the version, such as ``"HTTP/1.0"``; kept as :attr:`protocol`.
    """

    def __init__(self, protocol: str) -> None:
        super().__init__(protocol)
        self.protocol = protocol

    def __str__(self) -> str:
        return f"unsupported HTTP version: {self.protocol}"


class InvalidStatus(InvalidHandshake):
    """The server answered with a status other than 101: it refuses the connection.

    Programs of the library's first years know it as ``InvalidStatusCode`` and read
    :attr:`status_code`.

    :param response: the response, a :class:`~aiohttp_ws.websockets.http11.Response`; kept as
        :attr:`response`.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"server rejected WebSocket connection: HTTP {self.response.status_code}"

    @property
    def status_code(self) -> int:
        """The status of :attr:`response`."""
        return self.response.status_code

    @property
    def headers(self) -> Headers:
        """The headers of :attr:`response`."""
        return self.response.headers


class InvalidHeader(InvalidHandshake):
    """A header is missing, or has a value that RFC 6455 4 does not allow.

    :param name: the name of the header; kept as :attr:`name`.
    :param value: its value, ``None`` when it is missing; kept as :attr:`value`.
    """

    def __init__(self, name: str, value: str | None = None) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return f"missing {self.name} header"
        if self.value == "":
            return f"empty {self.name} header"
        return f"invalid {self.name} header: {self.value}"


class InvalidHeaderFormat(InvalidHeader):
    """A header does not follow its grammar.

    :param name: the name of the header.
    :param error: what is wrong with it.
    :param header: its value.
    :param pos: where in the value, in characters from 0.
    """

    def __init__(self, name: str, error: str, header: str, pos: int) -> None:
        super().__init__(name, f"{error} at {pos} in {header}")
        self.args = (name, error, header, pos)


class InvalidHeaderValue(InvalidHeader):
    """A header follows its grammar and has a value that cannot be accepted."""


class InvalidOrigin(InvalidHeader):
    """The request's ``Origin`` is not among those that the server allows (RFC 6455 10.2).

    :param origin: its value, ``None`` when it is missing; kept as :attr:`value`.
    """

    def __init__(self, origin: str | None) -> None:
        super().__init__("Origin", origin)
        self.args = (origin,)


class InvalidUpgrade(InvalidHeader):
    """``Upgrade`` or ``Connection`` does not name the WebSocket protocol."""


class NegotiationError(InvalidHandshake):
    """Negotiation of a subprotocol or of extensions failed.

    A ``select_subprotocol`` or ``process_request`` may raise it: the server then answers 400.
    """


class DuplicateParameter(NegotiationError):
    """An extension is negotiated with the same parameter twice.

    :param name: the name of the parameter; kept as :attr:`name`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"duplicate parameter: {self.name}"


class InvalidParameterName(NegotiationError):
    """An extension is negotiated with a parameter that it does not define.

    :param name: the name of the parameter; kept as :attr:`name`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"invalid parameter name: {self.name}"


class InvalidParameterValue(NegotiationError):
    """An extension is negotiated with an invalid value of a parameter.

    :param name: the name of the parameter; kept as :attr:`name`.
    :param value: its value, ``None`` when it is missing; kept as :attr:`value`.
    """

    def __init__(self, name: str, value: str | None) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return f"missing value for parameter {self.name}"
        if self.value == "":
            return f"empty value for parameter {self.name}"
        return f"invalid value for parameter {self.name}: {self.value}"


# ------------------------------------------------------------------------------ messages


class ProtocolError(WebSocketException):
    """A frame that was received, or was to be sent, violates RFC 6455.

    Programs of the library's first years know it as ``WebSocketProtocolError``.
    """


class PayloadTooBig(WebSocketException):
    """A frame, or a message with it, exceeds ``max_size``; the peer is told with code 1009.

    :param size_or_message: the bytes of the frame's payload, kept as :attr:`size`; ``None`` when
        they are not known, as while inflating. Deprecated: a text.
    :param max_size: how many bytes the limit left for it; kept as :attr:`max_size`, with
        *current_size* added.
    :param current_size: the bytes of the message's earlier fragments, or ``None``; kept as
        :attr:`current_size`.
    :raises TypeError: *max_size* is missing, or comes with a text.
    """

    def __init__(
        self,
        size_or_message: int | str | None,
        max_size: int | None = None,
        current_size: int | None = None,
    ) -> None:
        super().__init__(size_or_message, max_size, current_size)
        self.message: str | None = None
        self.size: int | None = None
        self.max_size: int | None = None
        self.current_size: int | None = None
        if isinstance(size_or_message, str):
            if max_size is not None or current_size is not None:
                raise TypeError("PayloadTooBig takes a text, or sizes, not both")
            warnings.warn(
                "PayloadTooBig(message) is deprecated, pass size and max_size",
                DeprecationWarning,
                stacklevel=2,
            )
            self.message = size_or_message
            return
        if max_size is None:
            raise TypeError("PayloadTooBig needs max_size, the limit in bytes")
        self.size = size_or_message
        self.max_size = max_size
        self.set_current_size(current_size)

    def __str__(self) -> str:
        if self.message is not None:
            return self.message
        size = "" if self.size is None else f"with {self.size} bytes "
        before = "" if self.current_size is None else f"after reading {self.current_size} bytes "
        return f"frame {size}{before}exceeds limit of {self.max_size} bytes"

    def set_current_size(self, current_size: int | None) -> None:
        """Add the bytes of the message's earlier fragments, to the limit too; only once."""
        if self.current_size is not None:
            raise ValueError(f"current_size is {self.current_size} already")
        if current_size is not None:
            self.max_size = (self.max_size or 0) + current_size
            self.current_size = current_size


class TooManyFragments(WebSocketException):
    """A message has more frames than the connection accepts.

    Fragments are joined as they arrive, so this library never raises it; it is here for
    programs that catch it.

    :param max_fragments: the limit; kept as :attr:`max_fragments`.
    """

    def __init__(self, max_fragments: int) -> None:
        super().__init__(max_fragments)
        self.max_fragments = max_fragments

    def __str__(self) -> str:
        return f"fragmented message exceeds limit of {self.max_fragments} frames"


class InvalidState(WebSocketException, AssertionError):
    """The connection's current state does not allow what was called."""


class ConcurrencyError(WebSocketException, RuntimeError):
    """Two tasks receive from one connection, or send fragments on it, at the same time."""


# The names of websockets' first years.
InvalidStatusCode = InvalidStatus
WebSocketProtocolError = ProtocolError
