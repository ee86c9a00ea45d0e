"""``wirewatch poll [SOURCE…]``."""

from __future__ import annotations

import click

from service.cli.completing import source_names
from service.cli.exits import Exit
from service.cli.output import count, hint, print_json, progress
from service.cli.poll_words import failed, print_polls
from service.cli.state import State, define, json_option
from service.source_json import poll_json


@define(
    "poll",
    examples="""
    wirewatch poll                     whatever is due
    wirewatch poll 3 'Reuters*'        these, due or not
    wirewatch poll 3 --force           even if its server asked to wait; the whole body
    wirewatch poll --json | jq '.[] | select(.new > 0)'
    """,
)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", shell_complete=source_names)
@click.option("--force", is_flag=True, help="Do not wait where a server asked to; ask for the whole body.")
@json_option
def command(state: State, sources: tuple[str, ...], force: bool, as_json: bool) -> int:
    """Look at sources now, once.

    SOURCE is an id, a location, a title, or a pattern with *; without one, all that are due are looked at.
    Exit code 1 says that a look failed; the reason is shown and kept.
    """
    if force and not sources:
        raise click.UsageError("--force needs to be told which sources are meant ('*' for all)")
    settings = state.settings
    state.start_logging()
    from service.application import Application  # noqa: PLC0415 - it brings everything

    with Application.open(settings) as application:
        from models import health  # noqa: PLC0415

        with progress() as display:
            display.add_task("polling", total=None)
            records = application.poll(sources, force=force)
        names = health.names({record.source_id for record in records})
    if as_json:
        print_json([poll_json(record) for record in records])
    elif records:
        print_polls(records, names, state.now)
        new, changed = sum(one.new for one in records), sum(one.changed for one in records)
        hint(f"{count(len(records), 'source')}: {count(new, 'new article')}, {changed:,} changed")
    else:
        hint("nothing is due; name a source to look at it all the same")
    return Exit.FAILED if any(failed(record) for record in records) else Exit.DONE
