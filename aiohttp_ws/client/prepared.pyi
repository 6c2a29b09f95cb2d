"""What is prepared once for the requests of a session: heads as bytes, keys of connections."""

from typing import Final

from multidict import CIMultiDict
from yarl import URL

from .connector import BaseConnector
from .request import ClientRequest
from .response import ClientResponse
from .session import ClientSession

SETTINGS: Final[tuple[str, ...]]
"""The attributes of a session whose change makes what was prepared wrong."""

def remember(
    session: type[ClientSession],
    request: type[ClientRequest],
    response: type[ClientResponse],
    connector: type[BaseConnector],
) -> None:
    """Take note of the classes as they are, before anybody can have patched them."""

class Asked:
    """A request that was sent from prepared parts."""

    session: Final[ClientSession]
    method: Final[str]
    original_url: Final[URL]
    headers: Final[CIMultiDict[str]]
    body: Final[bytes | None]
    content_type: Final[str | None]
    skip: Final[frozenset[str]]

    def as_request(self) -> ClientRequest:
        """The request as an object, made now."""

class Prepared:
    """What the requests of one session have in common, for as long as its settings stay."""
