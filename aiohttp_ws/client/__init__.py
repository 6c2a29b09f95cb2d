"""The HTTP and WebSocket client."""

import typing

from .. import exports
from ..errors.client import *
from .connector import *
from .cookiejar import *
from .fingerprint import *
from .oneshot import *
from .pipe_connector import *
from .request import *
from .request_info import *
from .resolver import *
from .response import *
from .session import *
from .tcp_connector import *
from .timeouts import *
from .unix_connector import *
from .upload import *
from .websocket import *

if not typing.TYPE_CHECKING:
    __all__ = exports.imported_names(__name__)
