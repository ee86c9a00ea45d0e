"""``wirewatch migrate``."""

from __future__ import annotations

import click

from service.cli.output import print_json, say
from service.cli.state import State, define, json_option


@define(
    "migrate",
    examples="""
    wirewatch migrate             after an upgrade, with a backup at hand
    wirewatch migrate --json
    wirewatch migrate --pending   what would be done; changes nothing
    """,
)
@click.option("--pending", "only_pending", is_flag=True, help="Only say what would be applied.")
@json_option
def command(state: State, only_pending: bool, as_json: bool) -> None:
    """Bring the database up to this version.

    Makes the database where there is none. 'wirewatch run' does the same when it starts. Several at once
    wait for each other.
    """
    from models import migrate  # noqa: PLC0415
    from models.database import open_database  # noqa: PLC0415

    settings = state.settings
    path = settings.sqlite_path
    if only_pending and path is not None and not path.exists():
        _tell_pending(str(path), "sqlite", migrate.known(), "", as_json=as_json)
        return
    timeout = settings.storage.busy_timeout.total_seconds()
    database = open_database(settings.database, busy_timeout=timeout, read_only=only_pending)
    try:
        waiting = migrate.pending(database) if only_pending else []
        applied = [] if only_pending else migrate.migrate(database)
        version = migrate.schema_version(database)
        place, engine = database.url, database.engine
    finally:
        database.close()
    if only_pending:
        _tell_pending(place, engine, waiting, version, as_json=as_json)
    elif as_json:
        print_json({"database": place, "applied": applied, "schema": version})
    elif applied:
        say(f"{place}: applied {', '.join(applied)}")
    else:
        say(f"{place}: is up to date ({version})")


def _tell_pending(place: str, engine: str, pending: list[str], schema: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"database": place, "engine": engine, "pending": pending, "schema": schema})
    else:
        say(f"{place}: {', '.join(pending) or 'nothing'} would be applied")
