class Output:
    """Base of what writes to a connection."""

    @property
    def is_disconnected(self) -> bool: ...
