"""The OpenAPI document is true: schemathesis asks the running service whatever the document allows, and what
it forbids, and holds every answer to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from models import changes
from models.database import Database
from models.errors import QueryError
from models.query import format, parse
from models.questions import read_cursor
from models.tokens import Scope
from service.web.api.openapi import document
from service.web.api.parameters import MAX_QUERY, NO_CONTROLS
from service.web.api.routes import OPERATIONS
from tests import web_samples as samples
from tests.test_query import trees
from tests.web_api import API, holder, serving_api
from tests.web_site import Site

EXAMPLES = 8  # of each operation

# What a format of our own looks like, for whoever makes examples of it.
QUERIES = trees.map(format).filter(lambda text: len(text) <= MAX_QUERY and re.match(NO_CONTROLS, text))
schemathesis.openapi.format("wirewatch-query", QUERIES)
schemathesis.openapi.format("wirewatch-cursor", st.just("now"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with samples.library(tmp_path_factory.mktemp("library") / "wirewatch.db") as database:
        yield database


@pytest.fixture(scope="module")
def site(library: Database) -> Iterator[Site]:
    with serving_api(library) as running:
        yield running


@pytest.fixture(scope="module")
def token(library: Database) -> dict[str, str]:
    return holder(Scope.WRITE).headers


api = schemathesis.openapi.from_dict(document(OPERATIONS, ""))


def test_the_service_gives_this_document(site: Site) -> None:
    given = site.get(f"{API}/openapi.json").json()
    assert given == api.raw_schema
    assert given["openapi"] == "3.1.0"


@api.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_service_does_as_its_document_says(case: Case[Any], site: Site, token: dict[str, str]) -> None:
    answer = case.call(base_url=site.url, headers=token)
    # JSON Schema knows lengths and letters, but neither a grammar nor what a cursor is.
    if answer.status_code == 400 and is_beyond_a_schema(case.query or {}):
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])
    else:
        case.validate_response(answer)


def is_beyond_a_schema(said: Mapping[str, Any]) -> bool:
    """Whether a query or a cursor is none, as those say whose business it is."""
    with suppress(QueryError):
        parse(str(said.get("q", "")))
        if "after" in said:
            read_cursor(str(said["after"]))
        if said.get("changed_since", "now") != "now":
            changes.since(str(said["changed_since"]))
        return False
    return True
