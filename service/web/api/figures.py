"""Topics, counts and the timeline."""

from __future__ import annotations

from models import catalog, labels
from models.errors import NotFound
from models.records import ArticleFilter, TopicRecord
from service.article_json import days_json
from service.web.api import parameters
from service.web.api.operations import PATIENCE, Answer, Call, Operation
from service.web.feeds_names import FORMATS, topic_path


def topics(call: Call) -> Answer:
    """All of them, also those that the topics file has no longer."""
    return Answer({"topics": [_topic(one, call) for one in labels.topics(inactive=True)]})


def topic(call: Call) -> Answer:
    """One of them."""
    for one in labels.topics(inactive=True):
        if one.name == call["topic"]:
            return Answer(_topic(one, call))
    raise NotFound("No topic is called so.")


def count(call: Call) -> Answer:
    """How many articles a query finds."""
    found = catalog.count(_asked(call), now=call.now, patience=PATIENCE)
    return Answer({"articles": found.articles, "complete": found.complete})


def timeline(call: Call) -> Answer:
    """By day, and by topic and day."""
    return Answer(days_json(catalog.histogram(_asked(call), now=call.now, patience=PATIENCE)))


def _asked(call: Call) -> ArticleFilter:
    return ArticleFilter(query=call["q"] or "", duplicates=call["duplicates"])


def _topic(one: TopicRecord, call: Call) -> dict[str, object]:
    return {
        "topic": one.name,
        "description": one.description,
        "threshold": round(one.threshold, 4),
        "languages": list(one.languages),
        "active": one.active,
        "articles": one.articles,
        "feeds": {name: call.link(topic_path(one.name, name), {}) for name in FORMATS},
    }


_ASKED = (parameters.QUERY, parameters.DUPLICATES)
OPERATIONS = (
    Operation(
        "GET", "/topics", "listTopics", "All topics, with how many articles carry each", topics,
        {200: "Topics"}, group="figures",
    ),
    Operation(
        "GET", "/topics/{topic}", "getTopic", "One topic", topic, {200: "Topic"},
        parameters=(parameters.topic_name(),), group="figures", problems=("not-found",),
    ),
    Operation(
        "GET", "/counts", "countArticles", "How many articles a query finds", count, {200: "Count"},
        parameters=_ASKED, group="figures", problems=("bad-query", "not-found"),
    ),
    Operation(
        "GET", "/timeline", "getTimeline", "How many articles a query finds by day, and by topic and day",
        timeline, {200: "Timeline"},
        description="Days are those of UTC and are counted whole. Of very many articles only the newest are "
        "counted, unless nothing but one topic and times is asked for.",
        parameters=_ASKED, group="figures", problems=("bad-query", "not-found"),
    ),
)  # fmt: skip
