"""permessage-deflate, the compression of messages (RFC 7692), as ``extensions=`` takes it.

A factory holds what one end wants. ``serve`` and ``connect`` hand that to the engine, whose
compression is compiled; :class:`~aiohttp_ws.websockets.client.ClientProtocol` and
:class:`~aiohttp_ws.websockets.server.ServerProtocol` let the factory negotiate and run the
:class:`PerMessageDeflate` that it makes. :class:`~aiohttp_ws.DeflateOptions` says the same and
more, and goes wherever a factory does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from ...errors import HandshakeError, WebSocketError
from ...wire.contexts import MessageDeflater, MessageInflater
from ...wire.deflate import (
    MAX_WINDOW_BITS,
    MIN_WINDOW_BITS,
    DeflateOptions,
    DeflateParams,
    answer_offer,
    check_answer,
    offer_parameters,
)
from ..exceptions import NegotiationError, PayloadTooBig, ProtocolError
from ..frames import CONT, DATA_OPCODES, CloseCode, Frame
from ..refusals import explained
from ..typing import ExtensionName, ExtensionParameter
from .base import ClientExtensionFactory, Extension, ServerExtensionFactory

__all__ = (
    "ClientPerMessageDeflateFactory",
    "PerMessageDeflate",
    "ServerPerMessageDeflateFactory",
    "enable_client_permessage_deflate",
    "enable_server_permessage_deflate",
)

FactoryT = TypeVar("FactoryT", bound="_Factory")

_NAME = ExtensionName("permessage-deflate")


class PerMessageDeflate(Extension):
    """permessage-deflate as negotiated for one connection.

    :param remote_no_context_takeover: the peer forgets its window after each message.
    :param local_no_context_takeover: this end does.
    :param remote_max_window_bits: the bits of the peer's window, 8 to 15.
    :param local_max_window_bits: the bits of this end's.
    :param compress_settings: ``level`` and ``memLevel`` of zlib for this end's compression, 5
        each by default.
    :raises ValueError: a parameter is out of its range, or *compress_settings* has another key.
    """

    name = _NAME

    def __init__(
        self,
        remote_no_context_takeover: bool,
        local_no_context_takeover: bool,
        remote_max_window_bits: int,
        local_max_window_bits: int,
        compress_settings: dict[Any, Any] | None = None,
    ) -> None:
        _check_bits("remote_max_window_bits", remote_max_window_bits)
        _check_bits("local_max_window_bits", local_max_window_bits)
        self.remote_no_context_takeover = remote_no_context_takeover
        self.local_no_context_takeover = local_no_context_takeover
        self.remote_max_window_bits = remote_max_window_bits
        self.local_max_window_bits = local_max_window_bits
        self.compress_settings = compress_settings or {}
        # As a server's: the local half is the server's half.
        params = DeflateParams(
            local_no_context_takeover,
            remote_no_context_takeover,
            local_max_window_bits,
            remote_max_window_bits,
        )
        level, mem_level = _levels(compress_settings, "local_max_window_bits")
        self._inflater = MessageInflater(params, True)
        self._deflater = MessageDeflater(params, True, level, mem_level)
        self._inflating = False

    @classmethod
    def of_params(
        cls, params: DeflateParams, is_server: bool, compress_settings: dict[str, Any] | None
    ) -> PerMessageDeflate:
        """Make the extension from what the two ends of a connection have negotiated."""
        server = (params.server_no_context_takeover, params.server_max_window_bits)
        client = (params.client_no_context_takeover, params.client_max_window_bits)
        local, remote = (server, client) if is_server else (client, server)
        return cls(remote[0], local[0], remote[1], local[1], compress_settings)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={getattr(self, name)}"
            for name in (
                "remote_no_context_takeover",
                "local_no_context_takeover",
                "remote_max_window_bits",
                "local_max_window_bits",
            )
        )
        return f"PerMessageDeflate({shown})"

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Return *frame* inflated, if its message is compressed.

        :raises PayloadTooBig: it inflates to more than *max_size* bytes.
        :raises ProtocolError: it is not a DEFLATE stream.
        """
        if frame.opcode not in DATA_OPCODES:
            return frame
        if frame.opcode is not CONT:
            self._inflating = frame.rsv1
        if not self._inflating:
            return frame
        try:
            # The inflater takes 0 for no limit.
            limit = 0 if max_size is None else max(max_size, 1)
            data = self._inflater.inflate(frame.data, frame.fin, limit)
        except WebSocketError as exc:
            if exc.code == CloseCode.MESSAGE_TOO_BIG:
                raise PayloadTooBig(None, max_size or 0) from exc
            raise ProtocolError(str(exc)) from exc
        if max_size is not None and len(data) > max_size:
            raise PayloadTooBig(len(data), max_size)
        return replace(frame, data=data, rsv1=False)

    def encode(self, frame: Frame) -> Frame:
        """Return *frame* compressed, if it belongs to a message."""
        if frame.opcode not in DATA_OPCODES:
            return frame
        data = self._deflater.compress(frame.data, frame.fin)
        return replace(frame, data=data, rsv1=frame.opcode is not CONT)


class _Factory:
    """What both factories have: the four parameters, and how this end compresses."""

    name = _NAME

    _is_server: bool
    _local_window: str

    def __init__(
        self,
        server_no_context_takeover: bool,
        client_no_context_takeover: bool,
        server_max_window_bits: int | None,
        client_max_window_bits: int | Literal[True] | None,
        compress_settings: dict[str, Any] | None,
    ) -> None:
        if server_max_window_bits is not None:
            _check_bits("server_max_window_bits", server_max_window_bits)
        open_limit = client_max_window_bits is True and not self._is_server
        if client_max_window_bits is not None and not open_limit:
            _check_bits("client_max_window_bits", client_max_window_bits)
        _levels(compress_settings, self._local_window)
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits
        self.client_max_window_bits = client_max_window_bits
        self.compress_settings = compress_settings
        self._options: DeflateOptions | None = None

    def options(self) -> DeflateOptions:
        """Return the same as :class:`~aiohttp_ws.DeflateOptions`."""
        if self._options is not None:
            return self._options
        level, mem_level = _levels(self.compress_settings, self._local_window)
        return DeflateOptions(
            self.server_no_context_takeover,
            self.client_no_context_takeover,
            self.server_max_window_bits,
            self.client_max_window_bits,
            level,
            mem_level,
        )

    def with_options(self: FactoryT, options: DeflateOptions) -> FactoryT:
        """Let this factory negotiate *options*, in place of its parameters."""
        self._options = options
        self.compress_settings = {"level": options.level, "memLevel": options.mem_level}
        return self

    def _negotiated(self, params: DeflateParams) -> PerMessageDeflate:
        return PerMessageDeflate.of_params(params, self._is_server, self.compress_settings)


class ClientPerMessageDeflateFactory(_Factory, ClientExtensionFactory):
    """What a client offers.

    :param server_no_context_takeover: ask the server to forget its window after each message.
    :param client_no_context_takeover: declare that the client does.
    :param server_max_window_bits: the limit of the server's window, 8 to 15; ``None`` for none.
    :param client_max_window_bits: the limit of the client's window, 8 to 15. ``True``, the
        default, lets the server choose; ``None`` does not.
    :param compress_settings: ``level`` and ``memLevel`` of zlib, 5 each by default.
    :raises ValueError: a parameter is out of its range, or *compress_settings* has another key.
    """

    _is_server = False
    _local_window = "client_max_window_bits"

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | Literal[True] | None = True,
        compress_settings: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
            compress_settings,
        )

    def get_request_params(self) -> Sequence[ExtensionParameter]:
        """Return the parameters to offer."""
        return offer_parameters(self.options())

    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> PerMessageDeflate:
        """Return the extension that the server has accepted with *params*.

        :raises NegotiationError: *params* do not match the offer (RFC 7692 7.1), or the server
            has accepted the extension twice.
        """
        if any(other.name == self.name for other in accepted_extensions):
            raise NegotiationError(f"received duplicate {self.name}")
        try:
            return self._negotiated(check_answer(params, self.options()))
        except HandshakeError as exc:
            raise explained(exc) from exc


class ServerPerMessageDeflateFactory(_Factory, ServerExtensionFactory):
    """What a server accepts.

    :param server_no_context_takeover: declare that the server forgets its window after each
        message; it does too when a client asks.
    :param client_no_context_takeover: ask clients to forget theirs.
    :param server_max_window_bits: the upper limit of the server's window, 8 to 15; ``None``
        for none.
    :param client_max_window_bits: that of the client's, for clients that let the server choose.
    :param compress_settings: ``level`` and ``memLevel`` of zlib, 5 each by default.
    :param require_client_max_window_bits: decline offers of clients that do not let the server
        choose: their connections are not compressed.
    :raises ValueError: a parameter is out of its range, *compress_settings* has another key, or
        *require_client_max_window_bits* comes without *client_max_window_bits*.
    """

    _is_server = True
    _local_window = "server_max_window_bits"

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | None = None,
        compress_settings: dict[str, Any] | None = None,
        require_client_max_window_bits: bool = False,
    ) -> None:
        super().__init__(
            server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
            compress_settings,
        )
        if require_client_max_window_bits and client_max_window_bits is None:
            raise ValueError(
                "require_client_max_window_bits=True needs client_max_window_bits, 8 to 15"
            )
        self.require_client_max_window_bits = require_client_max_window_bits

    def options(self) -> DeflateOptions:
        """Return the same as :class:`~aiohttp_ws.DeflateOptions`."""
        options = super().options()
        if self.require_client_max_window_bits:
            options = replace(options, require_client_max_window_bits=True)
        return options

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Return the parameters to answer with, and the extension.

        :raises NegotiationError: the offer is declined: a parameter is invalid, or the client
            has had one accepted.
        """
        if any(other.name == self.name for other in accepted_extensions):
            raise NegotiationError(f"skipped duplicate {self.name}")
        if self.require_client_max_window_bits and not any(
            name == "client_max_window_bits" for name, _ in params
        ):
            raise NegotiationError("the offer has no client_max_window_bits, which is required")
        try:
            negotiated, answer = answer_offer(params, self.options())
        except HandshakeError as exc:
            raise explained(exc) from exc
        return answer, self._negotiated(negotiated)


def enable_client_permessage_deflate(
    extensions: Sequence[ClientExtensionFactory] | None,
) -> Sequence[ClientExtensionFactory]:
    """Return *extensions* with permessage-deflate in its default form, unless they have it."""
    return _with_deflate(extensions, ClientPerMessageDeflateFactory())


def enable_server_permessage_deflate(
    extensions: Sequence[ServerExtensionFactory] | None,
) -> Sequence[ServerExtensionFactory]:
    """Return *extensions* with permessage-deflate in its default form, unless they have it.

    The default limits both windows to 12 bits.
    """
    factory = ServerPerMessageDeflateFactory(server_max_window_bits=12, client_max_window_bits=12)
    return _with_deflate(extensions, factory)


def _with_deflate(extensions: Sequence[Any] | None, factory: _Factory) -> Sequence[Any]:
    if extensions is None:
        extensions = []
    if any(extension.name == factory.name for extension in extensions):
        return extensions
    return [*extensions, factory]


def _check_bits(name: str, bits: int) -> None:
    if isinstance(bits, bool) or not MIN_WINDOW_BITS <= bits <= MAX_WINDOW_BITS:
        raise ValueError(f"{name}={bits!r} must be between {MIN_WINDOW_BITS} and {MAX_WINDOW_BITS}")


def _levels(compress_settings: dict[Any, Any] | None, window: str) -> tuple[int, int]:
    """Return zlib's level and memory level of *compress_settings*.

    :param window: the parameter that sets what ``wbits`` would.
    """
    settings = dict(compress_settings or {})
    level, mem_level = settings.pop("level", 5), settings.pop("memLevel", 5)
    if "wbits" in settings:
        raise ValueError(f"compress_settings must not include wbits; set {window} instead")
    if settings:
        raise ValueError(
            f"compress_settings has {', '.join(map(repr, settings))}; it may have level, -1 to 9,"
            " and memLevel, 1 to 9"
        )
    DeflateOptions(level=level, mem_level=mem_level)  # checks their ranges
    return level, mem_level
