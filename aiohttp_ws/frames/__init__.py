"""The frame API: connect and serve with callbacks on frames."""

import typing

from .. import exports
from ..wire.url import WSParsedURL as WSParsedURL
from ..ws.listeners.upgrade import *
from .connect import *
from .server import *

if not typing.TYPE_CHECKING:
    __all__ = exports.imported_names(__name__)
