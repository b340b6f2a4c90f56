"""Which certificates HTTP clients trust."""

from __future__ import annotations

import functools
import ssl

import httpx


@functools.cache
def trusted_certificates() -> ssl.SSLContext:
    """What `verify` of every `httpx.Client` should be.

    Each client would otherwise read the list of all authorities anew, which takes 20 ms.
    """
    return httpx.create_ssl_context()
