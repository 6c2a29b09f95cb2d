"""Extensions: what they are built from, and :mod:`permessage-deflate <.permessage_deflate>`."""

import typing

from ... import exports
from .base import *

if not typing.TYPE_CHECKING:
    __all__ = exports.imported_names(__name__)
