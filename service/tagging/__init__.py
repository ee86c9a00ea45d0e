"""Labels articles by topic, with evidence: rules in a topics file, and what was learned on top of them.

Pure: nothing here reads settings, the clock, a database or the network. `README.md` beside this file
describes the topics file and the rule language.
"""

from __future__ import annotations

from service.tagging.layer import Asked, Layer, Ruling
from service.tagging.matcher import Hit, Reading
from service.tagging.tagger import Tagger
from service.tagging.taxonomy import Rule, Taxonomy, Topic
from service.tagging.topics import load_topics, read_topics

__all__ = [
    "Asked",
    "Hit",
    "Layer",
    "Reading",
    "Rule",
    "Ruling",
    "Tagger",
    "Taxonomy",
    "Topic",
    "load_topics",
    "read_topics",
]
