"""Office documents broken inside, through the confinement: each gives a reading, or a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from service.reading import Reading
from service.tagging import load_topics
from service.values import Reason
from service.workers import Workers, explain_failure
from tests.document_makers import docx, docx_paragraph, odt
from tests.office_mutations import mutated, samples
from tests.polling import TOPICS

SAMPLES = Path(__file__).parent / "documents"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DEADLINE = 10.0
# Nothing of a document may be a fault of ours, nor end the worker by itself.
REFUSALS = {Reason.MALFORMED, Reason.EMPTY, Reason.UNSUPPORTED, Reason.TOO_COMPLEX, Reason.NOT_TEXT}


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    topics = tmp_path_factory.mktemp("topics") / "topics.toml"
    topics.write_text(TOPICS, encoding="utf-8")
    running = Workers(load_topics(topics), processes=1, deadline=DEADLINE, memory_limit=1 << 30)
    yield running
    running.close(wait=False)


def outcome(future: Future[Reading]) -> tuple[str, str]:
    try:
        reading = future.result(4 * DEADLINE)
    except Exception as error:  # noqa: BLE001 - what it means is what is asked
        failure = explain_failure(error, DEADLINE)
        return failure.reason, failure.detail
    if reading.warnings:
        return "warned", reading.warnings[0]
    return "read", reading.finished[0].article.text


def test_parts_that_were_changed_at_random_give_a_reading_or_a_reason(workers: Workers) -> None:
    found: Counter[str] = Counter()
    bodies = list(
        samples({name: (SAMPLES / name).read_bytes() for name in ("office.docx", "office.odt")}).items()
    )
    waiting = {}
    for seed in range(120):
        name, body = bodies[seed % len(bodies)]
        waiting[seed] = workers.read_document(mutated(body, Random(seed)), name, fetched_at=NOW)
    for seed, future in waiting.items():
        reason, detail = outcome(future)
        assert reason == "read" or reason in REFUSALS, (seed, reason, detail)
        assert "root:" not in detail
        found[reason] += 1
    assert found["read"] > 40, found
    assert found[Reason.MALFORMED] > 5, found


@pytest.mark.parametrize(
    ("body", "name"),
    [
        pytest.param(odt('<text:p>a<text:s text:c="1000000000"/>b</text:p>'), "a.odt", id="spaces"),
        pytest.param(
            odt(
                "<table:table><table:table-row table:number-rows-repeated='1000000'><table:table-cell "
                "table:number-columns-repeated='1000000'><text:p>a</text:p></table:table-cell></table:table-row>"
                "</table:table>"
            ),
            "a.odt",
            id="cells",
        ),
        pytest.param(
            docx(
                "<w:p><w:pPr><w:numPr><w:ilvl w:val='1000000'/><w:numId w:val='1'/></w:numPr></w:pPr></w:p>"
                "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='1000000000'/></w:tcPr>"
                f"{docx_paragraph('word')}</w:tc></w:tr></w:tbl>"
            ),
            "a.docx",
            id="spans",
        ),
        pytest.param(odt("<text:list><text:list-item>" * 3_000), "a.odt", id="open lists"),
        pytest.param(
            docx("<w:tbl><w:tr><w:tc>" * 3_000 + docx_paragraph("a") + "</w:tc></w:tr></w:tbl>" * 3_000),
            "a.docx",
            id="tables within tables",
        ),
    ],
)  # fmt: skip
def test_numbers_that_would_fill_the_memory_or_the_stack(workers: Workers, body: bytes, name: str) -> None:
    """Each is read, or refused; and the next document finds a worker."""
    bad = workers.read_document(body, name, fetched_at=NOW)
    good = workers.read_document(docx(docx_paragraph("All is well here.")), "good.docx", fetched_at=NOW)
    reason, detail = outcome(bad)
    assert reason == "read" or reason in REFUSALS | {Reason.PARSE_TIMEOUT}, detail
    assert outcome(good) == ("read", "All is well here.")
