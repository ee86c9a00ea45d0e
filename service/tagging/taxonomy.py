"""What a topics file says, as values: topics, their rules and masks, and the taxonomy that they make up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from service.tagging.tree import Node

if TYPE_CHECKING:
    from service.tagging.layer import Layer

ANY_LANGUAGE = "any"


class Place(StrEnum):
    """Where in an article a rule wants to be found."""

    ANY = "any"
    TITLE = "title"
    LEAD = "lead"
    TITLE_AND_LEAD = "title+lead"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Saturation:
    """How repetition counts: ``"log"``, ``"once"``, ``"cap"`` (up to ``cap`` hits) or ``"none"``."""

    kind: str
    cap: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, parsed. ``index`` tells it from the others of its taxonomy and depends on their order."""

    index: int
    topic: str | None  # None: a signal, which only the statistical layer sees
    language: str  # ISO 639-1 or "any"
    group: str
    weight: float  # logits
    text: str  # as written
    line: int  # in the topics file
    place: Place
    saturation: Saturation
    lead: int  # characters of the text that are its lead
    node: Node

    @property
    def key(self) -> str:
        """What names the rule whatever its place in the file: ``topic/language/place/rule``."""
        return f"{self.topic or ''}/{self.language}/{self.place}/{self.text}"


@dataclass(frozen=True, slots=True)
class Mask:
    """A context that hides the hits inside it, for one topic or (None) for all."""

    topic: str | None
    language: str
    text: str
    line: int
    node: Node


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic without its rules."""

    name: str
    description: str
    iptc: tuple[str, ...]
    gdelt: tuple[str, ...]
    threshold: float  # score from which an article carries the topic
    main_threshold: float  # score from which it is a main subject
    bias: float  # logit of an article without a hit
    title_factor: float  # how many hits a hit in the title counts for
    lead_factor: float
    lead: int
    length_exponent: float
    length_reference: int  # words
    languages: frozenset[str]  # of its rules, without "any"
    line: int

    def covers(self, language: str) -> bool:
        """Whether its rules can judge a text of a language: it has some for it, or only free ones."""
        return language in self.languages or not self.languages


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """A topics file, checked."""

    topics: tuple[Topic, ...]
    rules: tuple[Rule, ...]  # of all topics, and the signals
    masks: tuple[Mask, ...]
    hash: str  # of everything that can change a tag; not of formatting, order, descriptions and codes
    origin: str  # the file's name, for messages
    layer: Layer | None = None  # what was learned for it; None: its rules alone decide

    @property
    def languages(self) -> frozenset[str]:
        """Languages for which some topic has rules."""
        return frozenset(language for topic in self.topics for language in topic.languages)
