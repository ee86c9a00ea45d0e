"""Following: what is new, changed or labelled again since a cursor."""

from __future__ import annotations

from models import changes
from models.records import ArticleRecord
from service.article_json import article_json, moment, summary_json
from service.web.api import parameters
from service.web.api.operations import Answer, Call, Operation

NOW = "now"  # instead of a cursor: from here on
_MAX_LIMIT = 200


def follow(call: Call) -> Answer:
    """A page of changes."""
    cursor, whole = call["changed_since"], call["detail"] == "full"
    if cursor == NOW:
        return Answer({"changes": [], "next": changes.latest(), "more": False})
    page = changes.since(cursor, limit=call["limit"], whole=whole)
    value = {
        "changes": [
            {
                "id": one.article_id,
                "changed_at": moment(one.changed_at),
                "deleted": one.article is None,
                "article": None
                if one.article is None
                else article_json(one.article)
                if isinstance(one.article, ArticleRecord)
                else summary_json(one.article),
            }
            for one in page.changes
        ],
        "next": page.cursor,
        "more": page.more,
    }
    following = {**call.values, "changed_since": page.cursor} if page.more else None
    return Answer(value, next_page=following)


OPERATIONS = (
    Operation(
        "GET",
        "/changes",
        "followChanges",
        "What is new, changed, labelled again or deleted since a cursor",
        follow,
        {200: "Changes"},
        description="Each article has a place in one order, the order in which articles were stored or "
        "changed, and moves to its end whenever it changes: by a new wording, by other labels, by a verdict, "
        "when its file vanishes, when it is deleted. Ask without `changed_since` for all there is (or with "
        "`now` for none of it), take each `article` over by its `id`, and ask again with `next`, at once "
        "while there is `more` and whenever you like afterwards. Nothing is missed, no clock is needed, and "
        "what changed several times in between is given once, as it is by then. Duplicates are given, too. "
        "After a restored backup a cursor from before it is refused: begin again.",
        parameters=(
            parameters.cursor("changed_since", "The `next` of the page before; `now`; or nothing."),
            parameters.page_size(_MAX_LIMIT, 100),
            parameters.choice(
                "detail", "Articles as lists give them, or whole.", ("summary", "full"), "summary"
            ),
        ),
        problems=("bad-query",),
    ),
)
