"""``aiohttp.formdata``: forms."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "FormData",
    imported="Payload",
)
