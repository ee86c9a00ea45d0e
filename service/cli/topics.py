"""``wirewatch topics``."""

from __future__ import annotations

from service.cli.output import print_json, print_table
from service.cli.state import State, define, json_option


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
    taxonomy = state.taxonomy()
    counts = _counts(state)
    if as_json:
        print_json(
            [
                {
                    "topic": topic.name,
                    "description": topic.description,
                    "threshold": topic.threshold,
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
                f"{topic.threshold:.2f}",
                ", ".join(sorted(topic.languages)) or "all",
                topic.description,
            ]
            for topic in taxonomy.topics
        ],
    )


def _counts(state: State) -> dict[str, int]:
    path = state.settings.sqlite_path
    if path is not None and not path.exists():
        return {}
    with state.database():
        from models.labels import topics  # noqa: PLC0415

        return {topic.name: topic.articles for topic in topics()}
