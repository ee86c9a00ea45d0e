"""The score from which a topic holds: the topics file's, or the one that was learned."""

from __future__ import annotations

from service.tagging.model import LANGUAGE, Model
from service.tagging.taxonomy import Taxonomy, Topic


def threshold_of(taxonomy: Taxonomy, topic: Topic) -> float:
    """The threshold of a topic for articles in English, or in the one language that it is for."""
    layer = taxonomy.layer
    if isinstance(layer, Model):
        if topic.covers(LANGUAGE) and topic.name in layer.file.topics:
            return layer.file.topics[topic.name].threshold
        (language, *others) = sorted(topic.languages) or [LANGUAGE]
        adjusted = layer.file.adjusted.get(f"{topic.name}/{LANGUAGE if others else language}")
        if adjusted is not None:
            return adjusted.threshold
    return topic.threshold
