"""``wirewatch backup``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.output import count, hint, moment, print_json, print_table, progress, say, size
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from service.backup import Found, Made


@define(
    "backup",
    examples="""
    wirewatch backup                           also while the daemon runs
    wirewatch backup --to /mnt/disk --keep 3
    wirewatch backup --list
    """,
)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to, instead of backup.folder.",
)
@click.option(
    "--keep",
    type=click.IntRange(1),
    help="Keep the newest so many, instead of by backup.keep_daily, keep_weekly and keep_monthly.",
)
@click.option("--no-rotate", is_flag=True, help="Remove no older backup.")
@click.option("--list", "only_list", is_flag=True, help="Only list the backups that there are.")
@json_option
def command(
    state: State, *, folder: Path | None, keep: int | None, no_rotate: bool, only_list: bool, as_json: bool
) -> None:
    """Make a backup of the database and of what was learned.

    The daemon goes on meanwhile. What was written is read back before it counts; only then are older backups
    removed that need not be kept. 'wirewatch restore' puts one back.
    """
    from service.backup import back_up, list_backups  # noqa: PLC0415
    from service.care import backup_places  # noqa: PLC0415 - not for --help

    places = backup_places(state.settings)
    target = places.folder if folder is None else folder.expanduser().absolute()
    if only_list:
        _tell(list_backups(target), target, as_json=as_json)
        return
    with state.database(any_schema=True) as database, progress() as display:
        task = display.add_task("copying", total=1.0)
        made = back_up(
            database,
            target,
            besides=places.besides,
            keep=None if no_rotate else places.keep if keep is None else places.keeping(keep),
            now=state.now,
            progress=lambda what, share: display.update(task, description=what, completed=share),
        )
    if as_json:
        print_json(_as_json(made))
        return
    articles = made.manifest.rows.get("article", 0)
    say(f"{made.path}: {count(articles, 'article')}, {size(made.size)}, read back and whole")
    for one in made.removed:
        say(f"removed {one}")


def _as_json(made: Made) -> dict[str, Any]:
    told = made.manifest
    return {
        "path": str(made.path),
        "size": made.size,
        "taken_at": moment(told.taken_at),
        "engine": told.engine,
        "schema": told.schema,
        "rows": told.rows,
        "removed": [str(path) for path in made.removed],
    }


def _tell(found: list[Found], folder: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "path": str(one.path),
                    "size": one.size,
                    "taken_at": moment(one.manifest.taken_at) if one.manifest else None,
                    "reason": one.manifest.reason if one.manifest else None,
                    "engine": one.manifest.engine if one.manifest else None,
                    "schema": one.manifest.schema if one.manifest else None,
                    "articles": one.manifest.rows.get("article") if one.manifest else None,
                    "trouble": one.trouble or None,
                }
                for one in found
            ]
        )
        return
    if not found:
        hint(f"there is no backup in {folder}")
        return
    print_table(
        ["BACKUP", ("SIZE", "right"), ("ARTICLES", "right"), "SCHEMA"],
        [
            [
                str(one.path),
                size(one.size),
                f"{one.manifest.rows.get('article', 0):,}" if one.manifest else "",
                one.manifest.schema if one.manifest else one.trouble,
            ]
            for one in found
        ],
    )
