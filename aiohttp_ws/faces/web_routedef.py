"""``aiohttp.web_routedef``: tables of routes."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractRouteDef RouteDef RouteTableDef StaticDef delete get head options patch post put
    route static view
    """,
    imported="AbstractView",
)
