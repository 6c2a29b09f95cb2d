"""The proxies that the environment names, or the system's settings on Windows and macOS."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ("environment_proxy",)


def environment_proxy(host: str, port: int | None, names: Iterable[str]) -> str | None:
    """The URL of the proxy for *host* and *port*, ``None`` to go there directly.

    :param names: the first of the variables ``{name}_proxy`` that is set counts; in lower or
        upper case. ``no_proxy`` names hosts to go to directly.
    """
    import urllib.request  # Most programs have no proxy.

    if urllib.request.proxy_bypass(host if port is None else f"{host}:{port}"):
        return None
    known = urllib.request.getproxies()
    for name in names:
        proxy = known.get(name)
        if not proxy:
            continue
        if name == "socks" and proxy.startswith("http://"):
            # How Windows and macOS give the address of a SOCKS proxy.
            return f"socks5h://{proxy.removeprefix('http://')}"
        # As curl has it, an address alone is that of an HTTP proxy.
        return proxy if "://" in proxy else f"http://{proxy}"
    return None
