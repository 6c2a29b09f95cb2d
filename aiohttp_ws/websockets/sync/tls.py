"""TLS on a blocking socket that one thread reads while others write.

An :class:`ssl.SSLSocket` may not be used by two threads at a time, and a thread that waits inside
its ``recv()`` would keep all others from sending. Here OpenSSL works on memory, under a lock, and
nobody holds the lock while waiting for the network.
"""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any

from .utils import Deadline

__all__ = ("TLSSocket",)

_SIZE = 65536


class TLSSocket:
    """What a connection uses of a socket, with TLS.

    :param sock: a connected socket, or another :class:`TLSSocket`.
    :param context: the context.
    :param server_side: which side this is.
    :param server_hostname: the name that the server's certificate must have.
    """

    def __init__(
        self,
        sock: socket.socket | TLSSocket,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
    ) -> None:
        self._sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side, server_hostname)
        self._lock = threading.Lock()
        # Records have to leave in the order in which they were made.
        self._sending = threading.Lock()

    def do_handshake(self, deadline: Deadline) -> None:
        """Do the handshake of TLS.

        :raises ssl.SSLError: it fails.
        :raises TimeoutError: it does not end in time.
        :raises ConnectionResetError: the peer ends the connection.
        """
        while True:
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                pass
            finally:
                self._flush()
            self._sock.settimeout(deadline.timeout())
            data = self._sock.recv(_SIZE)
            if not data:
                raise ConnectionResetError("connection closed during the TLS handshake")
            self._incoming.write(data)

    def recv(self, size: int) -> bytes:
        """Wait for data; ``b""`` is the end, with or without TLS's close_notify."""
        while True:
            try:
                with self._lock:
                    data = self._tls.read(size)
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            else:
                return data
            if self._outgoing.pending:
                self._flush()
            received = self._sock.recv(_SIZE)
            with self._lock:
                if received:
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()

    def sendall(self, data: bytes) -> None:
        """Send all of *data*."""
        with self._sending:
            with self._lock:
                self._tls.write(data)
                ciphertext = self._outgoing.read()
            self._sock.sendall(ciphertext)

    def _flush(self) -> None:
        with self._sending:
            with self._lock:
                ciphertext = self._outgoing.read()
            if ciphertext:
                self._sock.sendall(ciphertext)

    def shutdown(self, how: int) -> None:
        """Say that nothing follows (close_notify), and shut the socket down."""
        if how != socket.SHUT_RD and self._sending.acquire(blocking=False):
            try:
                with self._lock:
                    try:
                        self._tls.unwrap()
                    except (ssl.SSLError, ValueError):
                        pass  # The peer's close_notify is not here yet, or it never did TLS.
                    ciphertext = self._outgoing.read()
                self._sock.sendall(ciphertext)
            except OSError:
                pass
            finally:
                self._sending.release()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def settimeout(self, timeout: float | None) -> None:
        """Limit each operation of the socket to so many seconds."""
        self._sock.settimeout(timeout)

    def fileno(self) -> int:
        """The number of the socket's descriptor, -1 when it is closed."""
        return self._sock.fileno()

    def getsockname(self) -> Any:
        """The local address."""
        return self._sock.getsockname()

    def getpeername(self) -> Any:
        """The address of the peer."""
        return self._sock.getpeername()

    def getpeercert(self, binary_form: bool = False) -> Any:
        """The certificate of the peer, as :meth:`ssl.SSLSocket.getpeercert` has it."""
        return self._tls.getpeercert(binary_form)

    def selected_alpn_protocol(self) -> str | None:
        """The protocol that was agreed on, if any."""
        return self._tls.selected_alpn_protocol()

    def version(self) -> str | None:
        """The version of TLS, such as ``"TLSv1.3"``."""
        return self._tls.version()

    def cipher(self) -> tuple[str, str, int] | None:
        """The cipher's name, its protocol and its bits."""
        return self._tls.cipher()
