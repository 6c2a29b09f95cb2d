"""The types in signatures of the message API, under the names of websockets."""

from __future__ import annotations

import http
import logging
from typing import TYPE_CHECKING, Any, NewType

__all__ = (
    "BytesLike",
    "Data",
    "DataLike",
    "ExtensionName",
    "ExtensionParameter",
    "LoggerLike",
    "Origin",
    "StatusLike",
    "Subprotocol",
)

#: A message: :class:`str` for text, :class:`bytes` for binary (RFC 6455 5.6).
Data = str | bytes

#: What is accepted where :class:`bytes` are meant.
BytesLike = bytes | bytearray | memoryview

#: What is accepted where a message is meant.
DataLike = str | bytes | bytearray | memoryview

if TYPE_CHECKING:
    #: What is accepted where a logger is meant.
    LoggerLike = logging.Logger | logging.LoggerAdapter[Any]
else:
    # Python 3.10 cannot subscribe LoggerAdapter.
    LoggerLike = logging.Logger | logging.LoggerAdapter

#: What is accepted where an HTTP status is meant.
StatusLike = http.HTTPStatus | int

#: The value of an ``Origin`` header (RFC 6454).
Origin = NewType("Origin", str)

#: A name in a ``Sec-WebSocket-Protocol`` header.
Subprotocol = NewType("Subprotocol", str)

#: The name of an extension, such as ``"permessage-deflate"``.
ExtensionName = NewType("ExtensionName", str)

#: An option of ``Connection``, and a protocol of ``Upgrade``.
ConnectionOption = NewType("ConnectionOption", str)
UpgradeProtocol = NewType("UpgradeProtocol", str)

#: A parameter of an extension: its name, and its value or ``None``.
ExtensionParameter = tuple[str, str | None]
