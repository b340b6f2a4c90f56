from __future__ import annotations

from ipaddress import ip_address

import pytest

from atelier.partner.webhooks.addresses import AddressRefused, checked_url, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fe80::1%eth0",
    ],
)
def test_networks_of_our_own_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_others_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://orders.example.com/atelier?for=us",
        "http://example.com:8080",
        "https://93.184.216.34/",
    ],
)
def test_a_url_on_the_public_internet_is_taken(url: str) -> None:
    assert checked_url(url, private_allowed=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "/atelier",
        "orders.example.com",
        "https://user:secret@example.com/",
        "https://exam ple.com/",
        "https://example.com/\n",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1",
        "https://пример.рф/",
        "https://example.com/" + "x" * 2000,
        "http://localhost/",
        "http://db.localhost:5432/",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_others_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        checked_url(url, private_allowed=False)


def test_where_it_is_allowed_a_private_address_will_do() -> None:
    assert checked_url("http://127.0.0.1:8000/", private_allowed=True)
    with pytest.raises(AddressRefused):
        checked_url("ftp://127.0.0.1/", private_allowed=True)
