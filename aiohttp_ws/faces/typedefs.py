"""``aiohttp.typedefs``: types of arguments and handlers."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    whole="typedefs",
)
