"""Importing this module is :func:`aiohttp_ws.install_as_websockets`.

As the first line of a program, ``import aiohttp_ws.as_websockets``; for the tests of a package
that is to be left as it is, ``pytest -p aiohttp_ws.as_websockets``.
"""

from .installation import install_as_websockets

__all__ = ()

install_as_websockets()
