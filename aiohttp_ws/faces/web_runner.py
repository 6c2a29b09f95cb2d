"""``aiohttp.web_runner``: runners and sites."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractAccessLogger AccessLogger AppRunner Application BaseRunner BaseSite GracefulExit
    NamedPipeSite Server ServerRunner SockSite TCPSite UnixSite
    """,
)
