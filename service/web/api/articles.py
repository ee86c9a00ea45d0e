"""Articles: those that a query finds, and one with its evidence."""

from __future__ import annotations

from models import catalog
from models.records import ArticleFilter, Order
from service.article_json import article_json, summary_json
from service.web.api import parameters
from service.web.api.operations import PATIENCE, Answer, Call, Operation

MAX_LIMIT = 200


def find(call: Call) -> Answer:
    """A page of what a query finds."""
    asked = ArticleFilter(
        query=call["q"] or "",
        order=Order(call["order"]),
        duplicates=call["duplicates"],
        limit=call["limit"],
        cursor=call["after"],
    )
    page = catalog.find(asked, now=call.now, patience=PATIENCE)
    value = {
        "articles": [summary_json(one) for one in page.articles],
        "next": page.next_cursor,
        "compared": page.compared,
    }
    following = {**call.values, "after": page.next_cursor} if page.next_cursor else None
    return Answer(value, next_page=following)


def get(call: Call) -> Answer:
    """One article."""
    return Answer(article_json(catalog.get(call["id"])))


OPERATIONS = (
    Operation(
        "GET",
        "/articles",
        "findArticles",
        "Articles that a query finds, a page at a time",
        find,
        {200: "Articles"},
        description="The newest first, or the most relevant. A query that cannot be read is refused with the "
        "place (`column`) and with what was expected there; names of topics and sources that do not exist "
        "are not found.",
        parameters=(
            parameters.QUERY,
            parameters.choice("order", "What comes first.", [str(one) for one in Order], "newest"),
            parameters.page_size(MAX_LIMIT, 50),
            parameters.cursor("after", "The cursor `next` of the page before."),
            parameters.DUPLICATES,
        ),
        problems=("bad-query", "not-found"),
    ),
    Operation(
        "GET",
        "/articles/{id}",
        "getArticle",
        "One article with its text, its topics and their evidence",
        get,
        {200: "Article"},
        description="Evidence says which phrase of the title or the text spoke for a topic, where it stands, "
        "by which rule, and how much it counts.",
        parameters=(parameters.number("id", "The article's number.", "Articles"),),
        problems=("not-found",),
    ),
)
