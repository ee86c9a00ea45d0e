"""``wirewatch migrate``."""

from __future__ import annotations

import click

from service.cli.output import print_json, say
from service.cli.state import State, define, json_option


@define(
    "migrate",
    examples="""
    wirewatch migrate             after an upgrade; makes a backup first
    wirewatch migrate --json
    wirewatch migrate --pending   what would be done; changes nothing
    """,
)
@click.option("--pending", "only_pending", is_flag=True, help="Only say what would be applied.")
@click.option(
    "--no-backup", is_flag=True, help="Make no backup before, whatever backup.before_migration says."
)
@json_option
def command(state: State, only_pending: bool, no_backup: bool, as_json: bool) -> None:
    """Bring the database up to this version.

    Makes the database where there is none. Where the schema changes, a backup is made first, and nothing is
    changed if that fails; 'wirewatch restore', of the version before, is the way back. 'wirewatch run' does
    the same when it starts. Several at once wait for each other.
    """
    from models import migrate  # noqa: PLC0415
    from models.database import open_database  # noqa: PLC0415
    from service.care import prepare_migration  # noqa: PLC0415

    settings = state.settings
    path = settings.sqlite_path
    if only_pending and path is not None and not path.exists():
        _tell_pending(str(path), "sqlite", migrate.known(), "", as_json=as_json)
        return
    timeout = settings.storage.busy_timeout.total_seconds()
    database = open_database(settings.database, busy_timeout=timeout, read_only=only_pending)
    try:
        waiting = migrate.pending(database) if only_pending else []
        made = None
        if not only_pending and not no_backup:
            made = prepare_migration(settings, database, state.now)
        applied = [] if only_pending else migrate.migrate(database)
        version = migrate.schema_version(database)
        place, engine = database.url, database.engine
    finally:
        database.close()
    if only_pending:
        _tell_pending(place, engine, waiting, version, as_json=as_json)
    elif as_json:
        kept = str(made.path) if made else None
        print_json({"database": place, "applied": applied, "schema": version, "backup": kept})
    elif applied:
        if made:
            say(f"{made.path}: the database as it was")
        say(f"{place}: applied {', '.join(applied)}")
    else:
        say(f"{place}: is up to date ({version})")


def _tell_pending(place: str, engine: str, pending: list[str], schema: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"database": place, "engine": engine, "pending": pending, "schema": schema})
    else:
        say(f"{place}: {', '.join(pending) or 'nothing'} would be applied")
