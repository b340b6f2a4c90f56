"""All services of the platform, found by looking into its packages."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

import atelier
from atelier.messaging.topology import Subscription
from atelier.service import Service


def _found() -> Iterator[Service]:
    for module in pkgutil.iter_modules(atelier.__path__):
        if module.ispkg:
            declared = getattr(import_module(f"atelier.{module.name}"), "SERVICE", None)
            if isinstance(declared, Service):
                yield declared


SERVICES: Final[Mapping[str, Service]] = MappingProxyType(
    {service.name: service for service in sorted(_found(), key=lambda service: service.port)}
)
"""By name, in the order of their ports."""

SUBSCRIPTIONS: Final[Mapping[str, Subscription]] = MappingProxyType(
    {each.queue: each for service in SERVICES.values() for each in service.subscriptions}
)
"""Of all services, by queue."""
