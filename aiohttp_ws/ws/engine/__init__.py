"""A live connection: reading and writing frames, control frames, keepalive, sending."""
