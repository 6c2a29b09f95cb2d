"""The opening handshake (RFC 6455 4): its decisions, and how a connection begins after it."""
