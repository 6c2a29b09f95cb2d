"""permessage-deflate as ``extensions=`` takes it (RFC 7692); the engine does the rest.

:class:`~aiohttp_ws.DeflateOptions` says the same and more, and goes wherever these do.
"""

from __future__ import annotations

from typing import Any, Literal

from ...wire.deflate import DeflateOptions

__all__ = ("ClientPerMessageDeflateFactory", "ServerPerMessageDeflateFactory")


class _Factory:
    """The parameters of permessage-deflate that one end asks for.

    :param server_no_context_takeover: the server forgets its window after each message.
    :param client_no_context_takeover: the client does.
    :param server_max_window_bits: the limit of the server's window, 8 to 15.
    :param client_max_window_bits: that of the client's; for a client, ``True`` lets the server
        set it.
    :param compress_settings: ``level`` and ``memLevel`` of zlib; other keys are refused.
    """

    name = "permessage-deflate"

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | Literal[True] | None = None,
        compress_settings: dict[str, Any] | None = None,
    ) -> None:
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits
        self.client_max_window_bits = client_max_window_bits
        self.compress_settings = compress_settings

    def options(self) -> DeflateOptions:
        """The same as :class:`DeflateOptions`."""
        settings = dict(self.compress_settings or {})
        level = settings.pop("level", 5)
        mem_level = settings.pop("memLevel", 5)
        if settings:
            raise ValueError(
                f"compress_settings {settings!r} are not supported: level and memLevel are"
            )
        return DeflateOptions(
            self.server_no_context_takeover,
            self.client_no_context_takeover,
            self.server_max_window_bits,
            self.client_max_window_bits,
            level,
            mem_level,
        )


class ClientPerMessageDeflateFactory(_Factory):
    """What a client offers; ``client_max_window_bits`` is ``True`` by default."""

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


class ServerPerMessageDeflateFactory(_Factory):
    """What a server agrees to.

    :param require_client_max_window_bits: accepted for compatibility; a client that does not
        let the server limit its window is served with the window it has.
    """

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
        self.require_client_max_window_bits = require_client_max_window_bits
