"""Compression of messages: the permessage-deflate extension (RFC 7692).

Two halves: the agreement on its four parameters in the opening handshake (both sides), and
the two contexts that a connection then owns, one a direction.

Every window from 8 to 15 bits is served in both roles. zlib refuses a raw window of 8 bits;
a compressor held to that looks back one byte only, which is run-length coding: less
compression, and correct.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from ..errors import HandshakeError, WebSocketError
from .extensions import parse_extensions, shown

if TYPE_CHECKING:
    from ..typedefs import Byteish

__all__ = (
    "DeflateOptions",
    "DeflateParams",
    "MessageDeflater",
    "MessageInflater",
    "accept_response",
    "negotiate",
    "offer_header",
)

EXTENSION = "permessage-deflate"
MAX_WINDOW_BITS = 15
MIN_WINDOW_BITS = 8
# The least that zlib takes for a raw stream.
_ZLIB_MIN_WINDOW_BITS = 9

_SERVER_NO_TAKEOVER = "server_no_context_takeover"
_CLIENT_NO_TAKEOVER = "client_no_context_takeover"
_SERVER_WINDOW = "server_max_window_bits"
_CLIENT_WINDOW = "client_max_window_bits"
_WINDOW_VALUES = {str(bits): bits for bits in range(MIN_WINDOW_BITS, MAX_WINDOW_BITS + 1)}

_PROTOCOL_ERROR = 1002
_MESSAGE_TOO_BIG = 1009


@dataclass(frozen=True, slots=True)
class DeflateParams:
    """What both ends agreed on (RFC 7692 7.1); the defaults are what a bare offer means."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = MAX_WINDOW_BITS
    client_max_window_bits: int = MAX_WINDOW_BITS


@dataclass(frozen=True, slots=True)
class DeflateOptions:
    """What one end wants of permessage-deflate.

    :param server_no_context_takeover: the server forgets its window after each message: less
        memory between messages, less compression. A client asks for it, a server declares it.
    :param client_no_context_takeover: the same for the client. A client declares it, a server
        asks for it.
    :param server_max_window_bits: the most that the server's window may have, 8 to 15; its
        compressor takes ``2 ** (bits + 2)`` bytes and the client's inflater ``2 ** bits``.
        ``None`` sets no limit.
    :param client_max_window_bits: the same for the client's window. ``True``, the default:
        no limit, and a client tells the server that it may set one. With ``None`` a client
        does not let it. A limit that a server sets holds only for clients that let it.
    :param level: zlib's level, -1 to 9. The default, 1, takes about half the CPU of 6 for a
        tenth more bytes of chat-like JSON.
    :param mem_level: zlib's memory level, 1 to 9; a compressor takes ``2 ** (mem_level + 9)``
        bytes besides its window.
    :param threshold: messages below this many bytes are sent as they are; 0 compresses all.
    :raises ValueError: a value is out of its range.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | Literal[True] | None = True
    level: int = 1
    mem_level: int = 8
    threshold: int = 0

    def __post_init__(self) -> None:
        if self.server_max_window_bits is not None:
            _check_range(_SERVER_WINDOW, self.server_max_window_bits, 8, 15, "or None")
        if self.client_max_window_bits is not None and self.client_max_window_bits is not True:
            _check_range(_CLIENT_WINDOW, self.client_max_window_bits, 8, 15, "True or None")
        _check_range("level", self.level, -1, 9)
        _check_range("mem_level", self.mem_level, 1, 9)
        if self.threshold < 0:
            raise ValueError(f"threshold={self.threshold} is negative; it counts bytes")


def _check_range(name: str, value: int, low: int, high: int, besides: str = "") -> None:
    if isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name}={value!r} is not in {low}..{high} {besides}".rstrip())


# ------------------------------------------------------------------ the agreement


def offer_header(options: DeflateOptions) -> str:
    """What a client offers: the value of its ``Sec-WebSocket-Extensions``."""
    parts = [EXTENSION]
    if options.server_no_context_takeover:
        parts.append(_SERVER_NO_TAKEOVER)
    if options.client_no_context_takeover:
        parts.append(_CLIENT_NO_TAKEOVER)
    if options.server_max_window_bits is not None:
        parts.append(f"{_SERVER_WINDOW}={options.server_max_window_bits}")
    if options.client_max_window_bits is True:
        parts.append(_CLIENT_WINDOW)
    elif options.client_max_window_bits is not None:
        parts.append(f"{_CLIENT_WINDOW}={options.client_max_window_bits}")
    return "; ".join(parts)


def accept_response(header: str, options: DeflateOptions) -> DeflateParams | None:
    """What a server's answer to :func:`offer_header` agreed on.

    :param header: the response's ``Sec-WebSocket-Extensions``, lines joined with commas;
        empty when it has none.
    :returns: ``None`` when the server declined.
    :raises HandshakeError: the answer does not fit the offer (RFC 7692 7.1, RFC 6455 4.1).
    """
    answers = parse_extensions(header)
    if not answers:
        return None
    for name, _ in answers:
        if name.lower() != EXTENSION:
            raise HandshakeError(
                f"Sec-WebSocket-Extensions: the server chose {shown(name)}, which was not offered"
            )
    if len(answers) > 1:
        raise HandshakeError(
            f"Sec-WebSocket-Extensions: the server chose {EXTENSION} twice: {shown(header)}"
        )
    try:
        return _fit_answer(_read_parameters(answers[0][1]), options)
    except ValueError as exc:
        raise HandshakeError(f"Sec-WebSocket-Extensions {shown(header)}: {exc}") from None


def _fit_answer(answer: dict[str, int], options: DeflateOptions) -> DeflateParams:
    """Hold a server's parameters against what the client offered; ``ValueError`` says no."""
    server_window = answer.get(_SERVER_WINDOW, MAX_WINDOW_BITS)
    client_window = answer.get(_CLIENT_WINDOW)
    # RFC 7692 7.1.1.1 and 7.1.2.1: who accepts such an offer answers with the parameter.
    if options.server_no_context_takeover and _SERVER_NO_TAKEOVER not in answer:
        raise ValueError(f"the offered {_SERVER_NO_TAKEOVER} is missing")
    limit = options.server_max_window_bits
    if limit is not None and (_SERVER_WINDOW not in answer or server_window > limit):
        raise ValueError(f"{_SERVER_WINDOW} must be at most the offered {limit}")
    # 7.1.2.2: only a client that offered the parameter lets the server set it.
    ours = options.client_max_window_bits
    own_limit = MAX_WINDOW_BITS if ours is None or ours is True else ours
    if client_window is True:
        raise ValueError(f"{_CLIENT_WINDOW} has no value")
    if client_window is None:
        client_window = own_limit
    elif ours is None:
        raise ValueError(f"{_CLIENT_WINDOW} was not offered")
    elif client_window > own_limit:
        raise ValueError(f"{_CLIENT_WINDOW} must be at most the offered {own_limit}")
    return DeflateParams(
        server_no_context_takeover=_SERVER_NO_TAKEOVER in answer,
        # What the client declared holds whether or not the server repeats it (7.1.1.2).
        client_no_context_takeover=options.client_no_context_takeover
        or _CLIENT_NO_TAKEOVER in answer,
        server_max_window_bits=server_window,
        client_max_window_bits=client_window,
    )


# Clients send a handful of different offers: browsers one each, libraries a few.
@lru_cache(maxsize=128)
def negotiate(header: str, options: DeflateOptions) -> tuple[DeflateParams, str] | None:
    """Choose among a client's offers.

    :param header: the request's ``Sec-WebSocket-Extensions``, lines joined with commas.
    :returns: the parameters agreed on and the response's ``Sec-WebSocket-Extensions``, for
        the first offer that can be accepted; ``None`` when there is none (RFC 7692 5.1: an
        offer with an unknown, repeated or invalid parameter is declined).
    :raises HandshakeError: the header does not follow its grammar (RFC 6455 9.1).
    """
    for name, parameters in parse_extensions(header):
        if name.lower() == EXTENSION:
            try:
                return _answer_offer(_read_parameters(parameters), options)
            except ValueError:
                continue
    return None


def _answer_offer(offer: dict[str, int], options: DeflateOptions) -> tuple[DeflateParams, str]:
    """A server's answer to an offer whose parameters are valid."""
    parts = [EXTENSION]
    server_no_takeover = options.server_no_context_takeover or _SERVER_NO_TAKEOVER in offer
    if server_no_takeover:
        parts.append(_SERVER_NO_TAKEOVER)
    client_no_takeover = options.client_no_context_takeover or _CLIENT_NO_TAKEOVER in offer
    if client_no_takeover:
        parts.append(_CLIENT_NO_TAKEOVER)

    server_window = min(
        offer.get(_SERVER_WINDOW, MAX_WINDOW_BITS),
        options.server_max_window_bits or MAX_WINDOW_BITS,
    )
    # A limit that was offered is accepted by repeating it, even when it limits nothing.
    if _SERVER_WINDOW in offer or server_window < MAX_WINDOW_BITS:
        parts.append(f"{_SERVER_WINDOW}={server_window}")

    client_window = MAX_WINDOW_BITS
    if _CLIENT_WINDOW in offer:
        asked, wanted = offer[_CLIENT_WINDOW], options.client_max_window_bits
        client_window = min(
            MAX_WINDOW_BITS if asked is True else asked,
            MAX_WINDOW_BITS if wanted is None or wanted is True else wanted,
        )
        if client_window < MAX_WINDOW_BITS:
            parts.append(f"{_CLIENT_WINDOW}={client_window}")
    params = DeflateParams(server_no_takeover, client_no_takeover, server_window, client_window)
    return params, "; ".join(parts)


def _read_parameters(
    parameters: list[tuple[str, str | None]],
) -> dict[str, int]:
    """Parameters by name, numbers read; ``ValueError`` names what RFC 7692 7.1 refuses."""
    found: dict[str, int] = {}
    for name, value in parameters:
        name = name.lower()
        if name in found:
            raise ValueError(f"{name} comes twice")
        if name in (_SERVER_NO_TAKEOVER, _CLIENT_NO_TAKEOVER):
            if value is not None:
                raise ValueError(f"{name} takes no value, not {shown(value)}")
            found[name] = True
        elif name == _CLIENT_WINDOW and value is None:
            found[name] = True
        elif name in (_SERVER_WINDOW, _CLIENT_WINDOW):
            # 7.1.2: digits without leading zeroes
            if value not in _WINDOW_VALUES:
                raise ValueError(f"{name}={value} is not in 8..15")
            found[name] = _WINDOW_VALUES[value]
        else:
            raise ValueError(f"unknown parameter {shown(name)}")
    return found


# ------------------------------------------------------------------ the two contexts

_TAIL = b"\x00\x00\xff\xff"
# An empty stored block without its tail: what a message of no bytes compresses to (7.2.3.6).
_EMPTY_MESSAGE = b"\x00"
_SHORT = 4096
# A stream that the peer ended has its rest fed in pieces of this many bytes, because zlib
# copies what it leaves; and there is an end to how many a fragment may hold.
_PIECE = 16384
_MAX_STREAMS = 1024


class MessageDeflater:
    """Compresses the messages that one end sends.

    Its context is made at the first message.

    :param params: the agreement of the opening handshake.
    :param is_server: which end this is.
    :param level: zlib's level, as in :class:`DeflateOptions`.
    :param mem_level: zlib's memory level, as in :class:`DeflateOptions`.
    """

    __slots__ = ("_deflate", "_level", "_mem_level", "_takeover", "_window_bits")

    def __init__(
        self, params: DeflateParams, is_server: bool, level: int = 1, mem_level: int = 8
    ) -> None:
        if is_server:
            self._takeover = not params.server_no_context_takeover
            self._window_bits = params.server_max_window_bits
        else:
            self._takeover = not params.client_no_context_takeover
            self._window_bits = params.client_max_window_bits
        self._level = level
        self._mem_level = mem_level
        self._deflate: zlib._Compress | None = None

    def compress(self, data: Byteish, fin: bool = True) -> bytes:
        """Compress a message, or the next fragment of one.

        Everything given so far can be inflated from what was returned so far, so that a
        fragment reaches the peer when it is sent.

        :param fin: this ends the message.
        """
        deflate = self._deflate
        if deflate is None:
            deflate = self._deflate = self._context()
        # A small message comes out whole at the flush; then adding copies nothing.
        packed = deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
        if not fin:
            return packed
        if not self._takeover:
            self._deflate = None
        # zlib flushes nothing when nothing came since the last flush.
        return packed[:-4] if packed else _EMPTY_MESSAGE

    def release(self) -> None:
        """Give the context's memory back; the next message makes a new one.

        A sender may do so at any time: forgetting its window only costs compression.
        """
        self._deflate = None

    def _context(self) -> zlib._Compress:
        bits = self._window_bits
        strategy = zlib.Z_DEFAULT_STRATEGY
        if bits < _ZLIB_MIN_WINDOW_BITS:
            # Run lengths look one byte back, so they fit any window.
            bits, strategy = _ZLIB_MIN_WINDOW_BITS, zlib.Z_RLE
        return zlib.compressobj(self._level, zlib.DEFLATED, -bits, self._mem_level, strategy)


class MessageInflater:
    """Inflates the messages that the peer of one end sends.

    :param params: the agreement of the opening handshake.
    :param is_server: which end this is (not which end compressed).
    """

    __slots__ = ("_inflate", "_takeover", "_window_bits")

    def __init__(self, params: DeflateParams, is_server: bool) -> None:
        if is_server:
            self._takeover = not params.client_no_context_takeover
            bits = params.client_max_window_bits
        else:
            self._takeover = not params.server_no_context_takeover
            bits = params.server_max_window_bits
        # A peer on zlib before 1.2.9 uses 9 bits when it agreed to 8.
        self._window_bits = -max(bits, _ZLIB_MIN_WINDOW_BITS)
        self._inflate: zlib._Decompress | None = None

    def inflate(self, data: Byteish, fin: bool, max_size: int = 0) -> bytes:
        """Inflate a message, or the next fragment of one.

        :param data: payload, unmasked; not kept.
        :param fin: this ends the message.
        :param max_size: bytes that *data* may inflate to: what the message's limit leaves it.
            0 for no limit. Neither work nor memory goes beyond it.
        :returns: what *data* inflates to.
        :raises WebSocketError: 1009 when that is more than *max_size*; 1002 when it is not a
            DEFLATE stream. The inflater is of no use after either.
        """
        inflate = self._inflate
        if inflate is None:
            if not data:
                # Behind a final block there may be nothing, not even a tail's first byte.
                return b""
            inflate = self._inflate = zlib.decompressobj(self._window_bits)
        # One byte more than allowed tells that there is more; zlib takes 0 for no limit.
        room = max_size + 1 if max_size else 0
        # RFC 7692 7.2.2: the tail that the sender removed. For a short message, copying it
        # costs less (0.15 us) than a second call.
        tail_pending = fin
        if fin and len(data) <= _SHORT:
            data = b"".join((data, _TAIL))
            tail_pending = False
        try:
            out = inflate.decompress(data, room)
            if inflate.eof:
                rest = inflate.unused_data
                if fin and not tail_pending:
                    rest = rest[: -len(_TAIL)]
                    tail_pending = True
                out = self._next_streams(out, rest, room)
                inflate = self._inflate
            if room and len(out) >= room:
                raise _too_big(max_size)
            if tail_pending and inflate is not None:
                # It yields something only when a damaged stream takes it for data.
                out += inflate.decompress(_TAIL, room - len(out) if room else 0)
                if room and len(out) >= room:
                    raise _too_big(max_size)
                if inflate.eof:
                    self._inflate = None
        except zlib.error as exc:
            raise WebSocketError(
                _PROTOCOL_ERROR, f"compressed message is not valid DEFLATE: {exc}"
            ) from None
        if fin and not self._takeover:
            self._inflate = None
        return out

    def _next_streams(self, out: bytes, rest: bytes, room: int) -> bytes:
        """Go on behind a final block: a new stream starts there (RFC 7692 7.2.3.4)."""
        pieces = [out]
        size = len(out)
        self._inflate = None
        view = memoryview(rest)
        streams = 0
        while view and not (room and size >= room):
            inflate = self._inflate
            if inflate is None:
                streams += 1
                if streams > _MAX_STREAMS:
                    raise WebSocketError(
                        _PROTOCOL_ERROR,
                        f"compressed fragment has more than {_MAX_STREAMS} final blocks",
                    )
                inflate = self._inflate = zlib.decompressobj(self._window_bits)
            piece = view[:_PIECE]
            more = inflate.decompress(piece, room - size if room else 0)
            pieces.append(more)
            size += len(more)
            view = view[len(piece) - len(inflate.unused_data) :]
            if inflate.eof:
                self._inflate = None
        return b"".join(pieces)


def _too_big(max_size: int) -> WebSocketError:
    return WebSocketError(
        _MESSAGE_TOO_BIG,
        f"compressed message inflates to more than the {max_size} bytes that max_msg_size "
        "leaves it; raise max_msg_size to accept it",
    )
