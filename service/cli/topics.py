"""``wirewatch topics``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from service.cli.output import count, hint, print_json, print_table
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from service.tagging import Taxonomy


@define(
    "topics",
    examples="""
    wirewatch topics
    wirewatch topics --json | jq -r '.[].topic'
    WIREWATCH_TOPICS_FILE=own.toml wirewatch topics
    """,
)
@json_option
def command(state: State, as_json: bool) -> None:
    """List the topics, with how many articles carry each.

    They come from the topics file; the counts, duplicates left out, from the database. Articles in other
    languages than those of a topic's rules are not judged, and marked as not covered.
    """
    from service.tagging.thresholds import threshold_of  # noqa: PLC0415

    taxonomy = state.taxonomy()
    counts = _counts(state)
    if as_json:
        print_json(
            [
                {
                    "topic": topic.name,
                    "description": topic.description,
                    "threshold": round(threshold_of(taxonomy, topic), 4),
                    "languages": sorted(topic.languages),
                    "articles": counts.get(topic.name, 0),
                    "iptc": list(topic.iptc),
                    "gdelt": list(topic.gdelt),
                }
                for topic in taxonomy.topics
            ]
        )
        return
    print_table(
        ["TOPIC", ("ARTICLES", "right"), ("THRESHOLD", "right"), "LANGUAGES", ("DESCRIPTION", "wrap")],
        [
            [
                topic.name,
                f"{counts.get(topic.name, 0):,}",
                f"{threshold_of(taxonomy, topic):.2f}",
                ", ".join(sorted(topic.languages)) or "all",
                topic.description,
            ]
            for topic in taxonomy.topics
        ],
    )
    for line in _learned(state, taxonomy):
        hint(line)


def _learned(state: State, taxonomy: Taxonomy) -> Iterator[str]:
    """What this installation added to the topics."""
    from service.tagging.learned import read_phrases  # noqa: PLC0415
    from service.training import learned_model, starting_model  # noqa: PLC0415

    topics = state.settings.topics
    assert topics.learned is not None, "settings that were loaded name one"
    accepted = sum(phrase.accepted for phrase in read_phrases(topics.learned))
    if accepted:
        yield f"{count(accepted, 'phrase')} accepted here: 'wirewatch train phrases --decided' lists them"
    model = learned_model(topics.learned)
    if model is not None:
        said = count(model.file.trained.get("verdicts", 0), "article")
        yield f"weights learned here from {said} with verdicts; 'wirewatch train --revert' takes them back"
        if model.file.trained.get("base") != starting_model(taxonomy, topics.weights).version:
            yield "they start from other weights than those in force by now: run 'wirewatch train' again"


def _counts(state: State) -> dict[str, int]:
    path = state.settings.sqlite_path
    if path is not None and not path.exists():
        return {}
    with state.database():
        from models.labels import topics  # noqa: PLC0415

        return {topic.name: topic.articles for topic in topics()}
