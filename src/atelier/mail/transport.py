"""How letters leave: by SMTP, or into a folder where nobody outside gets them."""

from __future__ import annotations

import asyncio
import os
from email.message import EmailMessage
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPException

_TIMEOUT = 10.0  # seconds, for each answer of the server


class Unreachable(Exception):
    """No letter can leave now; no fault of the one that was tried."""


class Undeliverable(Exception):
    """This letter was refused. `for_good`: it will be, however often it is tried.

    The text holds the server's code and nothing that the server said, which may be an address.
    """

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


class Transport(Protocol):
    async def send(self, message: EmailMessage) -> None:
        """Return when somebody else answers for the letter. Raises Unreachable, Undeliverable."""


class Smtp:
    """One connection a letter, so that a letter that the server hangs up on harms no other.

    With a name and a password the connection is encrypted or refused; without them it is encrypted
    where the server can.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._encrypted = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    async def send(self, message: EmailMessage) -> None:
        server = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._encrypted,
            start_tls=True if self._user and not self._encrypted else None,
            timeout=_TIMEOUT,
        )
        try:
            await server.connect()
        except (SMTPException, OSError, ValueError) as error:
            raise Unreachable(_told(error)) from None
        try:
            await server.send_message(message)
        except (SMTPException, OSError) as error:
            raise Undeliverable(_told(error), for_good=_code(error) >= 500) from None
        finally:
            # The letter is accepted or refused by now, whatever the server makes of a farewell.
            server.close()


class Folder:
    """Each letter is a file, named by its Message-ID."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        try:
            await asyncio.to_thread(self._keep, message)
        except OSError as error:
            raise Unreachable(_told(error)) from None

    def _keep(self, message: EmailMessage) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = str(message["Message-ID"]).strip("<>").partition("@")[0]
        # Under another name until it is complete: nobody reads half a letter.
        with NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as draft:
            draft.write(message.as_bytes())
        os.replace(draft.name, self._folder / f"{name}.eml")


def transport(url: str) -> Transport:
    """`smtp://host:port` and `smtps://name:password@host:port` send; `file:///folder` keeps."""
    if url.startswith("file://"):
        return Folder(Path(unquote(urlsplit(url).path)))
    return Smtp(url)


def _code(error: Exception) -> int:
    """What the server answered; 0 where it was not an answer."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return max(refused.code for refused in error.recipients)
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0


def _told(error: Exception) -> str:
    return " ".join(filter(None, [type(error).__name__, str(_code(error) or "")]))
