"""Logging in with HTTP Digest (RFC 7616), as a middleware of a session."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypedDict

from multidict import CIMultiDict
from yarl import URL

from .. import hdrs
from ..errors import ClientError
from ..http.payload import Payload

if TYPE_CHECKING:
    from .request import ClientRequest
    from .response import ClientResponse
    from .sending import ClientHandlerType

__all__ = ("DigestAuthMiddleware",)

# RFC 9110 11.2: a scheme, or a parameter whose value is a token or a quoted string.
_PART = re.compile(
    r"""[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+)))?"""
)
_ESCAPED = re.compile(r"\\(.)")


class DigestAuthChallenge(TypedDict, total=False):
    """The parameters of a challenge that count (RFC 7616 3.3)."""

    realm: str
    nonce: str
    qop: str
    algorithm: str
    opaque: str
    domain: str
    stale: str


_FIELDS = tuple(DigestAuthChallenge.__annotations__)

#: The hash functions by the algorithm that a server names, in upper case.
DigestFunctions: dict[str, Callable[[bytes], Any]] = {
    name + session: function
    for name, function in (
        ("MD5", hashlib.md5),
        ("SHA", hashlib.sha1),
        ("SHA256", hashlib.sha256),
        ("SHA-256", hashlib.sha256),
        ("SHA512", hashlib.sha512),
        ("SHA-512", hashlib.sha512),
    )
    for session in ("", "-SESS")
}


def escape_quotes(value: str) -> str:
    """Make *value* fit between the quotes of a quoted string (RFC 9110 5.6.4)."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


def unescape_quotes(value: str) -> str:
    """Undo :func:`escape_quotes`."""
    return _ESCAPED.sub(r"\1", value)


def challenges(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The challenges of a ``WWW-Authenticate`` header: scheme, in lower case, and parameters.

    What comes before the first scheme belongs to a scheme without a name.
    """
    scheme, parameters = "", dict[str, str]()
    for match in _PART.finditer(header):
        name, quoted, plain = match.groups()
        if quoted is not None:
            parameters[name] = unescape_quotes(quoted)
        elif plain is not None:
            parameters[name] = plain
        else:
            if scheme or parameters:
                yield scheme, parameters
            scheme, parameters = name.lower(), {}
    if scheme or parameters:
        yield scheme, parameters


def parse_header_pairs(header: str) -> dict[str, str]:
    """The parameters of the first challenge in a ``WWW-Authenticate`` header that has any."""
    return next((found for _, found in challenges(header) if found), {})


class DigestAuthMiddleware:
    """Answers a server's Digest challenge with a login; for ``middlewares=`` of a session.

    The login is for the origin of the first request, and for what that origin names as part of its
    protection space (``domain``). Requests to other origins pass without it.

    The hash functions are MD5, SHA-1, SHA-256 and SHA-512, with ``-sess`` or without; the quality
    of protection is ``auth-int`` where the server offers it, else ``auth``. Where the server sends
    several challenges, the first is answered whose hash function is known.

    A request whose body cannot be sent twice is not repeated: its response is the 401.

    :param login: the name; without a colon.
    :param password: the password.
    :param preemptive: log in with the last challenge before a server asks (RFC 7616 3.6).
    :raises ValueError: for a name with a colon, or ``None``.
    """

    def __init__(self, login: str, password: str, preemptive: bool = True) -> None:
        for what, value in (("login", login), ("password", password)):
            if value is None:
                raise ValueError(f"None is not allowed as {what} value")
        if ":" in login:
            raise ValueError(
                f'A ":" is not allowed in username, and {login!r} has one (RFC 7617 2)'
            )
        self._login = login
        self._secret = password.encode()
        self._preemptive = preemptive
        self._challenge: DigestAuthChallenge = {}
        self._last_nonce_bytes = b""
        self._nonce_count = 0
        self._origin: URL | None = None
        # Absolute URLs; what begins with one of them is protected by the same challenge.
        self._protection_space: list[str] = []

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send *request*, once more where a challenge asks for it.

        :raises ClientError: a challenge is malformed, or offers only what is unknown.
        """
        url = request.url
        if self._origin is None:
            self._origin = url.origin()
        elif url.origin() != self._origin and not self._in_protection_space(url):
            return await handler(request)
        if self._preemptive and self._challenge and self._in_protection_space(url):
            await self._log_in(request)
        response = await handler(request)
        if not self._authenticate(response):
            return response
        body = request.body
        if isinstance(body, Payload) and body.consumed:
            return response
        response.release()
        await self._log_in(request)
        response = await handler(request)
        self._authenticate(response)  # The next request uses its nonce.
        return response

    async def _log_in(self, request: ClientRequest) -> None:
        request.headers[hdrs.AUTHORIZATION] = await self._encode(
            request.method, request.url, request.body
        )

    def _in_protection_space(self, url: URL) -> bool:
        asked = str(url)
        return any(
            asked.startswith(space) and (space[-1] == "/" or asked[len(space) :][:1] in ("", "/"))
            for space in self._protection_space
        )

    def _authenticate(self, response: ClientResponse) -> bool:
        """Take up the challenge of *response*; whether there is one."""
        if response.status != 401:
            return False
        offered = [
            parameters
            for header in CIMultiDict(response.headers).getall(hdrs.WWW_AUTHENTICATE, ())
            for scheme, parameters in challenges(header)
            if scheme == "digest" and parameters
        ]
        if not offered:
            return False
        known = (each for each in offered if _algorithm(each) in DigestFunctions)
        chosen = next(known, offered[0])
        self._challenge = {  # type: ignore[assignment]
            name: chosen[name] for name in _FIELDS if name in chosen
        }
        if not self._challenge:
            return False
        origin = response.url.origin()
        spaces = (
            _joined(origin, uri)
            for uri in self._challenge.get("domain", "").replace('"', "").split()
        )
        self._protection_space = [each for each in spaces if each] or [str(origin)]
        return True

    async def _encode(self, method: str, url: URL, body: Payload | bytes) -> str:
        """The ``Authorization`` header that answers the challenge (RFC 7616 3.4)."""
        challenge = self._challenge
        for name in ("realm", "nonce"):
            if name not in challenge:
                raise ClientError(
                    f"Malformed Digest auth challenge: Missing {name!r} parameter, required by"
                    " RFC 7616 3.3"
                )
        realm, nonce = challenge["realm"], challenge["nonce"]
        if not nonce:
            # It would make every answer one that can be replayed.
            raise ClientError("Digest auth challenge contains empty 'nonce' value")
        algorithm = _algorithm(challenge)
        function = DigestFunctions.get(algorithm)
        if function is None:
            raise ClientError(
                f"Unsupported hash algorithm {algorithm!r} in a Digest challenge; known are"
                f" {', '.join(sorted(DigestFunctions))}"
            )
        qop = _quality(challenge.get("qop", ""))

        def digest(*parts: str | bytes) -> str:
            joined = b":".join(p if isinstance(p, bytes) else _encoded(p) for p in parts)
            return str(function(joined).hexdigest())

        self._nonce_count += 1
        if _encoded(nonce) != self._last_nonce_bytes:
            self._last_nonce_bytes, self._nonce_count = _encoded(nonce), 1
        count = f"{self._nonce_count:08x}"
        cnonce = hashlib.sha1(os.urandom(16)).hexdigest()[:16]
        # What the server sees and signs too: the target as it is sent.
        target = url.raw_path_qs
        secret = digest(self._login, realm, self._secret)
        if algorithm.endswith("-SESS"):
            secret = digest(secret, nonce, cnonce)
        signed: list[str | bytes] = [method.upper(), target]
        if qop == "auth-int":
            content = await body.as_bytes() if isinstance(body, Payload) else body
            signed.append(digest(content))
        middle = (nonce, count, cnonce, qop) if qop else (nonce,)
        fields = {
            "username": self._login,
            "realm": realm,
            "nonce": nonce,
            "uri": target,
            "response": digest(secret, *middle, digest(*signed)),
        }
        if challenge.get("opaque"):
            fields["opaque"] = challenge["opaque"]
        if qop:
            fields["cnonce"] = cnonce
        quoted = [f'{name}="{escape_quotes(value)}"' for name, value in fields.items()]
        # RFC 7616 3.4: these are not quoted.
        plain = [f"algorithm={challenge.get('algorithm', 'MD5')}"]
        if qop:
            plain += [f"qop={qop}", f"nc={count}"]
        return f"Digest {', '.join(quoted + plain)}"


def _encoded(text: str) -> bytes:
    # As headers are: what is not UTF-8 stays as it came.
    return text.encode("utf-8", "surrogateescape")


def _joined(origin: URL, uri: str) -> str | None:
    try:
        return str(origin.join(URL(uri)))
    except ValueError:
        return None  # It protects nothing that can be asked for.


def _algorithm(challenge: Any) -> str:
    return str(challenge.get("algorithm", "MD5")).upper()


def _quality(offered: str) -> str:
    """The quality of protection to use, of those that are *offered*."""
    if not offered:
        return ""  # RFC 2069, which old servers speak
    choices = {choice.strip() for choice in offered.split(",")}
    for known in ("auth-int", "auth"):
        if known in choices:
            return known
    raise ClientError(
        f"Unsupported Quality of Protection (qop) {offered!r} in a Digest challenge; known are auth"
        " and auth-int"
    )
