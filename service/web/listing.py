"""The list of articles with its filters: what is asked, what is found, and what to say when nothing is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from models import catalog, labels, reading, sources
from models.errors import NotFound, QueryError, QueryTimeout
from models.query import Query
from models.records import Order, Page, Status, TopicRecord
from service.web.filters import PERIODS, conditions, fields_of, times_of
from service.web.parameters import Asked, BadParameter, read_form, read_id, read_question
from service.web.presentation import colours, count_of
from service.web.templating import Pages
from service.web.timeline import timeline
from service.web.topic_views import topic_choices
from service.web.views import LEAD, by_day

if TYPE_CHECKING:
    from models.database import Database

MAX_NAMES_OFFERED = 200
PATIENCE = 10.0  # seconds that a question may take
_DAY = timedelta(days=1)
_NOTHING = Page(())


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a question, shown above the form that asked it."""

    name: str
    text: str
    status: int


@dataclass(frozen=True, slots=True)
class ActiveFilter:
    """One filter in force, and the question without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The answer to a question: a page of articles, or what was wrong with the question."""

    asked: Asked
    page: Page
    problem: Problem | None = None


class ListingPage:
    """``/``: the newest articles, filtered by a plain form and paged by cursor."""

    def __init__(self, database: Database, templates: Pages, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._templates = templates
        self._clock = clock

    def __call__(self, request: Request) -> Response:
        """Answer a question; a wrong one is shown with its form, to be put right, and 4xx."""
        now = self._clock()
        pairs = request.query_params.multi_items()
        form = read_form(pairs)
        with self._database.snapshot():
            topics = labels.topics(inactive=True)
            listed = _ask(pairs, now, topics)
            asked, page = listed.asked, listed.page
            palette = colours(topic.name for topic in topics)
            drawn, total = (None, None) if listed.problem or asked.cursor else timeline(asked, now, palette)
            fields = form.fields if listed.problem else fields_of(asked.query)
            counts = _counts(asked.query, now)
            source = _source_called(fields.source)
            names = sources.names(MAX_NAMES_OFFERED)
            empty = not (page.articles or listed.problem or asked.narrowed)
            standing = catalog.status(now, recent=0) if empty else None
            bare = [article.id for article in page.articles if not article.snippet]
            leads = reading.beginnings(self._database, bare, 2 * LEAD)

        return self._templates.render(
            request,
            "articles.html",
            listed.problem.status if listed.problem else 200,
            section="articles",
            asked=asked,
            text=form.get("q") if listed.problem else asked.text,
            was=form.get("was") if listed.problem else asked.text,
            problem=listed.problem,
            fields=fields,
            periods=PERIODS,
            topics=topic_choices(topics, counts, fields.topics, palette),
            active=_active(asked),
            source_value=source or fields.source,
            source_names=names,
            chart=drawn,
            orders=list(Order),
            days=by_day(page.articles, leads, now, palette, mixed=asked.by_relevance),
            summary=_summary(listed, total),
            nothing_stored=_first_steps(standing),
            first_page=asked.at(None),
            next_page=asked.at(page.next_cursor) if page.next_cursor else None,
        )


def _ask(pairs: Sequence[tuple[str, str]], now: datetime, topics: Sequence[TopicRecord]) -> Listed:
    asked = Asked()
    try:
        asked = read_question(pairs, now=now, known_topics=[topic.name for topic in topics])
        return Listed(asked, catalog.find(asked.filter, now=now, patience=PATIENCE))
    except BadParameter as error:
        problem = Problem(error.name, error.problem, 400)
    except QueryTimeout as error:
        problem = Problem("q", str(error), 503)
    except QueryError as error:
        problem = Problem("" if asked.cursor else "q", str(error), 400)
    except NotFound as error:
        problem = Problem("q", str(error), 404)
    return Listed(asked, _NOTHING, problem)


def _counts(query: Query, now: datetime) -> Mapping[str, int]:
    """Articles by topic in the days asked for; the other filters do not narrow these counts."""
    since, until = times_of(query, now)
    return catalog.counts(
        since=since.date() if since else None,
        until=(until - timedelta(microseconds=1)).date() + _DAY if until else None,
    )


def _source_called(text: str) -> str | None:
    """The name of the source that an id stands for, where the name means the same source."""
    if read_id(text) is None:
        return None
    try:
        [source] = sources.find([text], removed=True)
        [same] = sources.find([source.name], removed=True)
    except (NotFound, ValueError):  # unknown, or one name for several
        return None
    return source.name if same.id == source.id else None


def _active(asked: Asked) -> list[ActiveFilter]:
    found = [
        ActiveFilter(one.label, one.value, asked.with_query(one.without)) for one in conditions(asked.query)
    ]
    if asked.duplicates:
        found.append(ActiveFilter("with", "duplicates", asked.without_duplicates()))
    return found


def _summary(listed: Listed, total: int | None) -> str:
    shown, page = len(listed.page.articles), listed.page
    if not shown:
        return ""
    order = "the most relevant first" if listed.asked.by_relevance else "newest first"
    if page.compared:
        order = f"the most relevant of the newest {page.compared}"
    if listed.asked.cursor:
        return f"{count_of(shown, 'more article')}, {order}"
    if total is None and not page.next_cursor:
        total = shown
    if total is None:
        return f"more than {shown} articles, {order}"
    return f"{count_of(total, 'article')}, {order}"


def _first_steps(standing: Status | None) -> Mapping[str, str] | None:
    """What to say while nothing is stored at all: None where something is."""
    if standing is None or standing.articles:
        return None
    return {"sources": count_of(standing.sources, "source") if standing.sources else ""}
