"""Brings the empty database to its schema."""

import os
from pathlib import Path

import psycopg


def migrate() -> None:
    with psycopg.connect(os.environ["LIBRARY_DATABASE"]) as connection:
        connection.execute(Path(__file__).with_name("schema.sql").read_text())
