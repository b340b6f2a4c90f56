from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from atelier.data import mes, migrations, shop
from atelier.data.address import driver_url
from atelier.data.migrate import upgrade
from touchstone.sandbox import Sandbox

METADATA = {"shop": shop.Base.metadata, "mes": mes.Base.metadata}

pytestmark = pytest.mark.parametrize("database", ["shop", "mes"])


@pytest.fixture
def empty(bare_sandbox: Sandbox, database: str) -> Iterator[sa.Engine]:
    """A database that nothing has been done to, next to the sandbox's own."""
    server = sa.create_engine(
        driver_url(bare_sandbox.databases[database].primary),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
    )
    name = f"empty_{uuid4().hex}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0"))
    yield sa.create_engine(server.url.set(database=name), poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def plain(engine: sa.Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_up_from_nothing_they_make_the_tables_of_the_code(empty: sa.Engine, database: str) -> None:
    upgrade(database, plain(empty))

    with empty.connect() as connection:
        assert sa.inspect(connection).get_table_names()
        found = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(found, METADATA[database]) == []


def test_a_database_that_is_up_to_date_stays_as_it_is(empty: sa.Engine, database: str) -> None:
    upgrade(database, plain(empty))
    with empty.begin() as connection:
        connection.execute(sa.text("INSERT INTO consumed_event VALUES ('a', gen_random_uuid())"))

    upgrade(database, plain(empty))

    with empty.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM consumed_event")) == 1


def test_down_again_they_leave_nothing(empty: sa.Engine, database: str) -> None:
    upgrade(database, plain(empty))

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent / database))
    with empty.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    with empty.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
        left = connection.scalar(
            sa.text("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        )
        assert left == 0
