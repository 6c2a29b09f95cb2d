"""Importing this module is :func:`aiohttp_ws.install_as_aiohttp`.

As the first line of a program, ``import aiohttp_ws.as_aiohttp``; for the tests of a package that
is to be left as it is, ``pytest -p aiohttp_ws.as_aiohttp``: pytest imports it before its plugins.
"""

from .installation import install_as_aiohttp

__all__ = ()

install_as_aiohttp()
