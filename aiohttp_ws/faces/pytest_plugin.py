"""``aiohttp.pytest_plugin``: the types of the fixtures.

pytest is to load the fixtures once, under the name of the plugin that has them.
"""

from .. import exports as _exports

pytest_plugins = ("aiohttp_ws.pytest_plugin",)

__getattr__, __dir__ = _exports.face(
    __name__,
    alone=dict.fromkeys(("AiohttpClient", "AiohttpRawServer", "AiohttpServer"), "pytest_plugin"),
)
