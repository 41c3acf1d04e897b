"""Finding a store, making a new one, and bringing an old one up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from db.database import Database
from db.errors import NotAStore, StoreNotFound, StoreTooNew, StoreUnavailable

# The table with the revision of the schema; its name tells our databases from others.
VERSIONS = "lemmaforge_schema"
REVISIONS = ("0001", "0002", "0003")
SQLITE_MAGIC = b"SQLite format 3\0"

D = TypeVar("D", bound=Database)


def locate(place: str | Path) -> URL:
    """The URL of a store: a URL as it is, anything else as the path of a SQLite file.

    Raises:
        StoreUnavailable: not a URL, or one of a database that cannot hold a store.
    """
    if isinstance(place, Path) or "://" not in place:
        return URL.create("sqlite", database=str(place))
    try:
        url = make_url(place)
        backend = url.get_backend_name()
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        # It may hold a password, and nobody can say where.
        raise StoreUnavailable(f"{place.partition('://')[0]}://… names no database: {error}") from error
    if backend not in {"sqlite", "postgresql"}:
        raise StoreUnavailable(f"a store is a SQLite file or a PostgreSQL database, not {backend}: {place}")
    if backend == "sqlite" and url.database in {None, "", ":memory:"}:
        raise StoreUnavailable(f"a store that lives in memory is lost at once; name a file: {place}")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return url


def open_database(kind: type[D], place: str | Path, *, create: bool, patience: float) -> D:
    """Opens a store, creates it when it is missing, and upgrades it when it is old.

    Raises:
        StoreError: see `db.errors`.
    """
    url = locate(place)
    if url.get_backend_name() == "sqlite":
        _look_at_file(Path(url.database or ""), create=create)
    try:
        database = kind(url, patience=patience)
    except ImportError as error:
        raise StoreUnavailable(
            f"the driver of {url.drivername} is not installed ({error}); run `pip install 'lemmaforge[postgres]'`"
        ) from error
    try:
        prepare(database, create=create)
    except BaseException:
        database.close()
        raise
    return database


def _look_at_file(path: Path, *, create: bool) -> None:
    """Refuses what SQLite would only stumble over later, or would create where nothing was asked for."""
    if path.is_dir():
        raise StoreUnavailable(f"{path} is a folder; name a file for the store")
    if not path.exists():
        if not create:
            raise StoreNotFound(f"there is no store at {path}; check its name, or fill one with `lemma trace`")
        if not path.absolute().parent.is_dir():
            raise StoreUnavailable(f"the folder of {path} does not exist; create it first")
        return
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be read: {error.strerror}") from error
    if start and start != SQLITE_MAGIC:
        raise NotAStore(f"{path} is not a SQLite file; name another place for the store")


def prepare(database: Database, *, create: bool, revision: str = REVISIONS[-1]) -> None:
    """Brings the schema of a database to a revision, an empty one from nothing.

    Raises:
        StoreNotFound: it is empty and must not be filled.
        NotAStore: it holds tables, but not ours.
        StoreTooNew: its revision is unknown.
    """
    with database.reading() as connection:
        current = _revision(connection, database.url)
    if current == revision:
        return
    if current is None and not create:
        raise StoreNotFound(f"there is no store in {database.url.render_as_string()}; fill one with `lemma trace`")
    if database.is_sqlite:
        database.use_wal()
    with database.writing() as connection:
        # Another process may have done it while this one waited.
        if _revision(connection, database.url) != revision:
            _migrate(connection, revision)


def _revision(connection: Connection, url: URL) -> str | None:
    """The revision of the schema; None for a database without tables."""
    place = url.render_as_string()
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if VERSIONS not in tables:
        raise NotAStore(f"{place} belongs to another program (it has a table `{tables[0]}`); name another place")
    revision = connection.execute(text(f"SELECT version_num FROM {VERSIONS}")).scalar_one_or_none()
    if revision is not None and revision not in REVISIONS:
        raise StoreTooNew(
            f"{place} was written by a newer LemmaForge (schema {revision}, this one knows {REVISIONS[-1]}); "
            "upgrade with `pip install --upgrade lemmaforge`, or use another store"
        )
    return revision


def _migrate(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
