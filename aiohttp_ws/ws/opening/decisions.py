"""What an application decides a connection with: the objects of ``on_connect``, in every API.

:mod:`.on_connect` has the functions that servers and clients ask it with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pprint import pformat
from typing import Any, TypeAlias

from multidict import CIMultiDict

from ...argument_types import LooseHeaders

__all__ = (
    "ConnectingRequest",
    "ConnectionAccept",
    "ConnectionDeny",
    "ConnectionRequest",
    "ConnectionResponse",
)

#: An extension as a header names it, ``("permessage-deflate", {"server_max_window_bits": ["9"]})``;
#: a parameter without a value has ``True``.
Extension: TypeAlias = "tuple[str, dict[str, list[str | bool]]]"

HeadersOfAnswer: TypeAlias = (
    "LooseHeaders | Mapping[str, str | Sequence[str]] | Iterable[tuple[str, str | Sequence[str]]]"
)
ConnectAnswer: TypeAlias = (
    "str | ConnectionAccept | tuple[str | None, HeadersOfAnswer | None] | None"
)
#: A server's ``on_connect``.
OnConnect: TypeAlias = "Callable[[ConnectionRequest], ConnectAnswer | Awaitable[ConnectAnswer]]"
#: A client's ``on_connect``; what it returns is ignored.
OnConnected: TypeAlias = "Callable[[ConnectionResponse], object]"


class _Record:
    """Attributes that can be shown and encoded as JSON."""

    __slots__: tuple[str, ...] = ()

    def __json__(self) -> dict[str, Any]:
        """Return the attributes as a dict that :func:`json.dumps` takes."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        shown["headers"] = _plain(shown["headers"])
        return shown

    def __str__(self) -> str:
        return pformat(self.__json__())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({shown})"


def _plain(headers: LooseHeaders | None) -> dict[str, str]:
    plain: dict[str, str] = {}
    for name, value in CIMultiDict(headers or ()).items():
        name = name.lower()
        plain[name] = f"{plain[name]}, {value}" if name in plain else value
    return plain


class ConnectionRequest(_Record):
    """What a client asks for, as a server's ``on_connect`` sees it.

    :param peer: the client's address: ``"tcp4:192.0.2.1:52114"``, ``"tcp6:::1:52114"`` or
        ``"unix:PATH"``.
    :param headers: the headers; their names compare without case.
    :param host: the host that the client wants, without the port.
    :param path: the path as it was sent, without the query: ``"/rooms/5%20a"``.
    :param params: the query, decoded: ``{"foo": ["23", "66"]}`` for ``?foo=23&foo=66``.
    :param version: of the WebSocket protocol: 13.
    :param origin: the ``Origin`` header, ``None`` without one. Only browsers can be trusted to
        send the true one.
    :param protocols: the subprotocols that the client offers, in its order.
    :param extensions: the extensions that it offers, each
        ``(name, {parameter: [value or True, ...]})``.
    """

    __slots__ = (  # noqa: RUF023 - the order of the parameters, and of the JSON
        "peer",
        "headers",
        "host",
        "path",
        "params",
        "version",
        "origin",
        "protocols",
        "extensions",
    )

    def __init__(
        self,
        peer: str,
        headers: Mapping[str, str],
        host: str | None,
        path: str,
        params: dict[str, list[str]],
        version: int,
        origin: str | None,
        protocols: list[str],
        extensions: list[Extension],
    ) -> None:
        self.peer = peer
        self.headers = headers
        self.host = host
        self.path = path
        self.params = params
        self.version = version
        self.origin = origin
        self.protocols = protocols
        self.extensions = extensions


class ConnectionResponse(_Record):
    """What a server has agreed to, as a client's ``on_connect`` sees it.

    :param peer: the server's address, as :class:`ConnectionRequest` has it.
    :param headers: the headers of the answer; their names compare without case.
    :param version: of the WebSocket protocol: 13.
    :param protocol: the subprotocol that the server chose, or ``None``.
    :param extensions: the extensions in use, as :class:`ConnectionRequest` has them.
    """

    __slots__ = ("peer", "headers", "version", "protocol", "extensions")  # noqa: RUF023

    def __init__(
        self,
        peer: str,
        headers: Mapping[str, str],
        version: int,
        protocol: str | None,
        extensions: list[Extension],
    ) -> None:
        self.peer = peer
        self.headers = headers
        self.version = version
        self.protocol = protocol
        self.extensions = extensions


class ConnectingRequest(_Record):
    """What a client is about to ask for: a record for programs that pass one around.

    :param host: the host to name to the server; ``"localhost"`` by default.
    :param port: its port, 80 by default.
    :param resource: path and query, ``"/"`` by default.
    :param headers: more headers for the request.
    :param useragent: the ``User-Agent`` header, or ``None``.
    :param origin: the ``Origin`` header, or ``None``.
    :param protocols: the subprotocols to offer.
    :raises TypeError: a parameter has another type.
    """

    __slots__ = (  # noqa: RUF023
        "host",
        "port",
        "resource",
        "headers",
        "useragent",
        "origin",
        "protocols",
    )

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        resource: str | None = None,
        headers: Mapping[str, str] | None = None,
        useragent: str | None = None,
        origin: str | None = None,
        protocols: Sequence[str] | None = None,
    ) -> None:
        texts = {"host": host, "resource": resource, "useragent": useragent, "origin": origin}
        for name, value in texts.items():
            if value is not None and not isinstance(value, str):
                raise TypeError(f"{name}={value!r} must be a str, or None")
        if port is not None and (isinstance(port, bool) or not isinstance(port, int)):
            raise TypeError(f"port={port!r} must be an int, or None")
        if headers is not None and not isinstance(headers, Mapping):
            raise TypeError(f"headers={headers!r} must be a mapping, or None")
        if isinstance(protocols, str):
            raise TypeError(f"protocols must be a sequence of strings, not {protocols!r}")
        self.host = "localhost" if host is None else host
        self.port = 80 if port is None else port
        self.resource = "/" if resource is None else resource
        self.headers: Mapping[str, str] = {} if headers is None else headers
        self.useragent = useragent
        self.origin = origin
        self.protocols: list[str] = list(protocols or ())


class ConnectionAccept:
    """What ``on_connect`` returns to accept a connection.

    :param subprotocol: one of those that the client offers; ``None`` leaves the choice to
        ``protocols=`` where the server has that, and chooses none elsewhere.
    :param headers: headers for the answer: a mapping, in which a list or tuple stands for
        several lines, or pairs.
    :raises TypeError: *subprotocol* is not a ``str``.
    """

    __slots__ = ("headers", "subprotocol")

    def __init__(
        self,
        subprotocol: str | None = None,
        headers: HeadersOfAnswer | None = None,
    ) -> None:
        if subprotocol is not None and not isinstance(subprotocol, str):
            raise TypeError(f"subprotocol={subprotocol!r} must be a str, or None")
        self.subprotocol = subprotocol
        self.headers = headers

    def __repr__(self) -> str:
        return f"ConnectionAccept(subprotocol={self.subprotocol!r}, headers={self.headers!r})"


class ConnectionDeny(Exception):
    """Raised by a server's ``on_connect`` to refuse a connection.

    The client gets *code* as the status of the answer, *reason* in its status line and as its
    text.

    :param code: an HTTP status from 400 to 599, such as one of the constants here.
    :param reason: why, for a person to read; the status's own phrase by default. Where it holds
        other characters than ASCII's printable ones it comes in the text only.
    :raises TypeError: *code* is not an ``int``, or *reason* not a ``str``.
    :raises ValueError: *code* is not the status of an error.
    """

    __slots__ = ("code", "reason")

    #: The request is not valid.
    BAD_REQUEST = 400
    #: The client may not connect, and no credentials would change that.
    FORBIDDEN = 403
    #: There is nothing at this path.
    NOT_FOUND = 404
    #: The server speaks nothing that the client accepts, such as its subprotocols.
    NOT_ACCEPTABLE = 406
    #: The client took too long.
    REQUEST_TIMEOUT = 408
    #: The server failed.
    INTERNAL_SERVER_ERROR = 500
    #: The server cannot do what was asked for.
    NOT_IMPLEMENTED = 501
    #: The server is overloaded, or down for a while.
    SERVICE_UNAVAILABLE = 503

    def __init__(self, code: int, reason: str | None = None) -> None:
        if isinstance(code, bool) or not isinstance(code, int):
            raise TypeError(f"code={code!r} must be an int, an HTTP status")
        if not 400 <= code <= 599:
            raise ValueError(f"code={code} is not an error; pass a status from 400 to 599")
        if reason is not None and not isinstance(reason, str):
            raise TypeError(f"reason={reason!r} must be a str, or None")
        super().__init__(code, reason)
        self.code = int(code)
        self.reason = reason
