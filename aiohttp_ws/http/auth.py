"""Basic authentication (RFC 7617): credentials to and from the ``Authorization`` header."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from yarl import URL

__all__ = ("BasicAuth", "encode_basic_auth")


def encode_basic_auth(login: str, password: str = "", encoding: str = "utf-8") -> str:
    """Return the value of an ``Authorization`` header for *login* and *password*.

    :param encoding: how the pair becomes bytes; RFC 7617 recommends UTF-8.
    :raises ValueError: when *login* holds a colon, which would end it early.
    """
    if ":" in login:
        raise ValueError(
            f"login {login!r} holds a colon, which ends the login (RFC 7617 2); remove it"
        )
    token = base64.b64encode(f"{login}:{password}".encode(encoding))
    return f"Basic {token.decode('ascii')}"


def strip_auth_from_url(url: URL) -> tuple[URL, BasicAuth | None]:
    """Return *url* without its login, and the login; ``None`` when it has none."""
    auth = BasicAuth.from_url(url)
    return (url, None) if auth is None else (url.with_user(None), auth)


class _Credentials(NamedTuple):
    login: str
    password: str = ""
    encoding: str = "latin1"


class BasicAuth(_Credentials):
    """A login, a password and the encoding that makes bytes of them.

    :param encoding: ``latin1`` by default, as servers of RFC 2617's time expect.
    :raises ValueError: for ``None`` and for a login with a colon in it.
    """

    __slots__ = ()

    def __new__(cls, login: str, password: str = "", encoding: str = "latin1") -> BasicAuth:
        if login is None:
            raise ValueError("None is not allowed as login value; pass a str")
        if password is None:
            raise ValueError("None is not allowed as password value; pass a str")
        if ":" in login:
            raise ValueError(f'A ":" is not allowed in login {login!r} (RFC 7617 2)')
        return super().__new__(cls, login, password, encoding)

    @classmethod
    def decode(cls, auth_header: str, encoding: str = "latin1") -> BasicAuth:
        """Take the credentials out of an ``Authorization`` header's value.

        :raises ValueError: when the scheme is another one or the value is malformed.
        """
        scheme, separator, token = auth_header.partition(" ")
        if not separator:
            raise ValueError("Authorization header has a scheme and nothing after it")
        if scheme.lower() != "basic":
            raise ValueError(f"Authorization scheme is {scheme!r}, not Basic")
        try:
            decoded = base64.b64decode(token.strip().encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise ValueError("Basic credentials are not valid base64") from None
        try:
            pair = decoded.decode(encoding)
        except UnicodeDecodeError:
            raise ValueError(f"Basic credentials are not valid {encoding}") from None
        login, separator, password = pair.partition(":")
        if not separator:
            raise ValueError("Basic credentials have no colon after the login (RFC 7617 2)")
        return cls(login, password, encoding=encoding)

    @classmethod
    def from_url(cls, url: URL, *, encoding: str = "latin1") -> BasicAuth | None:
        """Return the credentials that *url* carries, or ``None`` when it carries none."""
        if not isinstance(url, URL):
            raise TypeError(f"url is {type(url).__name__}, pass a yarl.URL")
        if url.user is None and url.password is None:
            return None
        return cls(url.user or "", url.password or "", encoding=encoding)

    def encode(self) -> str:
        """Return the value of the ``Authorization`` header."""
        return encode_basic_auth(self.login, self.password, self.encoding)
