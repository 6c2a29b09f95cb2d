"""Names that aiohttp had in its module ``signals``: they are those of the package aiosignal."""

from aiosignal import Signal

__all__ = ("Signal",)
