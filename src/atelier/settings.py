"""What the platform is told from outside: environment variables ATELIER_…"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX = "ATELIER_"

Read = TypeVar("Read", bound=BaseSettings)

_Address = Annotated[
    str, Field(pattern=r"^https?://[^/]"), AfterValidator(lambda address: address.rstrip("/"))
]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/Moscow") from None
    return name


_Zone = Annotated[str, AfterValidator(_known_zone)]


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class BadSettings(Exception):
    """Names the variables that are missing or wrong."""


class _FromEnvironment(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=_PREFIX)


class Settings(_FromEnvironment):
    """Database URLs are plain `postgresql://…`; the replicas are optional.

    `mail` is where letters to customers go: `smtp://`, `smtps://` or `file://` with a folder; while
    it is not set they wait in the database. `shop_address` is what the shop's pages are reached by
    from outside.
    """

    shop_database: str
    shop_replica: str | None = None
    mes_database: str
    mes_replica: str | None = None
    broker: str
    cache: str
    files: str  # a folder, or s3://bucket/prefix
    replica_lag_bytes: int = 16 * 1024 * 1024
    replica_lag_seconds: float = 10
    secret_key: str = Field(min_length=32)
    upload_limit: int = 50 * 1024 * 1024  # bytes
    pricing_workers: int = Field(default_factory=_cores, ge=1)
    pricing_time_limit: float = Field(60, gt=0)  # seconds, for one model
    pricing_memory: int = Field(1024 * 1024 * 1024, gt=0)  # bytes, for one model
    retry_delays: tuple[float, ...] = (0.2, 1, 5, 30, 120, 600)  # seconds; as JSON: [0.2, 1, 5]
    unfinished_days: int = Field(30, ge=1)  # for which an order is kept that nobody submits
    reconcile_every: float = Field(180, ge=0)  # seconds; 0: only by command
    request_limit: float = Field(20, gt=0)  # seconds until an answer begins
    # How many times as often as `web.limits` says; more than once where programs act as people.
    limits_times: int = Field(1, ge=1)
    # What a partner may do whose own row says nothing else.
    partner_burst: int = 100  # requests
    partner_burst_window: int = 60  # seconds
    partner_daily_quota: int = 100_000  # requests
    webhook_timeout: float = 5.0  # seconds
    webhook_attempts: int = 15
    webhook_first_delay: float = 5.0  # seconds; doubles with each attempt, to a day in all
    webhook_private_addresses: bool = False
    password_cost: Literal["production", "test"] = "production"
    mail: str | None = Field(None, pattern=r"^(smtps?|file)://.")
    mail_from: str = "Atelier <orders@atelier.example>"
    shop_address: _Address | None = None
    overdue_every: float = 60.0  # seconds
    time_zone: _Zone = "Europe/Moscow"  # that people read times in
    otlp_endpoint: str | None = None  # of a collector, such as http://localhost:4318
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    host: str = "127.0.0.1"


@lru_cache
def settings() -> Settings:
    """Read once a process. Raises BadSettings."""
    return _read(Settings)


def ports(usual: Mapping[str, int]) -> Mapping[str, int]:
    """Where services listen, by name: at ATELIER_PORT_<NAME>, or else where they usually do.

    Raises BadSettings.
    """
    fields: dict[str, Any] = {f"port_{name}": (int, port) for name, port in usual.items()}
    read = _read(create_model("_Ports", __base__=_FromEnvironment, **fields))
    return {name: getattr(read, f"port_{name}") for name in usual}


def _read(what: type[Read]) -> Read:
    try:
        return what()
    except ValidationError as error:
        faults = "\n".join(
            f"  {_PREFIX}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg'].lower()}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise BadSettings(
            f"The platform's settings are incomplete or wrong:\n{faults}\n"
            "Set these environment variables and start again."
        ) from None
