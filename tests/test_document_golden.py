"""Documents of every kind beside the articles that they give: title, date, author, text, and what was cut.

To accept a change on purpose, run this file with WIREWATCH_GOLDEN=write, then read the difference: `git diff
tests/documents`. Documents that no text editor writes are made by `tests.make_documents`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.clean import clean
from service.errors import ParseFailure
from service.members import member_path
from service.parse.container import HEAD, Piece, Trouble, pieces
from service.parse.container_kinds import is_container, what_is
from service.parse.document import KINDS, parse_document, parse_piece
from service.parse.document_kinds import take_sample
from service.values import Article

SAMPLES = Path(__file__).parent / "documents"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GOLDEN = ".json"


def documents() -> list[str]:
    """The documents; a golden file is one that is named after a document."""
    names = {path.name for path in SAMPLES.iterdir()}
    return sorted(
        name for name in names if name.removesuffix(GOLDEN) not in names or not name.endswith(GOLDEN)
    )


def shown(article: Article, name: str) -> dict[str, Any]:
    """What a golden file says of an article."""
    found = {
        "title": article.title,
        "title_made": article.title_made,
        "published_at": article.published_at.isoformat() if article.published_at else None,
        "precision": article.precision,
        "date_origin": article.date_origin,
        "author": article.author,
        "url": article.url,
        "guid": article.guid,
        "language": article.language,
        "text": article.text.split("\n\n") if article.text else [],
        "cuts": [[cut.kind, cut.text] for cut in article.cuts],
    }
    if article.path != name:
        found["path"] = article.path
    return found


def read(name: str) -> list[dict[str, Any]]:
    """Everything that a document gives, and why something of it cannot be read."""
    path = SAMPLES / name
    found: list[dict[str, Any]] = []

    def take(one: Piece | Trouble) -> None:
        if isinstance(one, Trouble):
            found.append(refused(one.name, one.reason, one.detail))
            return
        try:
            entries = parse_piece(one, name)
        except ParseFailure as failure:
            found.append(refused(one.name, failure.reason, failure.detail))
            return
        found.extend(
            shown(clean(entry, fetched_at=NOW, path=member_path(name, one.member)), name) for entry in entries
        )

    try:
        if is_container(path.read_bytes()[:HEAD], name):
            with path.open("rb") as file:
                for piece in pieces(file, name):
                    take(piece)
        else:
            for entry in parse_document(path.read_bytes(), name):
                found.append(shown(clean(entry, fetched_at=NOW, path=name), name))
    except ParseFailure as failure:
        found.append(refused("", failure.reason, failure.detail))
    return found


def refused(part: str, reason: str, detail: str) -> dict[str, Any]:
    """What a golden file says of what cannot be read."""
    return {"refused": part, "reason": reason, "detail": detail}


@pytest.mark.parametrize("name", documents())
def test_a_document_is_read_as_its_golden_file_says(name: str) -> None:
    found = read(name)
    golden = SAMPLES / f"{name}{GOLDEN}"
    if os.environ.get("WIREWATCH_GOLDEN") == "write":
        golden.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(golden.read_text(encoding="utf-8"))


def test_there_are_documents_of_every_kind() -> None:
    kinds: Counter[str] = Counter()
    for name in documents():
        body = (SAMPLES / name).read_bytes()
        packing = what_is(body[:HEAD], name)
        if packing is not None:
            kinds[packing] += 1
            continue
        sample = take_sample(body, name, "")
        kinds[next((kind.name for kind in KINDS if kind.sniff(sample)), "none")] += 1
    print(kinds)
    assert kinds.total() >= 60
    assert {kind.name for kind in KINDS} <= kinds.keys()
    assert len(kinds) >= len(KINDS) + 10
