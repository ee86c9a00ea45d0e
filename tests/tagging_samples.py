"""Small taxonomies for the tests of tagging: one topic "t" made of a few rules."""

from __future__ import annotations

import json
from collections.abc import Sequence

from service.tagging import Tagger, Taxonomy, read_topics
from service.values import Tag


def document(
    *rules: str,
    language: str = "en",
    masks: Sequence[str] = (),
    lists: dict[str, Sequence[str]] | None = None,
    topic: str = "",
    block: str = "",
) -> str:
    """A topics file with one topic "t"; ``topic`` and ``block`` are further lines of its tables."""
    lines = ["format = 1"]
    if lists:
        # A JSON string or array of strings is one of TOML, too.
        lines += ["[lists]", *(f"{name} = {json.dumps(list(entries))}" for name, entries in lists.items())]
    lines += ["[[topic]]", 'name = "t"', topic, "[[topic.rules]]", f'language = "{language}"', block]
    lines.append(f"match = {json.dumps(list(rules))}")
    if masks:
        lines += ["[[topic.masks]]", f'language = "{language}"', f"match = {json.dumps(list(masks))}"]
    return "\n".join(lines)


def taxonomy(*rules: str, **more: object) -> Taxonomy:
    """The taxonomy of `document`."""
    return read_topics(document(*rules, **more))  # type: ignore[arg-type]


def tag(found: Tagger | Taxonomy, text: str, *, title: str = "", language: str | None = "en") -> Tag:
    """The tag of the first topic on an article."""
    tagger = found if isinstance(found, Tagger) else Tagger(found, layer=None)
    return next(iter(tagger.tag(title, text, language=language)))


def phrases(rule: str, text: str, *, title: str = "", language: str = "en", **more: object) -> list[str]:
    """What a single rule finds in an article, in order."""
    tagger = Tagger(taxonomy(rule, language=language, **more), layer=None)
    result = tag(tagger, text, title=title, language=language)
    for evidence in result.evidence:
        source = {"title": title, "text": text}[evidence.field]
        assert source[evidence.start : evidence.end] == evidence.phrase
    return [evidence.phrase for evidence in result.evidence]
