"""What an extension is: a change of frames that both ends have negotiated (RFC 6455 9).

In the opening handshake a *factory* writes and reads the parameters of its extension; when both
ends accept it, the factory makes an :class:`Extension`, which then sees each frame that is sent
and received. Only :class:`~aiohttp_ws.websockets.client.ClientProtocol` and
:class:`~aiohttp_ws.websockets.server.ServerProtocol` run extensions written in Python: ``serve``
and ``connect`` handle frames in compiled code, which knows permessage-deflate.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..frames import Frame
from ..typing import ExtensionName, ExtensionParameter

__all__ = ("ClientExtensionFactory", "Extension", "ServerExtensionFactory")


class Extension:
    """An extension of one connection: a base class for your own.

    :cvar name: its name in ``Sec-WebSocket-Extensions``.
    """

    name: ExtensionName

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Return *frame* as it was before the peer encoded it.

        :param max_size: bytes that its payload may have; ``None`` for any number.
        :raises PayloadTooBig: the payload exceeds *max_size*.
        :raises ProtocolError: the extension does not allow *frame*.
        """
        raise NotImplementedError(f"{type(self).__name__}.decode()")

    def encode(self, frame: Frame) -> Frame:
        """Return *frame* as it is to be sent."""
        raise NotImplementedError(f"{type(self).__name__}.encode()")


class ClientExtensionFactory:
    """A client's half of the negotiation of an extension: a base class for your own.

    :cvar name: the extension's name.
    """

    name: ExtensionName

    def get_request_params(self) -> Sequence[ExtensionParameter]:
        """Return the parameters to offer."""
        raise NotImplementedError(f"{type(self).__name__}.get_request_params()")

    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> Extension:
        """Return the extension that the server has accepted.

        :param params: the parameters in its response.
        :param accepted_extensions: the extensions that come earlier in the response.
        :raises NegotiationError: *params* do not match the offer.
        """
        raise NotImplementedError(f"{type(self).__name__}.process_response_params()")


class ServerExtensionFactory:
    """A server's half of the negotiation of an extension: a base class for your own.

    :cvar name: the extension's name.
    """

    name: ExtensionName

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], Extension]:
        """Return the parameters to answer with, and the extension.

        :param params: the parameters that the client offers.
        :param accepted_extensions: the extensions that were accepted before.
        :raises NegotiationError: the offer is declined; other offers may still be accepted.
        """
        raise NotImplementedError(f"{type(self).__name__}.process_request_params()")
