"""``aiohttp.worker``: workers of gunicorn."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(__name__, "GunicornUVLoopWebWorker GunicornWebWorker")
