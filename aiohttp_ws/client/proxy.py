"""The proxy of a request: how it is asked, and what it is told."""

from __future__ import annotations

import dataclasses
import logging
import os
import sys
from pathlib import Path

from multidict import CIMultiDict
from yarl import URL

from ..argument_types import LooseHeaders, StrOrURL
from ..errors import InvalidURL, WSInvalidURL
from ..http.auth import BasicAuth
from ..net.dial import is_socks, parse_proxy
from ..net.proxies import environment_proxy
from ..wire.url import WSParsedURL, basic_authorization

__all__ = ("Proxy", "login_from_netrc", "proxy_from_environment", "proxy_of")

logger = logging.getLogger("aiohttp_ws.client")


@dataclasses.dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy and the way through it; requests that differ in it do not share connections.

    :param url: its URL, with the login.
    :param headers: what an HTTP proxy is told, its ``Proxy-Authorization`` too.
    :param tunnels: whether the connection leads to the server: by SOCKS, or by HTTP's ``CONNECT``.
        Otherwise the proxy is sent the request, whose target is the whole URL (RFC 9112 3.2.2).
    """

    url: WSParsedURL = dataclasses.field(repr=False)
    headers: tuple[tuple[str, str], ...] = dataclasses.field(repr=False)
    tunnels: bool


def proxy_of(
    proxy: StrOrURL, auth: BasicAuth | None, headers: LooseHeaders | None, *, tunnels: bool
) -> Proxy:
    """What ``proxy=``, ``proxy_auth=`` and ``proxy_headers=`` mean for a request.

    :param tunnels: the request is not one that an HTTP proxy can be sent.

    :raises InvalidURL: *proxy* is not the URL of a proxy.
    :raises ValueError: *auth* is not a :class:`BasicAuth`.
    """
    if auth is not None and not isinstance(auth, BasicAuth):
        raise ValueError(f"proxy_auth is {type(auth).__name__}, pass a BasicAuth or None")
    if not isinstance(proxy, (str, URL)):
        raise TypeError(f"proxy={proxy!r} is not a URL or a str")
    try:
        parsed = parse_proxy(str(proxy))
    except WSInvalidURL as exc:
        scheme, _, rest = str(proxy).partition("//")
        # A password is not for logs.
        shown = f"{scheme}//{rest.rpartition('@')[2]}" if rest else scheme
        raise InvalidURL(shown, f"it is not the URL of a proxy: {exc.args[1]}") from None
    if auth is not None:
        parsed = dataclasses.replace(parsed, username=auth.login, password=auth.password)
    told = CIMultiDict(headers or ())
    if parsed.username is not None and "Proxy-Authorization" not in told:
        login = basic_authorization(parsed.username, parsed.password or "")
        told["Proxy-Authorization"] = login if auth is None else auth.encode()
    return Proxy(parsed, tuple(told.items()), tunnels or is_socks(parsed))


def proxy_from_environment(url: URL) -> str | None:
    """The proxy that ``http_proxy``, ``https_proxy``, ``ws_proxy`` or ``wss_proxy`` names."""
    return environment_proxy(url.raw_host or "", url.port, (url.scheme,))


def login_from_netrc(host: str) -> BasicAuth | None:
    """The login for *host* in the file that ``NETRC`` names, or in ``~/.netrc``."""
    import netrc  # Few programs have one.

    named = os.environ.get("NETRC")
    try:
        path = Path(named or "~/_netrc" if sys.platform == "win32" else named or "~/.netrc")
        found = netrc.netrc(str(path.expanduser())).authenticators(host)
    except (OSError, RuntimeError, netrc.NetrcParseError) as exc:
        if named is not None or isinstance(exc, netrc.NetrcParseError):
            logger.warning("no logins from the netrc file: %s", exc)
        return None
    if found is None:
        return None
    login, account, password = found
    return BasicAuth(login or account or "", password or "")
