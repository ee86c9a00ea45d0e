"""``wirewatch sources …``: what is watched."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from service.cli.adding import add
from service.cli.output import count, hint, print_json, say
from service.cli.source_lists import list_command, show
from service.cli.state import State, define, json_option
from service.cli.subscriptions import export, import_command
from service.cli.trying import test
from service.masking import mask
from service.source_json import source_json

if TYPE_CHECKING:
    from models.records import SourceRecord


@click.group(
    "sources",
    epilog="\b\nExamples:\n  wirewatch sources add https://example.org/feed.xml\n  wirewatch sources list",
)
def command() -> None:
    """Add, list, pause and remove feeds and folders."""


def _change(
    state: State,
    refs: Sequence[str],
    change: Callable[[int], SourceRecord],
    *,
    yes: bool,
    verb: str,
    as_json: bool,
) -> list[SourceRecord]:
    """Change every source that is named, after asking where a pattern named several."""
    with state.database():
        from models.sources import find  # noqa: PLC0415

        found = find(refs)
        if len(found) > len(refs) and not yes:
            _confirm(found, verb)
        changed = [change(one.id) for one in found]
    if as_json:
        print_json([source_json(one) for one in changed])
    else:
        for one in changed:
            say(f"{one.kind} {one.id}: {mask(one.name)} {verb}")
    return changed


def _confirm(found: Sequence[SourceRecord], verb: str) -> None:
    names = ", ".join(mask(one.name) for one in found[:5]) + (" …" if len(found) > 5 else "")  # noqa: PLR2004
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"this names {count(len(found), 'source')} ({names}); add --yes if all are meant"
        )
    click.confirm(f"{count(len(found), 'source')} will be {verb} ({names}). Go on?", abort=True, err=True)


_refs = click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
_yes = click.option("-y", "--yes", is_flag=True, help="Do not ask when a pattern names several.")


@define(
    "remove",
    examples="""
    wirewatch sources remove 3
    wirewatch sources remove 'https://old.example.org/*' --yes
    """,
)
@_refs
@_yes
@json_option
def remove(state: State, sources: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Stop watching sources; their articles stay.

    SOURCE is an id, a location, a title, or a pattern with *. Adding it again brings it back.
    """
    from models import sources as store  # noqa: PLC0415

    declared = {source.location for source in state.settings.sources}
    removed = _change(
        state, sources, lambda one: store.remove(one, state.now), yes=yes, verb="removed", as_json=as_json
    )
    for one in removed:
        if one.location in declared:
            hint(f"{mask(one.location)} is declared in {state.settings.path}: take it out there, too")


@define(
    "pause",
    examples="""
    wirewatch sources pause 3 --reason 'site is being rebuilt'
    wirewatch sources pause 'Example*' --yes
    """,
)
@_refs
@click.option("--reason", default="paused by hand", show_default=True, help="Shown in lists.")
@_yes
@json_option
def pause(state: State, sources: tuple[str, ...], reason: str, yes: bool, as_json: bool) -> None:
    """Stop polling sources until they are resumed.

    SOURCE is an id, a location, a title, or a pattern with *.
    """
    from models import sources as store  # noqa: PLC0415

    _change(
        state,
        sources,
        lambda one: store.pause(one, reason, state.now),
        yes=yes,
        verb="paused",
        as_json=as_json,
    )


@define(
    "resume",
    examples="""
    wirewatch sources resume 3
    wirewatch sources resume '*' --yes
    """,
)
@_refs
@_yes
@json_option
def resume(state: State, sources: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Poll paused sources again, from now on.

    SOURCE is an id, a location, a title, or a pattern with *. Past failures are forgotten.
    """
    from models import sources as store  # noqa: PLC0415

    _change(
        state, sources, lambda one: store.resume(one, state.now), yes=yes, verb="resumed", as_json=as_json
    )


for one_command in (add, list_command, show, remove, pause, resume, test, import_command, export):
    command.add_command(one_command)
