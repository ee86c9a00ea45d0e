"""Sources: how they stand, and their last polls."""

from __future__ import annotations

from bisect import bisect_right

from models import health
from models import sources as store
from models.database import current
from models.errors import NotFound
from models.records import Health, SourceKind
from service.source_json import health_json, poll_json
from service.web.api import parameters
from service.web.api.operations import Answer, Call, Operation
from service.web.parameters import LARGEST_ID

_MAX_LIMIT = 500
_MAX_POLLS = 200


def find(call: Call) -> Answer:
    """A page of sources by id."""
    with current().snapshot():
        numbers = sorted(
            health.ids(
                call.now,
                states=[Health(call["state"])] if call["state"] else [],
                kinds=[SourceKind(call["kind"])] if call["kind"] else [],
                removed=call["removed"],
            )
        )
        page = numbers[bisect_right(numbers, call["after"]) :]
        shown = [health_json(one) for one in health.read(page[: call["limit"]], call.now)]
    last = page[call["limit"] - 1] if len(page) > call["limit"] else None
    return Answer(
        {"sources": shown, "next": None if last is None else str(last)},
        next_page=None if last is None else {**call.values, "after": last},
    )


def get(call: Call) -> Answer:
    """One source."""
    found = list(health.read([call["id"]], call.now))
    if not found:
        raise NotFound("There is no source with this number.")
    return Answer(health_json(found[0]))


def polls(call: Call) -> Answer:
    """The last looks at one."""
    if not list(health.read([call["id"]], call.now)):
        raise NotFound("There is no source with this number.")
    return Answer({"polls": [poll_json(one) for one in store.polls(call["id"], call["limit"])]})


_NUMBER = parameters.number("id", "The source's number.", "Sources")
OPERATIONS = (
    Operation(
        "GET",
        "/sources",
        "listSources",
        "Sources, and how they stand",
        find,
        {200: "Sources"},
        parameters=(
            parameters.choice("state", "Only those that stand so.", [str(one) for one in Health]),
            parameters.choice("kind", "Only those of this kind.", [str(one) for one in SourceKind]),
            parameters.flag("removed", "Whether those that were removed are given, too."),
            parameters.page_size(_MAX_LIMIT, 100),
            parameters.integer(
                "after", "The `next` of the page before.", 0, LARGEST_ID, default=0
            ),
        ),
        group="sources",
    ),
    Operation(
        "GET", "/sources/{id}", "getSource", "One source", get, {200: "Source"},
        parameters=(_NUMBER,), group="sources", problems=("not-found",),
    ),
    Operation(
        "GET", "/sources/{id}/polls", "listPolls", "The last looks at a source, the newest first",
        polls, {200: "Polls"},
        parameters=(_NUMBER, parameters.page_size(_MAX_POLLS, 30)), group="sources",
        problems=("not-found",),
    ),
)  # fmt: skip
