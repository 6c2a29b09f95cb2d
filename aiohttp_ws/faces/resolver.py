"""``aiohttp.resolver``: resolvers."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "AsyncResolver DefaultResolver ThreadedResolver",
    imported="AbstractResolver ResolveResult",
)
