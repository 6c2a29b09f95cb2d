"""Every exception a user can see, by the part of the package that raises it.

The HTTP exceptions a handler raises as answers (``HTTPNotFound`` and its family) are
responses too and live in :mod:`aiohttp_ws.web`. Those of the message API are in
:mod:`aiohttp_ws.websockets.exceptions`.
"""

import typing

from .. import exports
from .client import *
from .faults import FaultKind as FaultKind
from .faults import ProtocolFault as ProtocolFault
from .frames import *
from .http import *
from .websocket import *

if not typing.TYPE_CHECKING:
    __all__ = exports.imported_names(__name__)
    # Tracebacks and pickles name the module that users import from.
    for _name in __all__:
        globals()[_name].__module__ = __name__
