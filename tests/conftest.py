"""What every test may ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import migrate
from models.database import Database, open_database
from tests import postgres
from tests.postgres import Server


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """A process for each core where the whole suite is run, none where files are named: they start sooner.

    Each process names the tests by itself, so that no name may come from the clock or from chance.
    """
    return None if config.args_source is pytest.Config.ArgsSource.TESTPATHS else 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take minutes first: begun last, they would be waited for alone."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measured material beside the checkout; tests that need it skip where it is absent."""
    named = os.environ.get("WIREWATCH_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "feeds").is_dir():
        pytest.skip(f"needs the material folder {folder.name}/ beside the checkout (or WIREWATCH_SHARED)")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One PostgreSQL for the session; it starts when the first test asks for it."""
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    opened = open_database(path)
    migrate.migrate(opened)
    opened.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database with the newest schema, on either engine."""
    if request.param == "sqlite":
        path = tmp_path / "wirewatch.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield str(path)
        return
    server: Server = request.getfixturevalue("postgres_server")
    address = server.create()
    yield address
    server.drop(address)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database, open, on either engine; a lock is waited for half a second only."""
    opened = open_database(database_url, busy_timeout=0.5)
    yield opened
    opened.close()
