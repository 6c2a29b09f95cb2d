"""``aiohttp.compression_utils``: which module compresses."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(__name__, "set_zlib_backend")
