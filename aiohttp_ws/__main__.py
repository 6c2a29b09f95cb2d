"""``python -m aiohttp_ws URI``: talk to a WebSocket server from a terminal or through a pipe."""

import sys

from .command_line import main

if __name__ == "__main__":
    sys.exit(main())
