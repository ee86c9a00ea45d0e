"""``wirewatch restore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.output import count, hint, moment, print_json, say
from service.cli.state import State, define, json_option
from service.errors import UsageError

if TYPE_CHECKING:
    from service.backup_archive import Manifest
    from service.restore import Restored


@define(
    "restore",
    examples="""
    wirewatch backup --list                                the backups that there are
    wirewatch restore wirewatch-20260314T020000Z.tar --check
    wirewatch restore wirewatch-20260314T020000Z.tar --yes
    wirewatch restore wirewatch-20260314T020000Z.tar --into /tmp/look.db
    """,
)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--into", "place", metavar="PLACE", help="A new database: a path or a PostgreSQL address.")
@click.option("--check", is_flag=True, help="Only read all of it, and say what it holds.")
@click.option("-y", "--yes", is_flag=True, help="Replace the database without asking.")
@json_option
def command(state: State, *, file: Path, place: str | None, check: bool, yes: bool, as_json: bool) -> None:
    """Put a backup back in the place of the database, or into a new one.

    It is unpacked and looked at beside the database, brought up to this version, and swapped in at the end;
    the database that it replaces is kept. A daemon has to be stopped first.
    """
    from service.care import restore_places  # noqa: PLC0415 - not for --help
    from service.restore import look, restore  # noqa: PLC0415

    manifest = look(file)
    if check:
        _tell_checked(file, manifest, as_json=as_json)
        return
    if place is None and not yes:
        if as_json:
            raise UsageError("with --json nothing is asked: say --yes")
        click.confirm(f"Replace the database by one of {_of(manifest)}?", abort=True, err=True)
    done = restore(
        file,
        restore_places(state.settings, place),
        now=state.now,
        fresh=place is not None,
        busy_timeout=state.settings.storage.busy_timeout.total_seconds(),
    )
    _tell_done(done, as_json=as_json)


def _of(manifest: Manifest) -> str:
    articles = count(manifest.rows.get("article", 0), "article")
    return f"{articles} of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC"


def _tell_checked(file: Path, manifest: Manifest, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "path": str(file),
                "taken_at": moment(manifest.taken_at),
                "engine": manifest.engine,
                "schema": manifest.schema,
                "version": manifest.version,
                "rows": manifest.rows,
            }
        )
    else:
        say(f"{file}: whole; {_of(manifest)}, {manifest.engine}, schema {manifest.schema}")


def _tell_done(done: Restored, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "database": done.database,
                "replaced": done.replaced,
                "taken_at": moment(done.manifest.taken_at),
                "migrated": done.migrated,
                "written": [str(path) for path in done.written],
                "rows": done.manifest.rows,
            }
        )
        return
    say(f"{done.database}: {_of(done.manifest)}")
    if done.replaced:
        hint(f"what was there before is kept as {done.replaced}")
    for path in done.written:
        hint(f"wrote {path}")
