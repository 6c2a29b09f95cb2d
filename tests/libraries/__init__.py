"""Real packages' test suites, on aiohttp and websockets and on this package under their names."""
