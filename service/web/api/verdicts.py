"""What people said of topics on articles; their word wins over the rules."""

from __future__ import annotations

from models import catalog, labels
from models.database import current
from models.errors import NotFound
from models.records import VerdictRecord
from models.tokens import Scope
from service.article_json import moment
from service.web.api import parameters
from service.web.api.operations import Answer, Call, Operation
from service.web.parameters import LARGEST_ID

_MAX_LIMIT = 500


def find(call: Call) -> Answer:
    """A page of all that stand, whole articles at a time."""
    limit = call["limit"]
    found = labels.verdicts(after_id=call["after"], limit=limit + 1)
    last = None
    if len(found) > limit:
        cut = found[-1].article_id
        page = [one for one in found if one.article_id != cut]
        # One article alone has more than a page holds: all of them, then.
        found = page or labels.verdicts(article_id=cut)
        last = found[-1].article_id
    return Answer(
        {"verdicts": [_verdict(one) for one in found], "next": None if last is None else str(last)},
        next_page=None if last is None else {**call.values, "after": last},
    )


def of_article(call: Call) -> Answer:
    """Those of one article."""
    return Answer({"verdicts": [_verdict(one) for one in _standing(call["id"])]})


def get(call: Call) -> Answer:
    """One of them."""
    return Answer(_verdict(_one(call["id"], call["topic"])))


def give(call: Call) -> Answer:
    """Say yes or no. Said again by the same, nothing changes."""
    number, topic, value = call["id"], call["topic"], call.body["value"]
    with current().transaction():
        before = [one for one in _standing(number) if one.topic == topic]
        if not before or (before[0].value, before[0].by) != (value, call.caller.name):
            labels.set_verdict(number, topic, value, call.caller.name, call.now)
        given = _one(number, topic)
    place = f"/articles/{number}/verdicts/{topic}"
    return Answer(_verdict(given), 200 if before else 201, location=None if before else place)


def withdraw(call: Call) -> Answer:
    """Take it back: the rules decide again."""
    with current().transaction():
        _one(call["id"], call["topic"])
        labels.withdraw_verdict(call["id"], call["topic"], call.caller.name, call.now)
    return Answer(None, 204)


def _standing(number: int) -> list[VerdictRecord]:
    found = labels.verdicts(article_id=number)
    if not found:
        catalog.get(number)  # raises NotFound where there is no such article
    return found


def _one(number: int, topic: str) -> VerdictRecord:
    for one in _standing(number):
        if one.topic == topic:
            return one
    raise NotFound(f"nobody's verdict on this topic stands on article {number}")


def _verdict(one: VerdictRecord) -> dict[str, object]:
    return {
        "article_id": one.article_id,
        "topic": one.topic,
        "value": one.value,
        "by": one.by,
        "at": moment(one.at),
    }


_ARTICLE = parameters.number("id", "The article's number.", "Articles")
_PLACE = "/articles/{id}/verdicts/{topic}"
_BOTH = (_ARTICLE, parameters.topic_name())
OPERATIONS = (
    Operation(
        "GET", "/verdicts", "listVerdicts", "All verdicts that stand, by article", find,
        {200: "VerdictPage"},
        description="Those of one article are never on two pages, so that a page may be longer than its "
        "limit, or shorter.",
        parameters=(
            parameters.page_size(_MAX_LIMIT, 100),
            parameters.integer("after", "The `next` of the page before.", 0, LARGEST_ID, 0),
        ),
        group="verdicts",
    ),
    Operation(
        "GET", "/articles/{id}/verdicts", "listVerdictsOfArticle", "The verdicts that stand on an article",
        of_article, {200: "Verdicts"}, parameters=(_ARTICLE,), group="verdicts", problems=("not-found",),
    ),
    Operation(
        "GET", _PLACE, "getVerdict", "The verdict on a topic of an article", get, {200: "Verdict"},
        parameters=_BOTH, group="verdicts", problems=("not-found",),
    ),
    Operation(
        "PUT", _PLACE, "giveVerdict", "Say yes or no to a topic of an article", give,
        {200: "Verdict", 201: "Verdict"},
        description="It wins over the rules, also when the article is labelled again, until it is withdrawn. "
        "It is given in the name of the token. One that stood before is withdrawn and kept.",
        parameters=_BOTH, body="NewVerdict", scope=Scope.WRITE, group="verdicts",
        problems=("not-found", "read-only"),
    ),
    Operation(
        "DELETE", _PLACE, "withdrawVerdict", "Take a verdict back: the rules decide again", withdraw,
        {204: None}, parameters=_BOTH, scope=Scope.WRITE, group="verdicts",
        problems=("not-found", "read-only"),
    ),
)  # fmt: skip
