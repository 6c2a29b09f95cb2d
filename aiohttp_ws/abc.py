"""Abstract base classes: what a replacement of one of our parts has to provide.

The names are those of ``aiohttp.abc``. Each class belongs to the package that calls it, so
this is above them: nothing in the package imports them from here.
"""

import typing

from . import exports
from .client.interfaces import *
from .http.interfaces import *
from .web.interfaces import *

if not typing.TYPE_CHECKING:
    __all__ = exports.imported_names(__name__)
