"""Servers, clients and connections on asyncio, in modules named as those of websockets."""
