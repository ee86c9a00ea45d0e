"""``wirewatch prune``."""

from __future__ import annotations

from dataclasses import replace

import click

from service.cli.output import count, hint, print_json, progress, say
from service.cli.state import State, define, json_option
from service.errors import UsageError

_PAUSE = 0.02  # seconds between two batches, for the daemon


@define(
    "prune",
    examples="""
    wirewatch prune --dry-run                      what the settings would delete
    wirewatch prune --older-than 730d --dry-run
    wirewatch prune --most 1000000 --keep-topic sanctions
    """,
)
@click.option("--older-than", metavar="AGE", help="First seen longer ago, instead of retention.max_age.")
@click.option("--most", type=click.IntRange(1), help="Beyond so many, instead of retention.max_articles.")
@click.option(
    "--keep-topic",
    "topics",
    multiple=True,
    metavar="TOPIC",
    help="Keep what carries it, beside retention.keep_topics.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@json_option
def command(
    state: State,
    *,
    older_than: str | None,
    most: int | None,
    topics: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Delete articles that need not be kept, the first seen ones first.

    By the settings of [retention], or as it is told. Articles on which somebody gave a verdict stay. What is
    deleted does not come back with its feed or folder. The daemon does the same by itself.
    """
    from service.care import retention_rule  # noqa: PLC0415 - not for --help
    from service.retention import Pruning  # noqa: PLC0415

    rule = retention_rule(state.settings, state.now)
    if older_than is not None:
        from service.settings_units import parse_duration  # noqa: PLC0415

        try:
            rule = replace(rule, before=state.now - parse_duration(older_than))
        except (ValueError, OverflowError) as error:
            raise UsageError(f"--older-than takes a duration such as 730d, not {older_than!r}") from error
    rule = replace(rule, most=most or rule.most, keep_topics=(*rule.keep_topics, *topics))
    if rule.before is None and rule.most is None:
        raise UsageError(
            "nothing says what is to be deleted: set retention.max_age or retention.max_articles, or give "
            "--older-than or --most"
        )
    pruning = Pruning(rule)
    with state.database():
        from models.retention import unknown_topics  # noqa: PLC0415

        unknown = unknown_topics(rule.keep_topics)
        if not unknown and dry_run:
            pruning.rehearse()
        elif not unknown:
            with progress() as display:
                task = display.add_task("deleting", total=None)
                pruning.run(lambda: state.now, pause=_PAUSE, progress=lambda n: display.advance(task, n))
    if unknown:
        raise UsageError(f"there is no topic {unknown[0]!r}: nothing was deleted")
    done = pruning.done
    if as_json:
        print_json({"dry_run": dry_run, "deleted": done.deleted, "kept": done.kept})
        return
    would = "would be deleted" if dry_run else "deleted"
    say(f"{count(done.deleted, 'article')} {would}")
    if done.kept:
        hint(f"{count(done.kept, 'article')} stay for a verdict, a watch or a topic")
