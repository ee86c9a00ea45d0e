"""``wirewatch migrate``."""

from __future__ import annotations

from service.cli.output import print_json, say
from service.cli.state import State, define, json_option


@define(
    "migrate",
    examples="""
    wirewatch migrate             after an upgrade, with a backup at hand
    wirewatch migrate --json
    """,
)
@json_option
def command(state: State, as_json: bool) -> None:
    """Bring the database up to this version.

    Makes the database where there is none. 'wirewatch run' does the same when it starts. Several at once
    wait for each other.
    """
    from models import migrate  # noqa: PLC0415
    from models.database import open_database  # noqa: PLC0415

    settings = state.settings
    database = open_database(settings.database, busy_timeout=settings.storage.busy_timeout.total_seconds())
    try:
        applied = migrate.migrate(database)
        version = migrate.schema_version(database)
        place = database.url
    finally:
        database.close()
    if as_json:
        print_json({"database": place, "applied": applied, "schema": version})
    elif applied:
        say(f"{place}: applied {', '.join(applied)}")
    else:
        say(f"{place}: is up to date ({version})")
