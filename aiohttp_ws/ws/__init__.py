"""A live WebSocket connection, either side: frames, messages, and the types of both."""
