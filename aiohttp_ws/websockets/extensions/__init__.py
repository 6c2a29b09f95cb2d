"""Extensions: what they are built from, and :mod:`permessage-deflate <.permessage_deflate>`."""

from .base import ClientExtensionFactory, Extension, ServerExtensionFactory

__all__ = ("ClientExtensionFactory", "Extension", "ServerExtensionFactory")
