"""``aiohttp.web_exceptions``: HTTP exceptions."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    HTTPAccepted HTTPBadGateway HTTPBadRequest HTTPClientError HTTPConflict HTTPCreated
    HTTPError HTTPException HTTPExpectationFailed HTTPFailedDependency HTTPForbidden HTTPFound
    HTTPGatewayTimeout HTTPGone HTTPInsufficientStorage HTTPInternalServerError
    HTTPLengthRequired HTTPMethodNotAllowed HTTPMisdirectedRequest HTTPMove HTTPMovedPermanently
    HTTPMultipleChoices HTTPNetworkAuthenticationRequired HTTPNoContent
    HTTPNonAuthoritativeInformation HTTPNotAcceptable HTTPNotExtended HTTPNotFound
    HTTPNotImplemented HTTPNotModified HTTPOk HTTPPartialContent HTTPPaymentRequired
    HTTPPermanentRedirect HTTPPreconditionFailed HTTPPreconditionRequired
    HTTPProxyAuthenticationRequired HTTPRedirection HTTPRequestEntityTooLarge
    HTTPRequestHeaderFieldsTooLarge HTTPRequestRangeNotSatisfiable HTTPRequestTimeout
    HTTPRequestURITooLong HTTPResetContent HTTPSeeOther HTTPServerError HTTPServiceUnavailable
    HTTPSuccessful HTTPTemporaryRedirect HTTPTooManyRequests HTTPUnauthorized
    HTTPUnavailableForLegalReasons HTTPUnprocessableEntity HTTPUnsupportedMediaType
    HTTPUpgradeRequired HTTPUseProxy HTTPVariantAlsoNegotiates HTTPVersionNotSupported
    NotAppKeyWarning
    """,
    imported="Response",
)
