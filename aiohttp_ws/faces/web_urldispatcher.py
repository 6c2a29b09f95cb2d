"""``aiohttp.web_urldispatcher``: the router."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AbstractResource AbstractRoute AbstractRuleMatching Domain DynamicResource MaskDomain
    MatchInfoError MatchedSubAppResource PlainResource PrefixResource PrefixedSubAppResource
    Resource ResourceRoute ResourcesView RoutesView StaticResource SystemRoute UrlDispatcher
    UrlMappingMatchInfo View
    """,
    imported="""
    AbstractMatchInfo AbstractRouteDef AbstractRouter AbstractView FileResponse HTTPException
    HTTPExpectationFailed HTTPForbidden HTTPMethodNotAllowed HTTPNotFound HttpVersion11 Request
    Response StreamResponse
    """,
)
