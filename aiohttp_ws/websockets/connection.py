"""The state machine without input and output, under the module's name of earlier releases."""

from .protocol import SEND_EOF as SEND_EOF
from .protocol import Event as Event
from .protocol import Protocol as Connection
from .protocol import Side, State

__all__ = ("Connection", "Side", "State")
