"""Which release of websockets this package stands in for.

Programs compare it to learn what the interface offers: it is that of websockets, not of
aiohttp_ws, whose own version :data:`aiohttp_ws.__version__` has.
"""

from ..version import __version__

__all__ = ("commit", "released", "tag", "version")

#: The release of websockets whose interface this package has.
tag = "17.4"
#: The same.
version = tag
#: The same with the version of this package, as a local version (PEP 440).
commit = f"{tag}+aiohttp.ws.{__version__}"
#: Whether *version* is a release's.
released = True
