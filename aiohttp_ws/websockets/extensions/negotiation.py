"""The negotiation of extensions on headers (RFC 6455 9.1), for connections without I/O.

``serve`` and ``connect`` do not come here: what their engine runs is negotiated by
:mod:`aiohttp_ws.wire.deflate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import HandshakeError
from ...wire.deflate import DeflateOptions
from ...wire.extensions import format_extension, parse_extensions
from ..exceptions import NegotiationError
from ..refusals import explained
from .base import ClientExtensionFactory, Extension, ServerExtensionFactory
from .permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

__all__ = ("accept_offers", "check_response", "client_factories", "offer", "server_factories")


def client_factories(extensions: Sequence[Any] | None) -> list[ClientExtensionFactory]:
    """Return the factories that a client's ``extensions=`` stands for.

    :raises TypeError: an element is not a client's factory, nor :class:`DeflateOptions`.
    """
    return [
        ClientPerMessageDeflateFactory().with_options(extension)
        if isinstance(extension, DeflateOptions)
        else _checked(extension, "process_response_params", "ClientExtensionFactory")
        for extension in extensions or ()
    ]


def server_factories(extensions: Sequence[Any] | None) -> list[ServerExtensionFactory]:
    """Return the factories that a server's ``extensions=`` stands for.

    :raises TypeError: an element is not a server's factory, nor :class:`DeflateOptions`.
    """
    return [
        ServerPerMessageDeflateFactory().with_options(extension)
        if isinstance(extension, DeflateOptions)
        else _checked(extension, "process_request_params", "ServerExtensionFactory")
        for extension in extensions or ()
    ]


def _checked(extension: Any, method: str, base: str) -> Any:
    # By its methods: websockets' own factories are as good.
    if isinstance(extension, type) or not hasattr(extension, method):
        raise TypeError(f"extension {extension!r} has no {method}(); pass an instance of a {base}")
    return extension


def offer(factories: Sequence[ClientExtensionFactory]) -> str | None:
    """Return the value of a request's ``Sec-WebSocket-Extensions``; ``None`` for no header."""
    offered = [
        format_extension(factory.name, factory.get_request_params()) for factory in factories
    ]
    return ", ".join(offered) or None


def accept_offers(
    header: str, factories: Sequence[ServerExtensionFactory]
) -> tuple[str | None, list[Extension]]:
    """Accept what a server has among the offers of a client, in the client's order.

    :param header: the request's ``Sec-WebSocket-Extensions``, lines joined with commas.
    :return: the value of the response's header, ``None`` for no header, and the extensions.
    :raises InvalidHeaderFormat: *header* does not follow its grammar.
    """
    answers: list[str] = []
    accepted: list[Extension] = []
    for name, params in _parsed(header):
        for factory in factories:
            if factory.name != name:
                continue
            try:
                answer, extension = factory.process_request_params(params, accepted)
            except NegotiationError:
                continue  # this offer is declined; another may be acceptable
            answers.append(format_extension(name, answer))
            accepted.append(extension)
            break
    return ", ".join(answers) or None, accepted


def check_response(header: str, factories: Sequence[ClientExtensionFactory]) -> list[Extension]:
    """Return the extensions that a server has accepted, in its order.

    :param header: the response's ``Sec-WebSocket-Extensions``, lines joined with commas.
    :raises InvalidHeaderFormat: *header* does not follow its grammar.
    :raises NegotiationError: it has an extension that was not offered, or other parameters.
    """
    accepted: list[Extension] = []
    for name, params in _parsed(header):
        refused: NegotiationError | None = None
        for factory in factories:
            if factory.name != name:
                continue
            try:
                accepted.append(factory.process_response_params(params, accepted))
            except NegotiationError as exc:
                refused = exc
                continue
            break
        else:
            raise refused or NegotiationError(f"{name} was not offered: {header}")
    return accepted


def _parsed(header: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    try:
        return parse_extensions(header)
    except HandshakeError as exc:
        raise explained(exc) from exc
