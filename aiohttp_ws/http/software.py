"""What this side calls itself in ``Server`` and ``User-Agent`` (RFC 9110 10.1.5, 10.2.4)."""

from __future__ import annotations

import sys
from typing import Final

from ..version import __version__

__all__ = ("SERVER_SOFTWARE",)

SERVER_SOFTWARE: Final = "Python/{0.major}.{0.minor} aiohttp_ws/{1}".format(
    sys.version_info, __version__
)
