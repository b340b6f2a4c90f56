"""Letters leave encrypted, and by name, where the settings say so; and otherwise not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from atelier.clock import now
from atelier.mail.transport import Unreachable, transport
from fixtures.mailbox import Mailbox
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


async def connections(server: Mailbox) -> int:
    """How many to the server this process still holds, in whatever state."""
    return sum(
        each.raddr.port == server.port
        for each in psutil.Process().net_connections("tcp4")
        if each.raddr
    )


async def none_stays(server: Mailbox) -> None:
    """Wait for the end of what was closed: the loop of a test that ends at once would not."""
    await eventually_async(lambda: connections(server), until=lambda count: count == 0)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for localhost, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[Mailbox]:
    """A server that speaks TLS only, and with nobody but "atelier"."""
    yield from served(certificate)


@pytest.fixture
def clear() -> Iterator[Mailbox]:
    """A server that cannot encrypt, and asks "atelier" for a password all the same."""
    yield from served(None)


def served(certificate: Path | None) -> Iterator[Mailbox]:
    mailbox = Mailbox(certificate, login=(b"atelier", b"of Anna"))
    mailbox.open()
    yield mailbox
    mailbox.close()


@pytest.fixture
def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "orders@atelier.example", "anna@example.org"
    message["Subject"], message["Message-ID"] = "Your order", "<1@atelier.example>"
    message.set_content("It is on its way.")
    message.add_alternative("<p>It is on its way.</p>", subtype="html")
    return message


async def test_a_letter_leaves_encrypted_and_by_name(
    encrypted: Mailbox, certificate: Path, letter: EmailMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # whom this machine trusts

    await transport(f"smtps://atelier:of%20Anna@localhost:{encrypted.port}").send(letter)

    assert [each.subject for each in encrypted.letters] == ["Your order"]
    await none_stays(encrypted)


async def test_a_wrong_password_sends_nothing(
    encrypted: Mailbox, certificate: Path, letter: EmailMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with pytest.raises(Unreachable, match=r"^SMTPAuthenticationError 535$"):
        await transport(f"smtps://atelier:wrong@localhost:{encrypted.port}").send(letter)

    assert encrypted.tried == 0
    await none_stays(encrypted)


async def test_a_server_that_nobody_vouches_for_gets_nothing(
    encrypted: Mailbox, letter: EmailMessage
) -> None:
    with pytest.raises(Unreachable):
        await transport(f"smtps://atelier:of%20Anna@localhost:{encrypted.port}").send(letter)

    assert encrypted.tried == 0
    await none_stays(encrypted)


async def test_a_password_is_never_sent_in_the_clear(clear: Mailbox, letter: EmailMessage) -> None:
    with pytest.raises(Unreachable):
        await transport(f"smtp://atelier:of%20Anna@127.0.0.1:{clear.port}").send(letter)

    assert clear.tried == 0
    await none_stays(clear)
