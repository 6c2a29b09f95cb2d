"""``aiohttp.web_app``: applications."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    "Application CleanupContext CleanupError",
    imported="""
    AbstractAccessLogger AbstractMatchInfo AbstractResource AbstractRoute AbstractRouteDef
    AbstractRouter AbstractStreamWriter AccessLogger AppKey Domain MaskDomain
    MatchedSubAppResource Middleware NotAppKeyWarning PrefixedSubAppResource Request
    RequestHandler Server StreamReader StreamResponse SystemRoute UrlDispatcher
    """,
)
