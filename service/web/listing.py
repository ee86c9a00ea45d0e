"""The list of articles with its filters: what is asked, what is found, and what to say when nothing is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from models import catalog, labels, sources
from models.errors import NotFound, QueryError
from models.records import ArticleFilter, Page, Status, TopicRecord
from service.web.parameters import BadParameter, Form, read_filter, read_form, read_id
from service.web.presentation import colours, count_of, day_of, moment_of, score_of
from service.web.templating import Pages
from service.web.topic_views import topic_choices
from service.web.views import by_day

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

    asked: ArticleFilter
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
        with self._database.session():
            topics = labels.topics(inactive=True)
            listed = _ask(pairs, now, topics)
            counts = _counts(listed.asked)
            source = _source_called(form.get("source"))
            names = sources.names(MAX_NAMES_OFFERED)
            empty = not (listed.page.articles or listed.problem or form.narrowed)
            standing = catalog.status(now, recent=0) if empty else None

        palette = colours(topic.name for topic in topics)
        active = [] if listed.problem else _active(form, listed.asked, source)
        asked, page = listed.asked, listed.page
        return self._templates.render(
            request,
            "articles.html",
            listed.problem.status if listed.problem else 200,
            section="articles",
            form=form,
            problem=listed.problem,
            topics=topic_choices(topics, counts, form.topics, palette),
            active=active,
            filters_set=len(form.names - {"q", "limit", "cursor"}),
            since_day=_since_day(asked, form, listed.problem),
            until_day=_until_day(asked, form, listed.problem),
            source_value=source or form.get("source"),
            source_names=names,
            days=by_day(page.articles, now, palette),
            summary=_summary(listed, form),
            nothing_stored=_first_steps(standing),
            first_page=form.at(None),
            next_page=form.at(page.next_cursor) if page.next_cursor else None,
        )


def _ask(pairs: Sequence[tuple[str, str]], now: datetime, topics: Sequence[TopicRecord]) -> Listed:
    asked = ArticleFilter()
    try:
        asked = read_filter(pairs, now=now, known_topics=[topic.name for topic in topics])
        return Listed(asked, catalog.find(asked, now=now, patience=PATIENCE))
    except BadParameter as error:
        problem = Problem(error.name, error.problem, 400)
    except QueryError as error:
        # The parameters themselves were read: it is the text or the place, and only the message tells which.
        problem = Problem("q" if asked.query and not asked.cursor else "", str(error), 400)
    except NotFound as error:
        problem = Problem("source" if asked.sources else "q", str(error), 404)
    return Listed(asked, _NOTHING, problem)


def _counts(asked: ArticleFilter) -> Mapping[str, int]:
    """Articles by topic in the days asked for; the other filters do not narrow these counts."""
    since = asked.since.date() if asked.since else None
    until = (asked.until - timedelta(microseconds=1)).date() if asked.until else None
    return catalog.counts(since=since, until=until + _DAY if until else None)


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


def _active(form: Form, asked: ArticleFilter, source: str | None) -> list[ActiveFilter]:
    found = []
    if asked.query is not None:
        found.append(ActiveFilter("search", form.get("q"), form.without("q")))
    for topic in form.topics:
        found.append(ActiveFilter("topic", topic, form.without("topic", topic)))
    if asked.since:
        found.append(ActiveFilter("from", _moment(asked.since), form.without("since")))
    if asked.until:
        whole_day = "T" not in form.get("until") and asked.until.time() == asked.until.min.time()
        last = day_of(asked.until - _DAY) if whole_day else _moment(asked.until)
        found.append(ActiveFilter("to", last, form.without("until")))
    if asked.sources:
        found.append(ActiveFilter("source", source or asked.sources[0], form.without("source")))
    if asked.min_score is not None:
        found.append(ActiveFilter("score at least", score_of(asked.min_score), form.without("min_score")))
    if asked.duplicates:
        found.append(ActiveFilter("with", "duplicates", form.without("duplicates")))
    return found


def _moment(moment: datetime) -> str:
    midnight = moment.time() == moment.min.time()
    return day_of(moment) if midnight else moment_of(moment)


def _since_day(asked: ArticleFilter, form: Form, problem: Problem | None) -> str:
    """What the date field shows: the day asked for, or what was typed while it is wrong."""
    if asked.since and not problem:
        return asked.since.date().isoformat()
    return form.get("since")


def _until_day(asked: ArticleFilter, form: Form, problem: Problem | None) -> str:
    if asked.until and not problem:
        return (asked.until - timedelta(microseconds=1)).date().isoformat()
    return form.get("until")


def _summary(listed: Listed, form: Form) -> str:
    shown = len(listed.page.articles)
    if not shown:
        return ""
    if form.get("cursor"):
        return f"{count_of(shown, 'older article')}, newest first"
    if listed.page.next_cursor:
        return f"the newest {shown}"
    return f"{count_of(shown, 'article')}, newest first"


def _first_steps(standing: Status | None) -> Mapping[str, str] | None:
    """What to say while nothing is stored at all: None where something is."""
    if standing is None or standing.articles:
        return None
    return {"sources": count_of(standing.sources, "source") if standing.sources else ""}
