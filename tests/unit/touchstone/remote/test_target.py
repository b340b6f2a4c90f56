from __future__ import annotations

import tomllib
from collections.abc import Mapping

import pytest

from touchstone.remote.target import Target, TargetError, from_environment, parse
from touchstone.sandbox import Broker, Database

MINIMAL = """
name = "release"
production = false
[services]
shop = "https://shop.release.example/"
"""
FULL = """
name = "release of ${CITY}"
production = true
cache = "redis://:${CACHE}@cache.example/0"

[services]
shop = "https://${BASIC}@shop.${CITY}.example"

[accounts]
seller = "boris@example.com"
operator = "${OPERATOR}"

[secrets]
seller_password = "${SELLER}"

[databases.shop]
primary = "postgresql://reader:${DATABASE}@db.example/shop"

[broker]
amqp = "amqp://reader:${BROKER}@mq.example/atelier"
management = "https://mq.example:15671"
vhost = "atelier"
user = "reader"
password = "${BROKER}"
"""
ENVIRONMENT = {
    "CITY": "Riga",
    "BASIC": "guard:let%20me%20in",
    "CACHE": "opens the cache",
    "OPERATOR": "vera@example.com",
    "SELLER": "an emerald, please",
    "DATABASE": "opens the database",
    "BROKER": "opens the broker",
}


def read(
    text: str, environment: Mapping[str, str] | None = None, *, private: bool = False
) -> Target:
    return parse(
        tomllib.loads(text),
        "release.toml",
        environment,
        services=["shop", "partner"],
        databases=["shop"],
        private=private,
    )


def test_a_name_and_an_address_are_enough() -> None:
    assert read(MINIMAL) == Target("release", False, {"shop": "https://shop.release.example"})


def test_everything_that_may_be_given_is_read() -> None:
    target = read(FULL, ENVIRONMENT)

    address = "postgresql://reader:opens the database@db.example/shop"
    assert (target.name, target.production) == ("release of Riga", True)
    assert target.services == {"shop": "https://guard:let%20me%20in@shop.Riga.example"}
    assert target.accounts == {"seller": "boris@example.com", "operator": "vera@example.com"}
    assert target.secrets == {"seller_password": "an emerald, please"}
    assert target.databases == {"shop": Database(address, address)}
    assert target.cache == "redis://:opens the cache@cache.example/0"
    assert target.broker == Broker(
        amqp="amqp://reader:opens the broker@mq.example/atelier",
        management="https://mq.example:15671",
        vhost="atelier",
        user="reader",
        password="opens the broker",
    )


def test_secrets_are_hidden_and_addresses_are_not() -> None:
    assert read(FULL, ENVIRONMENT).hidden == {
        "let me in",
        "let%20me%20in",
        "opens the cache",
        "vera@example.com",
        "an emerald, please",
        "opens the database",
        "opens the broker",
    }


def test_no_secret_is_in_what_a_failure_shows_of_a_target() -> None:
    target = read(FULL, ENVIRONMENT)

    for secret in ("emerald", "database", "broker", "cache"):
        assert secret not in repr(target)


def test_a_target_may_come_from_the_environment_alone() -> None:
    target = from_environment(
        {
            "TOUCHSTONE_TARGET_NAME": "release",
            "TOUCHSTONE_TARGET_PRODUCTION": "true",
            "TOUCHSTONE_SERVICE_FRONT_DESK": "https://desk.example",
            "TOUCHSTONE_ACCOUNT_SELLER": "boris@example.com",
            "TOUCHSTONE_SECRET_SELLER_PASSWORD": "an ${emerald}, please",
            "TOUCHSTONE_DATABASE_SHOP": "postgresql://reader:opens it@db.example/shop",
            "TOUCHSTONE_REPLICA_SHOP": "postgresql://replica.example/shop",
            "TOUCHSTONE_BACKING": "remote",
        },
        services=["front-desk"],
        databases=["shop"],
    )

    assert target == Target(
        "release",
        True,
        {"front-desk": "https://desk.example"},
        databases={
            "shop": Database(
                "postgresql://reader:opens it@db.example/shop", "postgresql://replica.example/shop"
            )
        },
        accounts={"seller": "boris@example.com"},
        secrets={"seller_password": "an ${emerald}, please"},
        hidden=frozenset({"boris@example.com", "an ${emerald}, please", "opens it"}),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "name is missing"),
        ('name = "x"', r"production is missing \(true or false: nothing is assumed\)"),
        ('name = "x"\nproduction = "no"', "production must be true or false, not 'no'"),
        ('name = "x"\nproduction = false', "services is missing"),
        (MINIMAL + '[servces]\nshop = "x"', "unknown key servces; known are name, production"),
        (MINIMAL + 'bank = "https://x"', "services.bank is no service .* names shop, partner"),
        (MINIMAL + 'partner = "x.example"', "services.partner must be an address such as"),
        (MINIMAL + 'partner = "https://x:eighty"', "services.partner is no address"),
        (MINIMAL + "partner = 8002", "services.partner must be a text, not 8002"),
        (MINIMAL + 'partner = "https://${HOST}"', r"asks for \$\{HOST\}, which is not set: export"),
        (MINIMAL + "[databases.mes]", "databases.mes is no database of this platform"),
        (MINIMAL + "[databases.shop]", "databases.shop.primary is missing"),
        (
            MINIMAL + '[databases.shop]\nprimary = "postgresql://x"\nmirror = "y"',
            "unknown key databases.shop.mirror; known are primary, replica",
        ),
        (MINIMAL + '[broker]\namqp = "amqp://x"', "broker.management is missing"),
        (MINIMAL + '[secrets]\nkey = "written down"', "secrets.key holds a secret that others can"),
        (
            MINIMAL + '[databases.shop]\nprimary = "postgresql://me:written@x"',
            "databases.shop.primary holds a secret that others can read",
        ),
        (MINIMAL + '[secrets]\nkey = "${PIN}"', "a secret of fewer than 6 characters"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_for_people(text: str, told: str) -> None:
    with pytest.raises(TargetError, match=rf"^release\.toml: .*{told}.*$"):
        read(text, {"PIN": "1234"})


def test_a_file_for_one_person_only_may_hold_secrets_which_are_hidden_all_the_same() -> None:
    target = read(MINIMAL + '[secrets]\nkey = "written down"', private=True)

    assert target.secrets == {"key": "written down"}
    assert target.hidden == {"written down"}
