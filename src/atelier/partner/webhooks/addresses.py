"""Where webhooks may be sent to: never into a network of our own.

A partner chooses the address, and our server calls it. So a name is resolved by us, every address
that it has must be public, and the one that was looked at is the one that is called: a name that
means something else a moment later gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpx

from atelier.languages import gettext_lazy as _

LONGEST_URL: Final = 2000  # characters
# Through these, an IPv6 address reaches an IPv4 one.
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")


class AddressRefused(Exception):
    """Says what is wrong with the address of a webhook."""


def checked_url(text: str, *, private_allowed: bool) -> str:
    """A URL that webhooks could be sent to, as far as one can see without asking for its name.

    Raises AddressRefused.
    """
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise AddressRefused(
            _("a URL of at most %(most)s visible ASCII characters is required", most=LONGEST_URL)
        )
    try:
        url = httpx.URL(text)
        literal = _address(url.host)
    except (httpx.InvalidURL, ValueError):
        raise AddressRefused(_("this is not a URL")) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise AddressRefused(_("the URL must begin with https:// or http:// and name a host"))
    if url.userinfo:
        raise AddressRefused(_("the URL must not hold a user or a password"))
    if url.port is not None and not 0 < url.port < 65_536:
        raise AddressRefused(_("there is no port %(port)s", port=url.port))
    if not private_allowed:
        local = url.host == "localhost" or url.host.endswith(".localhost")
        if local or (literal is not None and not is_public(literal)):
            raise AddressRefused(_("the URL must be on the public internet"))
    return text


async def resolve(url: httpx.URL, *, private_allowed: bool) -> str:
    """The address to call for `url`. Raises AddressRefused, OSError."""
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(
        url.host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )
    addresses = [str(place[0]) for *_, place in found]
    if not private_allowed and not all(is_public(ip_address(each)) for each in addresses):
        raise AddressRefused(_("the host is not on the public internet"))
    return addresses[0]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether `address`, and the one that it may stand for, is on the public internet."""
    if isinstance(address, IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None or address.scope_id is not None:
            return False
        if address in _NAT64 or address in _COMPATIBLE:
            hidden = IPv4Address(int(address) & 0xFFFF_FFFF)
        if hidden is not None:
            return is_public(hidden)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
