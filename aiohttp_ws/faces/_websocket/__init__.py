"""``aiohttp._websocket``: of its modules the one that programs reach into."""
