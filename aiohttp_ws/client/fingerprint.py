"""Pinning a server's certificate by its digest, and the TLS contexts of requests."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import ssl
from collections.abc import Callable
from typing import Any

from ..errors import ServerFingerprintMismatch

__all__ = ("Fingerprint",)


class Fingerprint:
    """The SHA-256 digest that a server's certificate must have.

    Pass it as ``ssl=``: the certificate is then trusted by its digest and by nothing else.

    :param fingerprint: 32 bytes, the digest of the certificate in DER.
    :raises ValueError: for another length; MD5 and SHA-1 are refused as insecure.
    """

    HASHFUNC_BY_DIGESTLEN: dict[int, Callable[[bytes], Any]] = {
        16: hashlib.md5,
        20: hashlib.sha1,
        32: hashlib.sha256,
    }

    def __init__(self, fingerprint: bytes) -> None:
        length = len(fingerprint)
        hashfunc = self.HASHFUNC_BY_DIGESTLEN.get(length)
        if hashfunc is None:
            raise ValueError(f"fingerprint has {length} bytes, a SHA-256 digest has 32")
        if hashfunc in (hashlib.md5, hashlib.sha1):
            raise ValueError(
                f"fingerprint has {length} bytes: md5 and sha1 are insecure and not supported;"
                " use the SHA-256 digest"
            )
        self._hashfunc = hashfunc
        self._fingerprint = bytes(fingerprint)

    @property
    def fingerprint(self) -> bytes:
        """The digest."""
        return self._fingerprint

    def check(self, transport: asyncio.BaseTransport) -> None:
        """Compare the digest with that of *transport*'s certificate.

        A connection without TLS passes.

        :raises ServerFingerprintMismatch: when it is another one.
        """
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is None:
            return
        got = self._hashfunc(ssl_object.getpeercert(binary_form=True)).digest()
        if got != self._fingerprint:
            host, port, *_ = transport.get_extra_info("peername")
            raise ServerFingerprintMismatch(self._fingerprint, got, host, port)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Fingerprint):
            return self._fingerprint == other._fingerprint
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._fingerprint)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._fingerprint.hex()}>"


SSLSetting = ssl.SSLContext | bool | Fingerprint


@functools.cache
def _context(verified: bool) -> ssl.SSLContext:
    # Loading the system's certificates takes tens of milliseconds: once a process.
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def context_for(request_setting: SSLSetting, default: SSLSetting) -> ssl.SSLContext:
    """The context for a connection: the request's setting, or else the connector's."""
    for setting in (request_setting, default):
        if isinstance(setting, ssl.SSLContext):
            return setting
        if setting is not True:
            return _context(verified=False)
    return _context(verified=True)


def merge_ssl_arguments(
    setting: Any,
    verify_ssl: bool | None = None,
    ssl_context: ssl.SSLContext | None = None,
    fingerprint: bytes | None = None,
) -> SSLSetting:
    """Check ``ssl=``, and fold aiohttp's older arguments into it.

    :raises TypeError: when *setting* is not of a type that says how to secure a connection.
    :raises ValueError: when several of them are given.
    """
    if setting is None:
        setting = True
    if not isinstance(setting, (ssl.SSLContext, bool, Fingerprint)):
        raise TypeError(f"ssl={setting!r} is not an SSLContext, a bool, a Fingerprint or None")
    older: list[SSLSetting] = []
    if verify_ssl is not None and not verify_ssl:
        older.append(False)
    if ssl_context is not None:
        older.append(ssl_context)
    if fingerprint is not None:
        older.append(Fingerprint(fingerprint))
    if not older:
        return setting
    if len(older) > 1 or setting is not True:
        raise ValueError(
            "verify_ssl, ssl_context, fingerprint and ssl exclude each other; pass only ssl"
        )
    return older[0]
