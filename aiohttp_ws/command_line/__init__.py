"""The client that ``python -m aiohttp_ws URI`` starts."""

from .program import main

__all__ = ("main",)
