"""What answers and bodies look like: JSON Schema 2020-12, as OpenAPI 3.1 has it. Pure.

All members are always there; what may be absent is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.records import Health, SourceKind, SourceState
from service.web.problems import KINDS

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WORDS: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
ID: Schema = {"type": "integer", "minimum": 1}
MAYBE_ID: Schema = {"type": ["integer", "null"], "minimum": 1}
YES_NO: Schema = {"type": "boolean"}
SCORE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
MOMENT: Schema = {"type": "string", "format": "date-time"}
MAYBE_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
DAY: Schema = {"type": "string", "format": "date"}
VERDICT: Schema = {"type": ["integer", "null"], "enum": [1, -1, None]}
PLACE: Schema = {"type": "integer", "minimum": 0, "description": "In code points, from 0."}
CURSOR: Schema = {"type": "string", "format": "wirewatch-cursor"}
NEXT: Schema = {
    "type": ["string", "null"],
    "description": "The cursor of the next page; null where this is the last.",
}


def some(schema: Schema) -> Schema:
    """A list of such."""
    return {"type": "array", "items": schema}


def of(name: str) -> Schema:
    """One of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def thing(description: str, /, **members: Schema) -> Schema:
    """An object that has exactly these members."""
    return {
        "type": "object",
        "description": description,
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


_SHORT_TAG = {"topic": TEXT, "score": SCORE, "main": YES_NO, "verdict": VERDICT}
_SUMMARY = {
    "id": ID,
    "title": TEXT,
    "title_made": YES_NO | {"description": "Whether the title was made from the text."},
    "url": WORDS,
    "published_at": MAYBE_MOMENT,
    "precision": WORDS | {"description": "How exactly the time is known: second, minute, day, month …"},
    "seen_at": MOMENT,
    "source": TEXT,
    "source_id": ID,
    "language": WORDS | {"description": "ISO 639-1."},
    "not_covered": some(TEXT) | {"description": "Topics without rules for its language: nobody judged it."},
    "path": WORDS,
    "duplicate_of": MAYBE_ID,
    "duplicates": COUNT | {"description": "How many other sources brought the same."},
    "vanished_at": MAYBE_MOMENT | {"description": "When its file was found to be gone."},
    "snippet": WORDS | {"description": "The text around the words that were looked for."},
}
_WHOLE = {
    "text": TEXT,
    "author": WORDS,
    "guid": WORDS,
    "date_origin": WORDS,
    "categories": some(TEXT),
    "enclosures": some(of("Enclosure")),
    "cuts": some(of("Cut")),
    "revisions": some(of("Revision")),
    "updated_at": MAYBE_MOMENT,
}
_POLL = {
    "source_id": ID,
    "started_at": MOMENT,
    "duration_ms": COUNT,
    "outcome": TEXT,
    "status": {"type": ["integer", "null"]},
    "detail": WORDS,
    **dict.fromkeys(("bytes", "seen", "new", "changed", "duplicates", "problems"), COUNT),
}
_SOURCE = {
    "id": ID,
    "location": TEXT,
    "kind": {"type": "string", "enum": [str(one) for one in SourceKind]},
    "title": WORDS,
    "group": WORDS,
    "schedule": TEXT,
    "options": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    "declared": YES_NO,
    "state": {"type": "string", "enum": [str(one) for one in SourceState]},
    "state_reason": WORDS,
    "next_poll_at": MAYBE_MOMENT,
    "not_before": MAYBE_MOMENT,
    "failures": COUNT,
    "failing_since": MAYBE_MOMENT,
    "last_reason": WORDS,
    "last_detail": WORDS,
    "last_polled_at": MAYBE_MOMENT,
    "last_success_at": MAYBE_MOMENT,
    "last_new_at": MAYBE_MOMENT,
    "articles": COUNT,
    "recent": TEXT | {"description": "Its last looks: + brought news, . none, x failed."},
    "entries": {"type": ["integer", "null"]},
    "undated": {"type": ["integer", "null"]},
    "newest_at": MAYBE_MOMENT,
    "moved_to": WORDS,
    "moved_from": WORDS,
    "moved_at": MAYBE_MOMENT,
    "health": {"type": "string", "enum": [str(one) for one in Health]},
    "quiet_since": MAYBE_MOMENT,
}

SCHEMAS: Mapping[str, Schema] = {
    "ShortTag": thing("A topic that an article carries.", **_SHORT_TAG),
    "Summary": thing("An article of a list.", **_SUMMARY, tags=some(of("ShortTag"))),
    "Evidence": thing(
        "A phrase that speaks for a topic, or (below 0) against it.",
        field={"type": "string", "enum": ["title", "text"]},
        start=PLACE,
        end=PLACE,
        phrase=TEXT,
        rule=TEXT,
        contribution={"type": "number", "description": "In logits."},
    ),
    "Tag": thing(
        "A topic of an article, with why.",
        topic=TEXT,
        score=SCORE,
        threshold=SCORE,
        holds=YES_NO,
        main=YES_NO,
        verdict=VERDICT,
        verdict_by=WORDS,
        evidence=some(of("Evidence")),
    ),
    "Enclosure": thing("A file that it carries.", url=TEXT, type=WORDS, length={"type": ["integer", "null"]}),
    "Cut": thing("A passage that was taken out of its text.", kind=TEXT, text=TEXT),
    "Revision": thing("An earlier wording.", number=ID, title=TEXT, text=TEXT, replaced_at=MOMENT),
    "Article": thing("An article with all that is kept of it.", **_SUMMARY, **_WHOLE, tags=some(of("Tag"))),
    "Articles": thing(
        "A page of articles.",
        articles=some(of("Summary")),
        next=NEXT,
        compared={
            "type": ["integer", "null"],
            "description": "By relevance: how many of the newest that fit were compared, if not all.",
        },
    ),
    "Change": thing(
        "That an article is not what it was.",
        id=ID,
        changed_at=MOMENT,
        deleted=YES_NO,
        article={"anyOf": [of("Summary"), of("Article"), {"type": "null"}]},
    ),
    "Changes": thing(
        "Changes in their order, the oldest first.",
        changes=some(of("Change")),
        next=CURSOR | {"description": "What to ask for next as `changed_since`, now or later."},
        more=YES_NO | {"description": "Whether there are more by now."},
    ),
    "Topic": thing(
        "A topic, with how many articles carry it, duplicates left out.",
        topic=TEXT,
        description=TEXT,
        threshold=SCORE,
        languages=some(TEXT) | {"description": "That it has rules for; none where they hold for all."},
        active=YES_NO,
        articles=COUNT,
        feeds=thing("Its outgoing feeds.", atom=TEXT, rss=TEXT, json=TEXT),
    ),
    "Topics": thing("All topics.", topics=some(of("Topic"))),
    "Count": thing(
        "How many articles a query finds.",
        articles=COUNT,
        complete=YES_NO | {"description": "false: so many at least; counting was given up."},
    ),
    "Day": thing("The articles of a UTC day.", day=DAY, articles=COUNT),
    "TopicDay": thing("The articles of a UTC day with a topic.", topic=TEXT, day=DAY, articles=COUNT),
    "Timeline": thing(
        "Articles by UTC day, days without any left out, the oldest first.",
        articles=some(of("Day")),
        topics=some(of("TopicDay")),
        complete=YES_NO | {"description": "false: only the newest were counted."},
    ),
    "Poll": thing("A look at a source.", **_POLL),
    "Polls": thing("The last looks at a source, the newest first.", polls=some(of("Poll"))),
    "Source": thing("A feed or a folder, and how it stands. Secrets are masked.", **_SOURCE),
    "Sources": thing("A page of sources by id.", sources=some(of("Source")), next=NEXT),
    "Verdict": thing(
        "What a person said of a topic on an article.",
        article_id=ID,
        topic=TEXT,
        value={"type": "integer", "enum": [1, -1]},
        by=TEXT,
        at=MOMENT,
    ),
    "Verdicts": thing("Verdicts that stand.", verdicts=some(of("Verdict"))),
    "VerdictPage": thing(
        "A page of verdicts that stand, by article.", verdicts=some(of("Verdict")), next=NEXT
    ),
    "NewVerdict": thing("1: the article is about the topic; -1: it is not.", value={"enum": [1, -1]}),
    "Problem": {
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string", "enum": sorted({kind.title for kind in KINDS.values()})},
            "status": {"type": "integer", "enum": sorted({kind.status for kind in KINDS.values()})},
            "detail": TEXT,
            "parameter": TEXT,
            "column": ID | {"description": "The place in the query, from 1."},
            "expected": TEXT,
            "pointer": TEXT | {"description": "The query, and below it a caret."},
        },
        "required": ["type", "title", "status", "detail"],
        "additionalProperties": False,
    },
    "Index": thing("Where everything is.", version=TEXT, links={"type": "object"}),
}
