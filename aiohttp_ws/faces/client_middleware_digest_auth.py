"""``aiohttp.client_middleware_digest_auth``: digest authentication."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "DigestAuthMiddleware",
    imported="ClientError ClientRequest ClientResponse Payload",
    alone={
        "DigestAuthChallenge": "client.digest_auth",
        "DigestFunctions": "client.digest_auth",
        "escape_quotes": "client.digest_auth",
        "parse_header_pairs": "client.digest_auth",
        "unescape_quotes": "client.digest_auth",
    },
)
