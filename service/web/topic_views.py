"""Topics → what the templates show, ready to print. Pure: the day and the colours are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.records import DayCount, TopicRecord
from service.web.presentation import count_of, day_of, number_of, score_of
from service.web.views import Colours

_WEEK = 7
_CHART_HEIGHT = 40  # of the chart's view box
_LEAST = 2.0  # the height of one article beside very many


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """A topic in the filter form."""

    name: str
    colour: int
    count: str
    chosen: bool
    description: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of a topic's chart."""

    height: float  # 0 to 40, from the bottom
    label: str


@dataclass(frozen=True, slots=True)
class TopicCard:
    """A topic as the list of topics shows it."""

    name: str
    colour: int
    description: str
    active: bool
    threshold: str
    languages: str
    articles: str
    week: str
    bars: tuple[Bar, ...]
    chart_label: str


def topic_choices(
    topics: Iterable[TopicRecord], counts: Mapping[str, int], chosen: Iterable[str], colours: Colours
) -> list[TopicChoice]:
    """The topics of the filter form; one that is no longer in use is there while it is chosen."""
    asked = set(chosen)
    return [
        TopicChoice(
            topic.name,
            colours.get(topic.name, 0),
            number_of(counts.get(topic.name, 0)),
            topic.name in asked,
            topic.description,
        )
        for topic in topics
        if topic.active or topic.name in asked
    ]


def topic_cards(
    topics: Iterable[TopicRecord],
    counts: Sequence[DayCount],
    since: date,
    today: date,
    colours: Colours,
) -> list[TopicCard]:
    """Topics in use first, each with its articles by day from ``since`` to ``today``, both inclusive."""
    by_topic: dict[str, dict[date, int]] = {}
    for count in counts:
        by_topic.setdefault(count.topic, {})[count.day] = count.articles
    days = [since + timedelta(days=n) for n in range((today - since).days + 1)]
    ordered = sorted(topics, key=lambda topic: (not topic.active, topic.name))
    return [_card(topic, days, by_topic.get(topic.name, {}), colours) for topic in ordered]


def _card(
    topic: TopicRecord, days: Sequence[date], counts: Mapping[date, int], colours: Colours
) -> TopicCard:
    values = [counts.get(day, 0) for day in days]
    highest = max(values, default=0)
    return TopicCard(
        name=topic.name,
        colour=colours.get(topic.name, 0),
        description=topic.description,
        active=topic.active,
        threshold=score_of(topic.threshold),
        languages=", ".join(topic.languages) or "all",
        articles=number_of(topic.articles),
        week=number_of(sum(values[-_WEEK:])),
        bars=tuple(
            Bar(_height(value, highest), f"{day_of(day)}: {count_of(value, 'article')}")
            for day, value in zip(days, values, strict=True)
        ),
        chart_label=(
            f"{count_of(sum(values), 'article')} in the last {len(days)} days, "
            f"at most {number_of(highest)} a day"
        ),
    )


def _height(value: int, highest: int) -> float:
    return round(max(_LEAST, _CHART_HEIGHT * value / highest), 1) if value else 0.0
