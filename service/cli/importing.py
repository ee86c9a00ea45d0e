"""``wirewatch import PATH…``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.exits import Exit
from service.cli.output import count, hint, print_json, progress, say
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from service.application import Application
    from service.importing import ImportSummary

_SHOWN = 50  # failures, for people


@define(
    "import",
    examples="""
    wirewatch import report.txt
    wirewatch import ~/archive --json
    wirewatch import --retry           read again what could not be read
    wirewatch import --seeds           the five articles that come with the program
    """,
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--seeds", is_flag=True, help="The seed articles that come with the program.")
@click.option(
    "--retry",
    is_flag=True,
    help="Read again what could not be read, changed or not: everywhere, or at and below PATH.",
)
@json_option
def command(state: State, paths: tuple[Path, ...], seeds: bool, retry: bool, as_json: bool) -> int:
    """Import files and folders, once.

    What has not changed since the last import is left alone; one that was interrupted goes on where it was.
    Exit code 1 says that something could not be read; the rest is stored.
    """
    if not paths and not seeds and not retry:
        raise click.UsageError("name files or folders to import, or --seeds, or --retry")
    if seeds and retry:
        raise click.UsageError("--seeds and --retry are two different things")
    settings = state.settings
    state.start_logging()
    from service.application import Application  # noqa: PLC0415 - it brings everything

    with Application.open(settings) as application:
        summary = _as_json(_import(application, paths, seeds=seeds, retry=retry))
    if as_json:
        print_json(summary)
    else:
        _print(summary)
    return Exit.FAILED if summary["failed"] else Exit.DONE


def _import(
    application: Application, paths: tuple[Path, ...], *, seeds: bool, retry: bool
) -> list[ImportSummary]:
    importer = application.importer
    if retry:
        with _progress(lambda _: importer.count_unreadable(paths)) as done:
            return [importer.retry(paths, progress=done)]
    summaries = []
    if seeds:
        seeded = application.import_seeds()
        if seeded is None:
            hint("the seeds have been imported before; they are left as they are")
        else:
            summaries.append(seeded)
    if paths:
        with _progress(lambda go_on: importer.count(paths, go_on)) as done:
            summaries.append(application.import_paths(paths, done))
    return summaries


@contextmanager
def _progress(total: Callable[[Callable[[], bool]], int]) -> Iterator[Callable[[int], None]]:
    """Shows how many files are done with, of how many, how fast, and for how long it goes on.

    ``total`` counts them in a thread of its own, so that nothing waits for it; it is given what says whether
    the number is still wanted.
    """
    with progress() as display:
        task = display.add_task("importing", total=None)
        going_on = threading.Event()
        going_on.set()

        def counting() -> None:
            found = total(going_on.is_set)
            if found:
                display.update(task, total=found)

        if not display.disable:
            threading.Thread(target=counting, name="count", daemon=True).start()
        try:
            yield lambda files: display.advance(task, files)
        finally:
            going_on.clear()


def _print(summary: dict[str, Any]) -> None:
    for problem in summary["failed"][:_SHOWN]:
        hint(f"{problem['path']}: {problem['reason']}: {problem['detail']}")
    if len(summary["failed"]) > _SHOWN:
        hint(
            f"… and {len(summary['failed']) - _SHOWN:,} more: --json has all, 'wirewatch doctor' the reasons"
        )
    say(
        f"{count(summary['files'], 'file')} read, {summary['unchanged']:,} known already: "
        f"{count(summary['new'], 'new article')}, {summary['changed']:,} changed, "
        f"{summary['same']:,} the same, {summary['duplicates']:,} known from elsewhere, "
        f"{count(len(summary['failed']), 'failure')}"
    )


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
