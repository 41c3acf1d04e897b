"""Stores for the tests of `db`: a SQLite file always, a PostgreSQL server when one is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from db.store import Store

VARIABLE = "LEMMAFORGE_TEST_STORE"


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new store may be made, on each backend."""
    if request.param == "sqlite":
        yield str(tmp_path / "lemma.db")
        return
    server = os.environ.get(VARIABLE)
    if server is None:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: set {VARIABLE}=postgresql://USER@HOST/DATABASE to an empty database")
    url = make_url(server).set(drivername="postgresql+psycopg")
    schema = f"test_{uuid4().hex}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store.open(place, patience=10) as store:
        yield store
