"""Topics → what the templates show, ready to print. Pure: the day and the colours are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.records import DayCount, TopicRecord
from models.thresholds import Scores
from service.web.presentation import count_of, day_of, number_of, score_of
from service.web.views import Colours, topic_query

_WEEK = 7
_BINS = 20  # of the scores from 0 to 1
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
class Moving:
    """What moving a topic's threshold would do, for the articles that came last."""

    tried: float
    tried_text: str
    gained: str  # for each hundredth from 0.00 to 1.00, separated by spaces
    lost: str
    told: str  # of the value that is tried
    bins: tuple[tuple[float, bool], ...]  # the height of each twentieth of the scores, and whether it holds
    threshold_at: float  # 0 to 100
    tried_at: float
    label: str
    changed: bool  # another value than the one in force is tried


@dataclass(frozen=True, slots=True)
class TopicCard:
    """A topic as the list of topics shows it."""

    name: str
    colour: int
    description: str
    active: bool
    threshold: str
    languages: str
    query: str  # the query string that asks for its articles
    articles: str
    week: str
    bars: tuple[Bar, ...]
    chart_label: str
    moving: Moving | None  # what another threshold would do, where that can be told


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
    *,
    colours: Colours,
    scores: Iterable[Scores] = (),
    tried: tuple[str | None, float | None] = (None, None),
) -> list[TopicCard]:
    """Topics in use first, each with its articles by day from ``since`` to ``today``, both inclusive.

    ``scores`` says what the last articles scored, and ``tried`` which topic is shown with which threshold.
    """
    by_topic: dict[str, dict[date, int]] = {}
    for count in counts:
        by_topic.setdefault(count.topic, {})[count.day] = count.articles
    days = [since + timedelta(days=n) for n in range((today - since).days + 1)]
    ordered = sorted(topics, key=lambda topic: (not topic.active, topic.name))
    moved = {one.topic: _moving(one, tried[1] if tried[0] == one.topic else None) for one in scores}
    return [
        _card(topic, days, by_topic.get(topic.name, {}), colours, moved.get(topic.name)) for topic in ordered
    ]


def _moving(found: Scores, value: float | None) -> Moving:
    tried = found.threshold if value is None else value
    steps = [round(n / 100, 2) for n in range(101)]
    gained, lost = found.gained(tried), found.lost(tried)
    return Moving(
        tried=round(tried, 2),
        tried_text=score_of(tried),
        gained=" ".join(str(found.gained(at)) for at in steps),
        lost=" ".join(str(found.lost(at)) for at in steps),
        told=f"{score_of(tried)}: {number_of(gained)} more, {number_of(lost)} fewer",
        bins=_distribution(found),
        threshold_at=round(100 * found.threshold, 1),
        tried_at=round(100 * tried, 1),
        label=f"Scores of the last articles: {count_of(len(found.missed), 'article')} below the threshold "
        f"of {score_of(found.threshold)}, {number_of(len(found.carried))} at or above it",
        changed=value is not None and value != found.threshold,
    )


def _distribution(found: Scores) -> tuple[tuple[float, bool], ...]:
    """How many articles scored in each twentieth, as heights: those below the threshold and those above."""
    counts = [0] * _BINS
    for score in (*found.missed, *found.carried):
        counts[min(int(score * _BINS), _BINS - 1)] += 1
    highest = max(counts)
    return tuple(
        (_height(count, highest), (place + 0.5) / _BINS >= found.threshold)
        for place, count in enumerate(counts)
    )


def _card(
    topic: TopicRecord,
    days: Sequence[date],
    counts: Mapping[date, int],
    colours: Colours,
    moving: Moving | None,
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
        query=topic_query(topic.name),
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
        moving=moving,
    )


def _height(value: int, highest: int) -> float:
    return round(max(_LEAST, _CHART_HEIGHT * value / highest), 1) if value else 0.0
