"""Virtual hosts of RabbitMQ, made and removed through its HTTP API."""

from __future__ import annotations

import httpx

from touchstone.backing.servers import BrokerServer
from touchstone.certificates import trusted_certificates


class VirtualHosts:
    """Those of one broker. Safe to use from several threads."""

    def __init__(self, broker: BrokerServer) -> None:
        self._user = broker.user
        self._api = httpx.Client(
            base_url=f"{broker.management_url}/api",
            auth=(broker.user, broker.password),
            trust_env=False,
            timeout=30,
            verify=trusted_certificates(),
        )

    def make(self, name: str) -> None:
        """Make one, with all rights for the broker's user."""
        self._api.put(f"/vhosts/{name}").raise_for_status()
        self._api.put(
            f"/permissions/{name}/{self._user}",
            json={"configure": ".*", "write": ".*", "read": ".*"},
        ).raise_for_status()

    def drop(self, name: str) -> None:
        """Remove one; one that is not there is no matter."""
        answer = self._api.delete(f"/vhosts/{name}")
        if answer.status_code != httpx.codes.NOT_FOUND:
            answer.raise_for_status()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
