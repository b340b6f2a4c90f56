"""Whether services say that they can work: now, or as soon as they do."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from touchstone.certificates import trusted_certificates
from touchstone.waiting import NotYetTrue, eventually
from touchstone.zygote.owner import PlatformFailed

READY_TIMEOUT = 30.0


def all_answer(urls: Iterable[str], within: float) -> bool:
    """Whether a GET of each of these `http:` URLs is answered with 200 within so many seconds.

    All are asked before the first answer is read, by one thread: this stands between a scenario
    and its sandbox.
    """
    deadline = time.monotonic() + within
    with contextlib.ExitStack() as closing:
        asked = []
        try:
            for url in urls:
                connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=within)
                closing.callback(connection.close)
                connection.request("GET", _path(url))
                asked.append(connection)
            for connection in asked:
                connection.sock.settimeout(max(0.001, deadline - time.monotonic()))
                if connection.getresponse().status != http.HTTPStatus.OK:
                    return False
        except (OSError, http.client.HTTPException):
            return False
    return True


class Readiness:
    """Asks services that are beginning until they can work. Safe to use from several threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(8)
        # A sandbox is asked a few times at most: a connection that is kept would never be used.
        self._client = httpx.Client(
            trust_env=False,
            timeout=READY_TIMEOUT,
            verify=trusted_certificates(),
            limits=httpx.Limits(max_keepalive_connections=0, max_connections=None),
        )

    def wait(
        self, urls: Mapping[str, str], *, runs: Callable[[], bool], logged: Callable[[], str]
    ) -> None:
        """Wait until a GET of the URL of each of these services is answered with 200.

        `runs` says whether their processes still do, and `logged` what those wrote.

        Raises:
            PlatformFailed: a process ended, or a service was not ready in time.
        """
        answers = [
            self._threads.submit(self._wait_for, service, url, runs, logged)
            for service, url in urls.items()
        ]
        for answer in answers:
            answer.result()

    def close(self) -> None:
        """Close the connections."""
        self._threads.shutdown()
        self._client.close()

    def _wait_for(
        self, service: str, url: str, runs: Callable[[], bool], logged: Callable[[], str]
    ) -> None:
        path = _path(url)

        def answer() -> str:
            # The listening socket exists since before the fork: the request waits there until
            # the service takes it, so that there are seldom two.
            try:
                said = self._client.get(url)
            except httpx.TransportError as error:
                if runs():
                    return str(error)
                raise PlatformFailed(
                    f"the service {service} ended instead of answering GET {path}; "
                    f"it logged:\n{logged()}"
                ) from None
            return f"{said.status_code} {said.text[:500]}"

        try:
            eventually(
                answer,
                until=lambda said: said.startswith("200 "),
                timeout=READY_TIMEOUT,
                describe=f"the service {service} answers GET {path} with 200",
            )
        except NotYetTrue as failure:
            raise PlatformFailed(f"{failure}\nit logged:\n{logged()}") from None


def _path(url: str) -> str:
    return urlsplit(url)._replace(scheme="", netloc="").geturl()
