"""``wirewatch doctor``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from service.cli.exits import Exit
from service.cli.output import count, hint, print_json, say
from service.cli.state import State, define, json_option
from service.masking import plain

if TYPE_CHECKING:
    from service.cli.checks import Bench, Finding

_WIDTH = 10  # of the names of checks


@define(
    "doctor",
    examples="""
    wirewatch doctor
    wirewatch doctor --quick            without reading the whole database
    wirewatch doctor --json | jq '.findings[] | select(.level == "to do")'
    """,
)
@click.option("--quick", is_flag=True, help="Leave out what takes long: whether the database is whole.")
@json_option
def command(state: State, quick: bool, as_json: bool) -> Exit:
    """Look at everything, and say what to do.

    Settings, topics, the database and its disk, the clock, the daemon, what waits, every source that is not
    well and every document that cannot be read. Nothing is changed. Exit code 0 says that nothing need be
    done, 1 that something is to be done; notes do not count.
    """
    from service.cli.checks import CHECKS, Finding, Level, examine  # noqa: PLC0415 - it brings everything
    from service.errors import SettingsError  # noqa: PLC0415

    try:
        with _bench(state) as bench:
            found = list(examine(bench, CHECKS, quick=quick))
    except SettingsError as error:
        mend = "'wirewatch config --example' prints every setting with its meaning"
        found = [("settings", Finding(Level.TODO, str(error), mend))]
    levels = Counter(one.level for _, one in found)
    to_do = levels[Level.TODO]
    if as_json:
        print_json({"to_do": to_do, "findings": [_as_json(name, one) for name, one in found]})
    else:
        for name, one in found:
            _print(name, one)
        done = f"{count(to_do, 'thing')} to do" if to_do else "nothing need be done"
        hint(f"{done}, {count(levels[Level.NOTE], 'note')}")
    return Exit.FAILED if to_do else Exit.DONE


@contextmanager
def _bench(state: State) -> Iterator[Bench]:
    """What can be worked with, as far as there is anything."""
    from models.errors import StorageError  # noqa: PLC0415
    from service.cli.checks import Bench  # noqa: PLC0415

    now, settings = state.now, state.settings
    with ExitStack() as closing:
        try:
            bench = Bench(now, settings, closing.enter_context(state.database()))
        except StorageError as error:
            bench = Bench(now, settings, trouble=error)
        yield bench


def _print(name: str, one: Finding) -> None:
    say(f"{one.level:<6} {name:<{_WIDTH}} {one.text}")
    gap = " " * (_WIDTH + 8)
    for text in one.about:
        print(gap + plain(text))  # noqa: T201 - `say` would take the indent for white space
    if one.mend:
        print(f"{gap}→ {plain(one.mend)}")  # noqa: T201


def _as_json(name: str, one: Finding) -> dict[str, Any]:
    return {
        "check": name,
        "level": str(one.level),
        "text": one.text,
        "mend": one.mend,
        "about": list(one.about),
    }
