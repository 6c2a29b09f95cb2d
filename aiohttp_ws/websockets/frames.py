"""Frames and close codes under the names of websockets (RFC 6455 5 and 7.4).

A :class:`Frame` is what the connection without I/O sends and receives, and what an extension
changes. The compiled connections of ``serve`` and ``connect`` make no such objects.
"""

from __future__ import annotations

import codecs
import enum
import os
import re
import secrets
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ..wire.frames import FrameReader, encode_frame
from .exceptions import PayloadTooBig, ProtocolError
from .typing import BytesLike, ExtensionName

__all__ = ("Close", "CloseCode", "Frame", "Opcode")

_FIN, _RSV1, _RSV2, _RSV3 = 0x80, 0x40, 0x20, 0x10
_NO_MASK = bytes(4)
# The rest of a character that began in the fragment before.
_INSIDE_CHARACTER = re.compile(rb"\A[\x80-\xbf]{1,3}")
# White space aside.
_CONTROL_CHARACTER = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


class Opcode(enum.IntEnum):
    """The opcodes: what a frame holds (RFC 6455 5.2)."""

    #: A further fragment of a message.
    CONT = 0x0
    #: Text, or its first fragment.
    TEXT = 0x1
    #: Binary data, or its first fragment.
    BINARY = 0x2
    #: One half of the closing handshake.
    CLOSE = 0x8
    #: Asks for a pong.
    PING = 0x9
    #: Answers a ping.
    PONG = 0xA


CONT = Opcode.CONT
TEXT = Opcode.TEXT
BINARY = Opcode.BINARY
CLOSE = Opcode.CLOSE
PING = Opcode.PING
PONG = Opcode.PONG

#: Opcodes of frames that carry messages.
DATA_OPCODES = (CONT, TEXT, BINARY)
#: Opcodes of control frames.
CTRL_OPCODES = (CLOSE, PING, PONG)


class CloseCode(enum.IntEnum):
    """Why a connection was closed (RFC 6455 7.4.1 and its IANA registry).

    The numbers are those of :class:`aiohttp_ws.WSCloseCode`, under websockets' names; members
    of the two compare equal. 3000 to 3999 are registered by libraries and 4000 to 4999 are an
    application's own: pass them as plain integers.
    """

    #: The connection has fulfilled its purpose.
    NORMAL_CLOSURE = 1000
    #: An end is leaving: a server shuts down, a browser moves to another page.
    GOING_AWAY = 1001
    #: The peer broke the WebSocket protocol.
    PROTOCOL_ERROR = 1002
    #: The peer sent a type of data that this end cannot take.
    UNSUPPORTED_DATA = 1003
    #: The close frame had no code. Never sent.
    NO_STATUS_RCVD = 1005
    #: The connection ended without a close frame. Never sent.
    ABNORMAL_CLOSURE = 1006
    #: The payload contradicts its type: text that is not UTF-8, say.
    INVALID_DATA = 1007
    #: A message breaks a policy, where no other code fits.
    POLICY_VIOLATION = 1008
    #: A message exceeds what this end accepts.
    MESSAGE_TOO_BIG = 1009
    #: The client needs an extension that the server did not accept.
    MANDATORY_EXTENSION = 1010
    #: The server met an unexpected condition.
    INTERNAL_ERROR = 1011
    #: The service restarts; reconnect after a random 5 to 30 seconds.
    SERVICE_RESTART = 1012
    #: The service is overloaded; go to another address.
    TRY_AGAIN_LATER = 1013
    #: A gateway received an invalid response from its upstream server.
    BAD_GATEWAY = 1014
    #: The TLS handshake failed. Never sent.
    TLS_HANDSHAKE = 1015


_NEVER_SENT = {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE}

#: Codes below 3000 that may be sent.
EXTERNAL_CLOSE_CODES = set(CloseCode) - _NEVER_SENT
#: Codes of a normal closure: :exc:`ConnectionClosedOK` is raised after them.
OK_CLOSE_CODES = {CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD}
#: What each code means.
CLOSE_CODE_EXPLANATIONS = {
    CloseCode.NORMAL_CLOSURE: "OK",
    CloseCode.GOING_AWAY: "going away",
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.UNSUPPORTED_DATA: "unsupported data",
    CloseCode.NO_STATUS_RCVD: "no status received [internal]",
    CloseCode.ABNORMAL_CLOSURE: "abnormal closure [internal]",
    CloseCode.INVALID_DATA: "invalid frame payload data",
    CloseCode.POLICY_VIOLATION: "policy violation",
    CloseCode.MESSAGE_TOO_BIG: "message too big",
    CloseCode.MANDATORY_EXTENSION: "mandatory extension",
    CloseCode.INTERNAL_ERROR: "internal error",
    CloseCode.SERVICE_RESTART: "service restart",
    CloseCode.TRY_AGAIN_LATER: "try again later",
    CloseCode.BAD_GATEWAY: "bad gateway",
    CloseCode.TLS_HANDSHAKE: "TLS handshake failure [internal]",
}


def _explained(code: int) -> str:
    if 3000 <= code < 4000:
        return "registered"
    if 4000 <= code < 5000:
        return "private use"
    return CLOSE_CODE_EXPLANATIONS.get(code, "unknown")  # type: ignore[call-overload,no-any-return]


@dataclass
class Close:
    """The code and the reason of a close frame.

    :param code: the close code; 1005 for a frame without one.
    :param reason: a text for people, at most 123 bytes of UTF-8.
    """

    code: int
    reason: str

    def __str__(self) -> str:
        shown = f"{int(self.code)} ({_explained(self.code)})"
        return f"{shown} {self.reason}" if self.reason else shown

    @classmethod
    def parse(cls, data: BytesLike) -> Close:
        """Read the payload of a close frame.

        :raises ProtocolError: it is one byte, or has a code that must not be sent.
        :raises UnicodeDecodeError: the reason is not UTF-8.
        """
        payload = bytes(data)
        if not payload:
            return cls(CloseCode.NO_STATUS_RCVD, "")
        if len(payload) < 2:
            raise ProtocolError("close frame with half a close code")
        close = cls(int.from_bytes(payload[:2], "big"), payload[2:].decode())
        close.check()
        return close

    def serialize(self) -> bytes:
        """The payload of a close frame.

        :raises ProtocolError: the code must not be sent.
        """
        self.check()
        return self.code.to_bytes(2, "big") + self.reason.encode()

    def check(self) -> None:
        """Check that the code may be sent.

        :raises ProtocolError: it may not (RFC 6455 7.4).
        """
        if self.code not in EXTERNAL_CLOSE_CODES and not 3000 <= self.code < 5000:
            raise ProtocolError(
                f"close code {int(self.code)} must not be sent; use 1000-1003, 1007-1014 or"
                " 3000-4999 (RFC 6455 7.4)"
            )


def _setting(name: str, default: int) -> int:
    """Return a number that the environment may change, under websockets' name for it."""
    return int(os.environ.get(f"WEBSOCKETS_{name}", default))


class Extension(Protocol):
    """What :meth:`Frame.parse` and :meth:`Frame.serialize` take as an extension.

    :class:`aiohttp_ws.websockets.extensions.Extension` is the base class for your own.
    """

    name: ExtensionName

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """The frame as it was before the peer encoded it."""

    def encode(self, frame: Frame) -> Frame:
        """The frame as it is to be sent."""


@dataclass
class Frame:
    """One frame.

    :param opcode: its :class:`Opcode`.
    :param data: its payload, unmasked.
    :param fin: whether it ends its message.
    :param rsv1: the first of three reserved bits, for extensions.
    :param rsv2: the second.
    :param rsv3: the third.
    """

    opcode: Opcode
    data: BytesLike
    fin: bool = True
    rsv1: bool = False
    rsv2: bool = False
    rsv3: bool = False

    #: The characters of payload that ``str()`` shows; ``WEBSOCKETS_MAX_LOG_SIZE``.
    MAX_LOG_SIZE: ClassVar[int] = _setting("MAX_LOG_SIZE", 75)
    #: Whether a frame of an opcode is expected to hold text; ``str()`` tells where it does not.
    DEFAULT_IS_TEXT: ClassVar[dict[Opcode, bool]] = {TEXT: True, BINARY: False, CLOSE: True}

    def __str__(self) -> str:
        size = len(self.data)
        notes = [f"{size} byte{'' if size == 1 else 's'}"]
        if not self.fin:
            notes.append("continued")
        is_text = self._looks_like_text()
        if self.DEFAULT_IS_TEXT.get(self.opcode) is not is_text and size:
            notes.insert(0, "text" if is_text else "binary")
        return f"{self.opcode.name} {self._shown(is_text)} [{', '.join(notes)}]"

    def _shown(self, is_text: bool) -> str:
        """Return the payload for people to read, shortened to :attr:`MAX_LOG_SIZE`."""
        data = bytes(self.data)
        if not data:
            shown = "''"
        elif not is_text:
            shown = data.hex(" ")
        elif self.opcode is CLOSE:
            shown = str(Close.parse(data))
        else:
            shown = repr(data.decode(errors="replace"))
        limit = max(self.MAX_LOG_SIZE, 9)
        if len(shown) <= limit:
            return shown
        tail = limit // 3 - 1
        return f"{shown[: limit - 3 - tail]}...{shown[-tail:]}"

    def _looks_like_text(self) -> bool:
        """Whether the payload is UTF-8, or ASCII in a ping or pong, without control characters.

        A fragment may begin and end inside a character.
        """
        data = bytes(self.data)
        if self.opcode is CLOSE:
            try:
                Close.parse(data)
            except (ProtocolError, UnicodeDecodeError):
                return False
            return True
        if self.opcode in CTRL_OPCODES and not data.isascii():
            return False
        if self.opcode is CONT:
            data = _INSIDE_CHARACTER.sub(b"", data, count=1)
        try:
            codecs.getincrementaldecoder("utf-8")().decode(data, self.fin)
        except UnicodeDecodeError:
            return False
        return _CONTROL_CHARACTER.search(data) is None

    @property
    def _reserved(self) -> int:
        return self.rsv1 << 2 | self.rsv2 << 1 | self.rsv3

    @classmethod
    def parse(
        cls,
        read_exact: Callable[[int], Generator[None, None, bytes | bytearray]],
        *,
        mask: bool,
        max_size: int | None = None,
        extensions: Sequence[Extension] | None = None,
    ) -> Generator[None, None, Frame]:
        """Read a frame, as a generator that yields where bytes are missing and returns it.

        :param read_exact: makes a generator that returns as many bytes as it is asked for.
        :param mask: whether the frame must be masked: true at a server.
        :param max_size: bytes of payload that the frame may have; ``None`` for any number.
        :param extensions: decode it, the last first.
        :raises EOFError: from *read_exact*, when the connection ends inside the frame.
        :raises ProtocolError: the frame violates RFC 6455 5.
        :raises PayloadTooBig: the frame exceeds *max_size*.
        """
        raw = yield from read_exact(2)
        reader = lone_frame_reader(raw[0] & 0x0F, mask, bool(extensions))
        frames = read_into(reader, raw)
        while not frames:
            missing = missing_bytes(raw, max_size)
            more = yield from read_exact(missing)
            raw = bytes(raw) + bytes(more)
            frames = read_into(reader, more)
        frame = cls.of_wire(frames[0])
        for extension in reversed(extensions or ()):
            frame = extension.decode(frame, max_size=max_size)
        frame.check()
        return frame

    @classmethod
    def of_wire(cls, parsed: tuple[int, int, bytes]) -> Frame:
        """Make a frame of a tuple that ``FrameReader.feed()`` returns."""
        opcode, flags, payload = parsed
        if not flags & ~_FIN:
            return cls(Opcode(opcode), payload, bool(flags & _FIN))
        return cls(
            Opcode(opcode),
            payload,
            bool(flags & _FIN),
            bool(flags & _RSV1),
            bool(flags & _RSV2),
            bool(flags & _RSV3),
        )

    def serialize(self, *, mask: bool, extensions: Sequence[Extension] | None = None) -> bytes:
        """The frame as it travels.

        :param mask: whether to mask it: true at a client.
        :param extensions: encode it, the first first.
        :raises ProtocolError: as :meth:`check`.
        """
        self.check()
        frame = self
        for extension in extensions or ():
            frame = extension.encode(frame)
        return encode_frame(
            frame.opcode,
            frame.data,
            fin=frame.fin,
            rsv=frame._reserved,
            # RFC 6455 5.3: the key must not be predictable.
            mask=secrets.token_bytes(4) if mask else None,
        )

    def check(self) -> None:
        """Check the frame against RFC 6455 5.

        :raises ProtocolError: a reserved bit is set, or a control frame is fragmented or has
            more than 125 bytes of payload.
        """
        if self._reserved:
            raise ProtocolError(f"reserved bits {self._reserved:03b} without an extension")
        if self.opcode in CTRL_OPCODES:
            if not self.fin:
                raise ProtocolError("fragmented control frame")
            if len(self.data) > 125:
                raise ProtocolError(
                    f"control frame of {len(self.data)} bytes exceeds 125 (RFC 6455 5.5)"
                )


# ---------------------------------------------------------------- frames out of a stream


def lone_frame_reader(opcode: int, mask: bool, allow_reserved: bool = False) -> FrameReader:
    """Return a reader for one frame of *opcode*, whatever message it belongs to."""
    reader = FrameReader(mask, check_utf8=False, allow_reserved=allow_reserved)
    if opcode == CONT:
        # A reader takes a continuation only after a first fragment.
        reader.feed(encode_frame(BINARY, fin=False, mask=_NO_MASK if mask else None))
    return reader


def read_into(reader: FrameReader, data: bytes | bytearray) -> list[tuple[int, int, bytes]]:
    """Feed *reader* and return its frames.

    :raises ProtocolError: the bytes violate RFC 6455 5.
    """
    frames = reader.feed(data)
    if reader.error is not None:
        raise ProtocolError(reader.error.reason)
    return frames


def missing_bytes(raw: bytes | bytearray, max_size: int | None = None) -> int:
    """Return how many bytes a frame that begins with *raw* needs next.

    They are those of its header, or else all that is left of it.

    :raises PayloadTooBig: its payload exceeds *max_size*.
    """
    size = raw[1] & 0x7F
    length_bytes = {126: 2, 127: 8}.get(size, 0)
    header = 2 + length_bytes + (4 if raw[1] & 0x80 else 0)
    if len(raw) < 2 + length_bytes:
        return length_bytes
    if length_bytes:
        size = int.from_bytes(raw[2 : 2 + length_bytes], "big")
    if max_size is not None and size > max_size:
        raise PayloadTooBig(size, max_size)
    return header + size - len(raw)
