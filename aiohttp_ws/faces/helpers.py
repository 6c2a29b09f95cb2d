"""``aiohttp.helpers``: what several parts share."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(__name__, "BasicAuth ChainMapProxy", whole="helpers")
