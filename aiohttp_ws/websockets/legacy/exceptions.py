"""Exceptions of the first generation; those of its inner workings are raised nowhere here."""

from ..exceptions import InvalidStatusCode

__all__ = ("InvalidStatusCode",)
