"""``aiohttp.helpers``: what several parts share."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AppKey BaseKey BaseTimerContext BasicAuth ChainMapProxy ETag EnsureOctetStream
    ErrorableProtocol HeadersMixin MimeType ProxyInfo RequestKey ResponseKey TimeoutHandle
    TimerContext TimerNoop basicauth_from_netrc calculate_timeout_when call_later ceil_timeout
    content_disposition_header encode_basic_auth get_env_proxy_for_url guess_filename
    is_canonical_ipv4_address is_ip_address must_be_empty_body netrc_from_env noop
    parse_content_type parse_http_date parse_mimetype proxies_from_env quoted_string reify
    rfc822_formatted_time sentinel set_exception set_result should_remove_content_length
    strip_auth_from_url validate_etag_value weakref_handle
    """,
)
