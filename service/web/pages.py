"""One handler a page: question → view → template.

Handlers are plain functions on purpose: Starlette runs those in its thread pool, so that the event loop
waits neither for the database nor for a template.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from models import catalog, health, labels, sources, thresholds
from models.errors import NotFound
from models.query import Source
from models.records import ArticleRecord, Health, TagRecord
from service.web.explain import explain
from service.web.listing import ListingPage
from service.web.parameters import read_id, read_sources_query, read_threshold_query
from service.web.presentation import colours
from service.web.source_views import poll_bars, poll_row, source_row, source_tabs, sources_summary
from service.web.templating import Pages
from service.web.topic_views import topic_cards
from service.web.verdicts import Tokens
from service.web.views import article_view, asking, topic_query

if TYPE_CHECKING:
    from models.database import Database

SOURCES_PER_PAGE = 200
POLLS_SHOWN = 30
RECENT_POLLS = 15
CHART_DAYS = 30
Judge = Callable[[ArticleRecord], Sequence[TagRecord]]  # what the rules say of an article, all topics


class ReadingPages:
    """The pages that only read."""

    def __init__(
        self,
        database: Database,
        templates: Pages,
        clock: Callable[[], datetime],
        *,
        tokens: Tokens | None,
        judge: Judge | None,
    ) -> None:
        self._judge = judge
        self._tokens = tokens
        self._database = database
        self._templates = templates
        self._clock = clock
        self._listing = ListingPage(database, templates, clock)

    def articles(self, request: Request) -> Response:
        """The newest articles, filtered."""
        return self._listing(request)

    def article(self, request: Request) -> Response:
        """One article with its evidence in place and the reasons for its topics."""
        now = self._clock()
        with self._database.snapshot():
            article = self._article(request.path_params["id"])
            topics = labels.topics(inactive=True)
            verdicts = labels.verdicts(article_id=article.summary.id, withdrawn=True)
            judged = self._judge(article) if self._judge else ()
        palette = colours(topic.name for topic in topics)
        explained = explain(article, palette, judged=judged, verdicts=verdicts, now=now)
        used = {piece for paragraph in (explained.title, *explained.paragraphs) for piece in paragraph}
        marked = {mark.topic for piece in used for mark in piece.marks}
        shown = {panel.topic for panel in explained.panels}
        return self._templates.render(
            request,
            "article.html",
            section="articles",
            article=article,
            view=article_view(article, now, palette),
            explained=explained,
            marked_topics=[panel for panel in explained.panels if panel.topic in marked],
            colours=palette,
            token=self._tokens.give(article.summary.id) if self._tokens else None,
            unjudged=[
                (topic.name, topic.name in article.summary.uncovered)
                for topic in topics
                if topic.active and topic.name not in shown
            ],
            query_of=topic_query,
        )

    def sources(self, request: Request) -> Response:
        """Every source with its state, those that need a person first, and the newest polls of all."""
        now = self._clock()
        state, page = read_sources_query(request.query_params.multi_items())
        first = (page - 1) * SOURCES_PER_PAGE
        with self._database.snapshot():
            counts = health.counts(now)
            ids = health.ids(
                now,
                states=[Health(state)] if state else [],
                urgent=True,
                limit=SOURCES_PER_PAGE,
                offset=first,
            )
            shown = list(health.read(ids, now))
            standing = catalog.status(now, recent=RECENT_POLLS)
            names = health.names({poll.source_id for poll in standing.recent})
        listed = sum(
            count for one, count in counts.items() if (one == state if state else one is not Health.REMOVED)
        )

        def at(number: int) -> str:
            return urlencode(({"state": state} if state else {}) | {"page": number})

        return self._templates.render(
            request,
            "sources.html",
            section="sources",
            rows=[source_row(one, now) for one in shown],
            tabs=source_tabs(counts),
            chosen_state=state,
            summary=sources_summary(standing, listed),
            recent=[poll_row(poll, now, names.get(poll.source_id)) for poll in standing.recent],
            previous_page=at(page - 1) if page > 1 else None,
            next_page=at(page + 1) if first + len(shown) < listed else None,
        )

    def source(self, request: Request) -> Response:
        """One source: where it stands, why, and what its last polls brought."""
        now = self._clock()
        number = read_id(request.path_params["id"])
        with self._database.session():
            found = list(health.read([number], now)) if number else []
            if not found:
                raise NotFound("There is no source with this number.")
            polls = sources.polls(found[0].source.id, POLLS_SHOWN)
        return self._templates.render(
            request,
            "source.html",
            section="sources",
            row=source_row(found[0], now),
            recent=[poll_row(poll, now) for poll in polls],
            bars=poll_bars(polls, now),
            articles_query=asking(Source(str(found[0].source.id))),
        )

    def topics(self, request: Request) -> Response:
        """Each topic: what it means, its threshold, its articles, and how many came by day."""
        today = self._clock().date()
        since = today - timedelta(days=CHART_DAYS - 1)
        with self._database.snapshot():
            topics = labels.topics(inactive=True)
            asked = request.query_params.multi_items()
            tried = read_threshold_query(asked, [topic.name for topic in topics])
            looked_at, scores = thresholds.scores()
            days = catalog.timeline(since=since, until=today + timedelta(days=1))
        return self._templates.render(
            request,
            "topics.html",
            section="topics",
            looked_at=looked_at,
            rows=topic_cards(
                topics,
                days,
                since,
                today,
                colours=colours(topic.name for topic in topics),
                scores=scores,
                tried=tried,
            ),
        )

    def _article(self, text: str) -> ArticleRecord:
        number = read_id(text)
        if number is None:
            raise NotFound("Articles have numbers, and this is none.")
        return catalog.get(number)
