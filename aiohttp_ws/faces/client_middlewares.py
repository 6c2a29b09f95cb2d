"""``aiohttp.client_middlewares``: middlewares of the client."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "build_client_middlewares",
    imported="ClientHandlerType ClientMiddlewareType ClientRequest ClientResponse",
)
