"""``aiohttp.client_middleware_digest_auth``: digest authentication."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "DigestAuthChallenge DigestAuthMiddleware escape_quotes parse_header_pairs unescape_quotes",
    imported="ClientError ClientRequest ClientResponse Payload",
)
