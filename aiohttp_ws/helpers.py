"""Names that aiohttp has in its module ``helpers``; each is defined in the part that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from propcache.api import under_cached_property as reify

from . import exports as _exports

if TYPE_CHECKING:
    from .client.timeouts import NoTimer as TimerNoop
    from .client.unset import UNSET as sentinel
    from .http.auth import BasicAuth as BasicAuth
    from .http.auth import encode_basic_auth as encode_basic_auth
    from .http.auth import strip_auth_from_url as strip_auth_from_url
    from .http.dates import current_http_date as rfc822_formatted_time
    from .http.dates import parse_http_date as parse_http_date
    from .http.disposition import content_disposition_header as content_disposition_header
    from .http.forms import FormData as FormData
    from .http.headers import ContentFields as HeadersMixin
    from .http.headers import ETag as ETag
    from .http.media_types import MimeType as MimeType
    from .http.media_types import parse_mimetype as parse_mimetype
    from .http.payload_files import named as guess_filename
    from .http.streams import DEFAULT_CHUNK_SIZE as DEFAULT_CHUNK_SIZE
    from .web.app_keys import AppKey as AppKey
    from .web.app_keys import RequestKey as RequestKey
    from .web.app_keys import ResponseKey as ResponseKey

    __all__ = (
        "DEFAULT_CHUNK_SIZE",
        "AppKey",
        "BasicAuth",
        "ETag",
        "FormData",
        "HeadersMixin",
        "MimeType",
        "RequestKey",
        "ResponseKey",
        "TimerNoop",
        "content_disposition_header",
        "encode_basic_auth",
        "guess_filename",
        "parse_http_date",
        "parse_mimetype",
        "reify",
        "rfc822_formatted_time",
        "sentinel",
        "strip_auth_from_url",
    )
else:
    __getattr__, __dir__ = _exports.face(
        __name__,
        "BasicAuth ChainMapProxy encode_basic_auth",
        imported="AppKey ETag FormData RequestKey ResponseKey reify",
        alone={
            "DEFAULT_CHUNK_SIZE": "http.streams",
            "HeadersMixin": "http.headers:ContentFields",
            "MimeType": "http.media_types",
            "TimerNoop": "client.timeouts:NoTimer",
            "_basic_auth_no_warn": "http.auth:BasicAuth",
            "content_disposition_header": "http.disposition",
            "guess_filename": "http.payload_files:named",
            "parse_http_date": "http.dates",
            "rfc822_formatted_time": "http.dates:current_http_date",
            "parse_mimetype": "http.media_types",
            "sentinel": "client.unset:UNSET",
            "strip_auth_from_url": "http.auth",
        },
    )
