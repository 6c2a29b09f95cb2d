"""What this side calls itself in ``Server`` and ``User-Agent`` (RFC 9110 10.1.5, 10.2.4)."""

from __future__ import annotations

import sys
from typing import Final

from ..version import __version__

__all__ = ("SERVER_SOFTWARE",)

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SERVER_SOFTWARE: Final = f"Python/{_PYTHON} aiohttp_ws/{__version__}"
