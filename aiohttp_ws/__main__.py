"""``python -m aiohttp_ws``: see :mod:`aiohttp_ws.command_line`."""

import sys

from .command_line import main

if __name__ == "__main__":
    sys.exit(main())
