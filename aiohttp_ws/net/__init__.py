"""Event loop and sockets: what stands below WebSocket and HTTP connections."""

# First of all: it says what to do where nothing is compiled.
from .. import wire as wire
