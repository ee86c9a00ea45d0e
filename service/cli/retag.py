"""``wirewatch retag``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from service.cli.output import count, hint, print_json, print_table, progress, say
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from service.relabel import Relabelled

_PAUSE = 0.02  # seconds; a quarter of the time or so of a batch


@define(
    "retag",
    examples="""
    wirewatch retag --dry-run          what would change, with examples; nothing is written
    wirewatch retag                    do it, also while the daemon polls
    wirewatch retag --limit 1000       only so many now; the next run goes on from there
    WIREWATCH_TOPICS_FILE=own.toml wirewatch retag --dry-run
    """,
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--limit", type=click.IntRange(1), help="At most so many articles.")
@click.option(
    "--pause",
    type=click.FloatRange(0, 60),
    default=_PAUSE,
    show_default=True,
    help="Seconds to rest after every hundred articles.",
)
@json_option
def command(state: State, dry_run: bool, limit: int | None, pause: float, as_json: bool) -> None:
    """Label stored articles again, where the topics have changed since.

    Verdicts of people stand. It may be interrupted: what is done is stored, and the next run does the rest.
    """
    from service.tagging import Tagger  # noqa: PLC0415 - peewee and rules: not for --help

    tagger = Tagger(state.taxonomy())
    with state.database():
        from models import labels  # noqa: PLC0415
        from service.application import topic_specs  # noqa: PLC0415
        from service.relabel import Relabeller, writer  # noqa: PLC0415

        if not dry_run:
            labels.sync_topics(topic_specs(tagger.taxonomy), tagger.taxonomy.hash, state.now)
        relabeller = Relabeller(tagger)
        total = labels.count_to_retag(relabeller.taxonomy)
        write = None if dry_run else writer(relabeller, lambda: state.now)
        with progress() as display:
            task = display.add_task("labelling again", total=min(total, limit or total))
            done = relabeller.run(
                write, limit=limit, pause=pause, progress=lambda number: display.advance(task, number)
            )
        left = max(0, total - done.articles) if dry_run else labels.count_to_retag(relabeller.taxonomy)
    if as_json:
        print_json(_as_json(done, left, dry_run=dry_run, taxonomy=tagger.taxonomy.hash))
    else:
        _print(done, left, dry_run=dry_run)


def _print(done: Relabelled, left: int, *, dry_run: bool) -> None:
    if not done.articles:
        say("every article is labelled by the topics in force; there is nothing to do")
        return
    print_table(
        ["TOPIC", ("GAINED", "right"), ("LOST", "right")],
        [[name, f"+{one.gained:,}", f"-{one.lost:,}"] for name, one in sorted(done.topics.items())],
    )
    for name, one in sorted(done.topics.items()):
        for sign, number, samples in (
            ("+", one.gained, one.gained_samples),
            ("-", one.lost, one.lost_samples),
        ):
            if samples:
                say(f"{sign}{name}")
                print_table(
                    ["", ("", "right"), ""], [["", str(article), title] for article, title in samples]
                )
            if number > len(samples):
                say(f"  and {number - len(samples):,} more")
    would = "would be" if dry_run else "were"
    say(f"{count(done.articles, 'article')} looked at, {done.changed:,} {would} given other topics")
    if done.kept:
        say(f"{count(done.kept, 'verdict')} of people stand against what the rules say")
    if not dry_run and done.written < done.articles:
        say(f"{count(done.articles - done.written, 'article')} changed meanwhile and were left alone")
    if left:
        hint(f"{count(left, 'article')} are left; run it again")
    if dry_run:
        hint("nothing was written")


def _as_json(done: Relabelled, left: int, *, dry_run: bool, taxonomy: str) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "taxonomy": taxonomy,
        "articles": done.articles,
        "written": done.written,
        "changed": done.changed,
        "verdicts_kept": done.kept,
        "left": left,
        "topics": {
            name: {
                "gained": one.gained,
                "lost": one.lost,
                "gained_samples": [{"id": number, "title": title} for number, title in one.gained_samples],
                "lost_samples": [{"id": number, "title": title} for number, title in one.lost_samples],
            }
            for name, one in sorted(done.topics.items())
        },
    }
