"""Where everything is."""

from __future__ import annotations

from service.web.api.operations import PREFIX, Answer, Call, Operation
from service.web.feeds_names import query_path


def index(call: Call) -> Answer:
    """The addresses to begin with."""
    names = ("articles", "changes", "topics", "counts", "timeline", "sources", "verdicts")
    links = {name: call.link(f"{PREFIX}/{name}", {}) for name in names}
    links |= {
        "openapi": call.link(f"{PREFIX}/openapi.json", {}),
        "docs": call.link(f"{PREFIX}/docs", {}),
        "feed": call.link(query_path("atom"), {}),
    }
    return Answer({"version": "1", "links": links})


OPERATIONS = (Operation("GET", "", "getIndex", "Where everything is", index, {200: "Index"}, group="about"),)
