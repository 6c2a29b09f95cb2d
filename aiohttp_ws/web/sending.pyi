"""How the server's side of an HTTP connection writes responses."""

from ..http.writer import StreamWriter
from .reading import RequestReader

class ResponseSender(RequestReader):
    """Base of :class:`HTTPConnection`."""

    def send_file(self, file: int, start: int, size: int) -> int:
        """Let the kernel send a part of a file, as much of it as it takes at once.

        What was written before leaves before it.

        :param file: the file's descriptor.
        :param start: the first byte of the part, *size* the number of its bytes.
        :returns: how many bytes were taken; 0 where there has to be another way, which meets
            the error if there is one.
        """

class ResponseWriter(StreamWriter):
    """Writes the body of a response to a :class:`ResponseSender`."""
