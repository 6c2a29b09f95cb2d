"""``aiohttp.client_middlewares``: middlewares of the client."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    imported="ClientHandlerType ClientMiddlewareType ClientRequest ClientResponse",
    alone={"build_client_middlewares": "client.sending"},
)
