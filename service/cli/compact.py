"""``wirewatch compact``."""

from __future__ import annotations

from service.cli.output import print_json, say, size
from service.cli.state import State, define, json_option


@define(
    "compact",
    examples="""
    systemctl stop wirewatch; wirewatch compact; systemctl start wirewatch
    wirewatch compact --json
    """,
)
@json_option
def command(state: State, as_json: bool) -> None:
    """Give the room of deleted articles back to the disk.

    Only worth it once, after much was deleted: SQLite uses its gaps for what comes next. The daemon has to be
    stopped, and as much room as the database takes is needed meanwhile. PostgreSQL does it by itself.
    """
    from service.lock import DaemonLock  # noqa: PLC0415 - not for --help

    path = state.settings.sqlite_path
    lock = DaemonLock(path) if path is not None and path.exists() else None
    if lock is not None:
        lock.acquire()
    try:
        with state.database() as database:
            from models.compaction import compact  # noqa: PLC0415

            before, after = compact()
            url = database.url
    finally:
        if lock is not None:
            lock.release(clean=not lock.unclean)
    if as_json:
        print_json({"database": url, "before": before, "after": after})
    else:
        say(f"{url}: {size(before)} before, {size(after)} now")
