"""A source's recurring paragraphs: between `service.clean.furniture`, which counts, and the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from models import furniture as store
from models.fields import to_micros
from models.furniture import FurnitureRecord
from models.records import SourceRecord
from service.clean.furniture import Counted, has_edges, learn, recurring
from service.reading import Finished


def furniture_of(source: SourceRecord) -> frozenset[int] | None:
    """The paragraphs that recur in a source's articles and are cut; None where a person keeps them."""
    if source.options.get("keep_recurring"):
        return None
    known = store.counted(source.id)
    return recurring(Counted(known.articles, known.counts, known.seen))


def learn_furniture(source_id: int, added: Sequence[Finished], now: datetime) -> None:
    """Count the first and last paragraphs of new articles; in the writer's thread, in its transaction."""
    found = [one.edges for one in added if one.edges or has_edges(one.article.text)]
    if not found:
        return
    known = store.counted(source_id)
    learnt = learn(Counted(known.articles, known.counts, known.seen), found, now=to_micros(now))
    store.write(source_id, FurnitureRecord(learnt.articles, learnt.counts, learnt.seen), now)
