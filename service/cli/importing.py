"""``wirewatch import PATH…``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.exits import Exit
from service.cli.output import count, hint, print_json, progress, say
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from service.importing import ImportSummary


@define(
    "import",
    examples="""
    wirewatch import report.txt
    wirewatch import ~/archive --json
    wirewatch import --seeds           the five articles that come with the program
    """,
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--seeds", is_flag=True, help="The seed articles that come with the program.")
@json_option
def command(state: State, paths: tuple[Path, ...], seeds: bool, as_json: bool) -> int:
    """Import files and folders, once.

    What has not changed since the last import is left alone. To have a folder watched, add it as a source.
    Exit code 1 says that something could not be read; the rest is stored.
    """
    if not paths and not seeds:
        raise click.UsageError("name files or folders to import, or --seeds")
    settings = state.settings
    state.start_logging()
    from service.application import Application  # noqa: PLC0415 - it brings everything

    summaries: list[ImportSummary] = []
    with Application.open(settings) as application, progress() as display:
        task = display.add_task("importing", total=None)

        def done(files: int) -> None:
            display.advance(task, files)

        if seeds:
            seeded = application.import_seeds(done)
            if seeded is None:
                hint("the seeds have been imported before; they are left as they are")
            else:
                summaries.append(seeded)
        if paths:
            summaries.append(application.import_paths(paths, done))
    summary = _as_json(summaries)
    if as_json:
        print_json(summary)
    else:
        for problem in summary["failed"]:
            hint(f"{problem['path']}: {problem['reason']}: {problem['detail']}")
        say(
            f"{count(summary['files'], 'file')} read, {summary['unchanged']:,} known already: "
            f"{count(summary['new'], 'new article')}, {summary['changed']:,} changed, "
            f"{summary['same']:,} the same, {summary['duplicates']:,} known from elsewhere, "
            f"{count(len(summary['failed']), 'failure')}"
        )
    return Exit.FAILED if summary["failed"] else Exit.DONE


def _as_json(summaries: list[ImportSummary]) -> dict[str, Any]:
    numbers = ("files", "unchanged", "new", "changed", "same", "duplicates")
    totals: dict[str, Any] = {name: sum(getattr(one, name) for one in summaries) for name in numbers}
    totals["ids"] = [number for one in summaries for number in one.ids]
    totals["failed"] = [
        {"path": str(path), "reason": str(reason), "detail": detail}
        for one in summaries
        for path, reason, detail in one.failed
    ]
    return totals
