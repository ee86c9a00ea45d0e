"""``wirewatch stats``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from service.cli.output import count, print_json, print_table, say
from service.cli.state import State, define, json_option
from service.masking import mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.records import Statistics


@define(
    "stats",
    examples="""
    wirewatch stats
    wirewatch stats --json | jq '.topics'
    """,
)
@click.option(
    "--most",
    type=click.IntRange(1, 1_000),
    default=20,
    show_default=True,
    help="Sources and languages listed.",
)
@json_option
def command(state: State, most: int, as_json: bool) -> None:
    """Count what is stored, by topic, source, language and verdict.

    Topics are counted without duplicates, by days of UTC: today, the last 7 and 30 days, and all.
    """
    with state.database():
        from models import catalog  # noqa: PLC0415

        found = catalog.statistics(state.now, most=most)
    if as_json:
        print_json(_as_json(found))
    else:
        _print(found)


def _print(found: Statistics) -> None:
    span = f", {found.first} to {found.last}" if found.first else ""
    say(
        f"{count(found.articles, 'article')}{span}; {found.tagged:,} with a topic; "
        f"{count(found.duplicates, 'duplicate')} beside them; "
        f"{count(found.yes + found.no, 'verdict')} ({found.yes:,} yes, {found.no:,} no)"
    )
    if found.topics:
        say("")
        print_table(
            ["TOPIC", ("TODAY", "right"), ("7 DAYS", "right"), ("30 DAYS", "right"), ("ALL", "right")],
            [
                [one.topic, *(f"{number:,}" for number in (one.day, one.week, one.month, one.articles))]
                for one in found.topics
            ],
        )
    _print_list("SOURCE", [(mask(name), number) for name, number in found.sources])
    _print_list("LANGUAGE", [(code or "unknown", number) for code, number in found.languages])


def _print_list(heading: str, rows: Sequence[tuple[str, int]]) -> None:
    if rows:
        say("")
        print_table(
            [(heading, "wrap"), ("ARTICLES", "right")], [[name, f"{number:,}"] for name, number in rows]
        )


def _as_json(found: Statistics) -> dict[str, Any]:
    return {
        "articles": found.articles,
        "tagged": found.tagged,
        "duplicates": found.duplicates,
        "first": found.first.isoformat() if found.first else None,
        "last": found.last.isoformat() if found.last else None,
        "topics": [
            {
                "topic": one.topic,
                "day": one.day,
                "week": one.week,
                "month": one.month,
                "articles": one.articles,
            }
            for one in found.topics
        ],
        "sources": [{"source": mask(name), "articles": number} for name, number in found.sources],
        "languages": [{"language": code, "articles": number} for code, number in found.languages],
        "verdicts": {"yes": found.yes, "no": found.no},
    }
