"""``aiohttp.web_runner``: runners and sites."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AppRunner BaseRunner BaseSite GracefulExit NamedPipeSite ServerRunner SockSite TCPSite
    UnixSite
    """,
    imported="AbstractAccessLogger AccessLogger Application Server",
)
