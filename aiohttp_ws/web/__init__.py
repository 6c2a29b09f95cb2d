"""The server framework: applications, requests, responses, routes, WebSockets."""

import typing

from .. import exports
from ..errors import PayloadAccessError as PayloadAccessError
from ..errors import RequestPayloadError as RequestPayloadError
from ..http.codings import *

# The files that are still being closed, for which aiohttp's own tests wait under this name.
from ..http.payload_files import CLOSING as _CLOSE_FUTURES  # noqa: F401
from ..ws.types import WSCloseCode as WSCloseCode
from ..ws.types import WSMessage as WSMessage
from ..ws.types import WSMsgType as WSMsgType
from .access_log import *
from .access_log import access_logger as access_logger
from .app_keys import *
from .application import *
from .base_request import *
from .cleanup import *
from .connection import RequestHandler as RequestHandler
from .dispatcher import *
from .exceptions import *
from .filefield import *
from .filefield import SPOOL_AT as _FILE_SPOOL_MAX_SIZE  # noqa: F401 - aiohttp's tests ask
from .fileresponse import *
from .interfaces import AbstractMatchInfo as AbstractMatchInfo
from .match_info import *
from .middlewares import *
from .request import *
from .resources import *
from .response import *
from .routedef import *
from .routes import *
from .run import *
from .runner import *
from .server import *
from .sites import *
from .static_files import *
from .stream_response import *
from .subapps import *
from .views import *
from .websocket import *
from .websocket_listener import *
from .websocket_opening import *

if not typing.TYPE_CHECKING:
    __all__ = exports.imported_names(__name__)
