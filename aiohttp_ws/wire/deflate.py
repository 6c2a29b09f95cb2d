"""Compression of messages: the permessage-deflate extension (RFC 7692).

This module negotiates its four parameters in the opening handshake, for both sides. The two
contexts that a connection then owns, one per direction, are in
:mod:`~aiohttp_ws.wire.contexts`.

Every window from 8 to 15 bits is served in both roles. zlib refuses a raw window of 8 bits;
a compressor held to that looks back one byte only, which is run-length coding: less
compression, and correct.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .. import hdrs
from ..errors import HandshakeError, HandshakeFault
from .extensions import Parameter, format_extension, parse_extensions

__all__ = ("DeflateOptions", "DeflateParams")

EXTENSION = "permessage-deflate"
MAX_WINDOW_BITS = 15
MIN_WINDOW_BITS = 8
# What a server limits the windows to where nothing else is asked for: its own, and that of
# clients that let it, of which it keeps what they sent, for each connection that is open.
_SERVER_DEFAULT_BITS = 13
_CLIENT_DEFAULT_BITS = 12

_SERVER_NO_TAKEOVER = "server_no_context_takeover"
_CLIENT_NO_TAKEOVER = "client_no_context_takeover"
_SERVER_WINDOW = "server_max_window_bits"
_CLIENT_WINDOW = "client_max_window_bits"
_WINDOW_RANGE = f"a number from {MIN_WINDOW_BITS} to {MAX_WINDOW_BITS}"
_WINDOW_VALUES = {str(bits): bits for bits in range(MIN_WINDOW_BITS, MAX_WINDOW_BITS + 1)}


@dataclass(frozen=True, slots=True)
class DeflateParams:
    """What both ends negotiated (RFC 7692 7.1); the defaults are what a bare offer means."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = MAX_WINDOW_BITS
    client_max_window_bits: int = MAX_WINDOW_BITS


@dataclass(frozen=True, slots=True)
class DeflateOptions:
    """What one end wants of permessage-deflate.

    A sender's context takes ``2 ** (bits + 2)`` bytes for its window and ``2 ** (mem_level + 9)``
    besides, a receiver's ``2 ** bits`` and 8 KiB. Contexts live while messages come: a second or
    two without any, or 256 others in the same event loop, and no more is kept of them than the
    last bytes that were received, ``2 ** bits`` at most, and 5 KiB at most of what was sent.

    :param server_no_context_takeover: the server forgets its window after each message: less
        memory between messages, less compression. A client asks for it, a server declares it.
    :param client_no_context_takeover: the same for the client. A client declares it, a server
        asks for it.
    :param server_max_window_bits: the most that the server's window may have, 8 to 15 bits.
        ``True``, the default: a server limits itself to 13 (8 KiB), a client sets no limit,
        because servers exist that would refuse one. ``None``: neither sets a limit.
    :param client_max_window_bits: the same for the client's window. ``True``, the default: a
        client tells the server that it may set a limit, and a server limits such clients,
        browsers among them, to 12 bits (4 KiB). ``None``: a server sets no limit, and a client
        does not let it. A limit that a server sets holds only for clients that let it.
    :param level: zlib's level, -1 to 9. With the default, 5, and 13 bits, a stream of small
        JSON messages takes 2 to 3 % fewer bytes than with level 6 and 12 bits; 1 takes a sixth
        more bytes, and for messages of 4 KiB about 0.6 of the CPU.
    :param mem_level: zlib's memory level, 1 to 9. The default is 5: its tables stay in the
        processor's cache, and 8 gains next to nothing on messages. zlib-ng ignores it.
    :param threshold: messages below this many bytes are sent as they are; 0 compresses all.
    :param require_client_max_window_bits: a server declines offers of clients that do not let it
        limit their window: such connections are not compressed.
    :raises ValueError: a value is out of its range.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | Literal[True] | None = True
    client_max_window_bits: int | Literal[True] | None = True
    level: int = 5
    mem_level: int = 5
    threshold: int = 0
    require_client_max_window_bits: bool = False

    def __post_init__(self) -> None:
        for name in (_SERVER_WINDOW, _CLIENT_WINDOW):
            bits = getattr(self, name)
            if bits is not None and bits is not True:
                _check_range(name, bits, MIN_WINDOW_BITS, MAX_WINDOW_BITS, "or True or None")
        _check_range("level", self.level, -1, 9)
        _check_range("mem_level", self.mem_level, 1, 9)
        if self.threshold < 0:
            raise ValueError(f"threshold={self.threshold} is negative; it counts bytes")


def _check_range(name: str, value: int, low: int, high: int, besides: str = "") -> None:
    if isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name}={value!r} is not in {low}..{high} {besides}".rstrip())


# ---------------------------------------------------------------- the negotiation


def offer_header(options: DeflateOptions) -> str:
    """What a client offers: the value of its ``Sec-WebSocket-Extensions``."""
    return format_extension(EXTENSION, offer_parameters(options))


def offer_parameters(options: DeflateOptions) -> list[Parameter]:
    """What a client offers: the extension's parameters."""
    parameters: list[Parameter] = []
    if options.server_no_context_takeover:
        parameters.append((_SERVER_NO_TAKEOVER, None))
    if options.client_no_context_takeover:
        parameters.append((_CLIENT_NO_TAKEOVER, None))
    if options.server_max_window_bits not in (None, True):
        parameters.append((_SERVER_WINDOW, str(options.server_max_window_bits)))
    if options.client_max_window_bits is True:
        parameters.append((_CLIENT_WINDOW, None))
    elif options.client_max_window_bits is not None:
        parameters.append((_CLIENT_WINDOW, str(options.client_max_window_bits)))
    return parameters


def accept_response(header: str, options: DeflateOptions) -> DeflateParams | None:
    """What was negotiated by a server's answer to :func:`offer_header`.

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
            raise HandshakeError(HandshakeFault.NOT_OFFERED, hdrs.SEC_WEBSOCKET_EXTENSIONS, name)
    if len(answers) > 1:
        raise HandshakeError(HandshakeFault.CHOSEN_TWICE, hdrs.SEC_WEBSOCKET_EXTENSIONS, header)
    return check_answer(answers[0][1], options)


def check_answer(parameters: Sequence[Parameter], options: DeflateOptions) -> DeflateParams:
    """Check a server's parameters against what the client offered.

    :raises HandshakeError: they are invalid, or do not match the offer.
    """
    header = format_extension(EXTENSION, parameters)
    answer = _read_parameters(header, parameters)
    server_window = answer.get(_SERVER_WINDOW, MAX_WINDOW_BITS)
    client_window = answer.get(_CLIENT_WINDOW)
    # RFC 7692 7.1.1.1 and 7.1.2.1: who accepts such an offer answers with the parameter.
    if options.server_no_context_takeover and _SERVER_NO_TAKEOVER not in answer:
        raise _wrong(HandshakeFault.PARAMETER_MISSING, header, _SERVER_NO_TAKEOVER)
    limit = options.server_max_window_bits
    if limit is not None and limit is not True:
        if _SERVER_WINDOW not in answer:
            raise _wrong(HandshakeFault.PARAMETER_MISSING, header, _SERVER_WINDOW)
        if server_window > limit:
            raise _too_wide(header, _SERVER_WINDOW, server_window, limit)
    # 7.1.2.2: only a client that offered the parameter lets the server set it.
    ours = options.client_max_window_bits
    own_limit = MAX_WINDOW_BITS if ours is None or ours is True else ours
    if client_window is True:
        raise _wrong(HandshakeFault.PARAMETER_VALUE, header, _CLIENT_WINDOW, None, _WINDOW_RANGE)
    if client_window is None:
        client_window = own_limit
    elif ours is None:
        raise _wrong(HandshakeFault.PARAMETER_NOT_OFFERED, header, _CLIENT_WINDOW)
    elif client_window > own_limit:
        raise _too_wide(header, _CLIENT_WINDOW, client_window, own_limit)
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
    :returns: the negotiated parameters and the response's ``Sec-WebSocket-Extensions``, for
        the first offer that can be accepted; ``None`` when there is none (RFC 7692 5.1: an
        offer with an unknown, repeated or invalid parameter is declined).
    :raises HandshakeError: the header does not follow its grammar (RFC 6455 9.1).
    """
    for name, parameters in parse_extensions(header):
        if name.lower() == EXTENSION:
            try:
                params, answer = answer_offer(parameters, options)
            except HandshakeError:
                continue
            return params, format_extension(EXTENSION, answer)
    return None


def answer_offer(
    parameters: Sequence[Parameter], options: DeflateOptions
) -> tuple[DeflateParams, list[Parameter]]:
    """A server's answer to one offer: what both ends do from now on, and the parameters to send.

    :raises HandshakeError: the offer is declined: a parameter is invalid.
    """
    offer = _read_parameters(format_extension(EXTENSION, parameters), parameters)
    if options.require_client_max_window_bits and _CLIENT_WINDOW not in offer:
        header = format_extension(EXTENSION, parameters)
        raise _wrong(HandshakeFault.PARAMETER_MISSING, header, _CLIENT_WINDOW)
    answer: list[Parameter] = []
    server_no_takeover = options.server_no_context_takeover or _SERVER_NO_TAKEOVER in offer
    if server_no_takeover:
        answer.append((_SERVER_NO_TAKEOVER, None))
    client_no_takeover = options.client_no_context_takeover or _CLIENT_NO_TAKEOVER in offer
    if client_no_takeover:
        answer.append((_CLIENT_NO_TAKEOVER, None))

    server_window = min(
        offer.get(_SERVER_WINDOW, MAX_WINDOW_BITS),
        _limit(options.server_max_window_bits, _SERVER_DEFAULT_BITS),
    )
    # A limit that was offered is accepted by repeating it, even when it limits nothing.
    if _SERVER_WINDOW in offer or server_window < MAX_WINDOW_BITS:
        answer.append((_SERVER_WINDOW, str(server_window)))

    client_window = MAX_WINDOW_BITS
    if _CLIENT_WINDOW in offer:
        asked = offer[_CLIENT_WINDOW]
        client_window = min(
            MAX_WINDOW_BITS if asked is True else asked,
            _limit(options.client_max_window_bits, _CLIENT_DEFAULT_BITS),
        )
        if client_window < MAX_WINDOW_BITS:
            answer.append((_CLIENT_WINDOW, str(client_window)))
    params = DeflateParams(server_no_takeover, client_no_takeover, server_window, client_window)
    return params, answer


def _limit(wanted: int | Literal[True] | None, default: int) -> int:
    """The bits that a server's option limits a window to."""
    if wanted is None:
        return MAX_WINDOW_BITS
    return default if wanted is True else wanted


def _read_parameters(header: str, parameters: Sequence[Parameter]) -> dict[str, int]:
    """Parameters by name, numbers read.

    :param header: the header that has them, for the error.
    :raises HandshakeError: RFC 7692 7.1 refuses one.
    """
    found: dict[str, int] = {}
    for name, value in parameters:
        name = name.lower()
        if name in found:
            raise _wrong(HandshakeFault.PARAMETER_REPEATED, header, name, value)
        if name in (_SERVER_NO_TAKEOVER, _CLIENT_NO_TAKEOVER):
            if value is not None:
                raise _wrong(HandshakeFault.PARAMETER_VALUE, header, name, value, "without a value")
            found[name] = True
        elif name == _CLIENT_WINDOW and value is None:
            found[name] = True
        elif name in (_SERVER_WINDOW, _CLIENT_WINDOW):
            # 7.1.2: digits without leading zeroes
            if value not in _WINDOW_VALUES:
                raise _wrong(HandshakeFault.PARAMETER_VALUE, header, name, value, _WINDOW_RANGE)
            found[name] = _WINDOW_VALUES[value]
        else:
            raise _wrong(HandshakeFault.PARAMETER_UNKNOWN, header, name, value)
    return found


def _wrong(
    kind: HandshakeFault,
    header: str,
    parameter: str,
    value: str | None = None,
    expected: str | None = None,
) -> HandshakeError:
    return HandshakeError(
        kind,
        hdrs.SEC_WEBSOCKET_EXTENSIONS,
        header,
        parameter=parameter,
        parameter_value=value,
        expected=expected,
    )


def _too_wide(header: str, parameter: str, bits: int, limit: int) -> HandshakeError:
    return _wrong(
        HandshakeFault.PARAMETER_VALUE,
        header,
        parameter,
        str(bits),
        f"at most the offered {limit}",
    )
