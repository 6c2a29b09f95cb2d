"""The types of arguments and of handlers, under the names that they have in aiohttp.

They belong to several floors, so this is above them: nothing in the package imports them from
here.
"""

from typing import TYPE_CHECKING

from . import argument_types as _argument_types
from . import exports as _exports
from .argument_types import *

if TYPE_CHECKING:
    from .web.interfaces import Handler as Handler
    from .web.interfaces import Middleware as Middleware
else:
    # The server is imported when one of its types is asked for.
    __getattr__, __dir__ = _exports.lazily(
        __name__,
        alone={"Handler": "web.interfaces", "Middleware": "web.interfaces"},
        own=_argument_types.__all__,
    )
