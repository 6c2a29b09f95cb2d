"""``aiohttp.web_urldispatcher``: the router."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractMatchInfo AbstractResource AbstractRoute AbstractRouteDef AbstractRouter
    AbstractRuleMatching AbstractView Domain DynamicResource FileResponse HTTPException
    HTTPExpectationFailed HTTPForbidden HTTPMethodNotAllowed HTTPNotFound HttpVersion11
    MaskDomain MatchInfoError MatchedSubAppResource PlainResource PrefixResource
    PrefixedSubAppResource Request Resource ResourceRoute ResourcesView Response RoutesView
    StaticResource StreamResponse SystemRoute UrlDispatcher UrlMappingMatchInfo View
    """,
)
