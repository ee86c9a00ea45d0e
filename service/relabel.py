"""Labels stored articles again after the topics have changed, a batch at a time.

What is left to do is read off the articles themselves (each remembers the topics file that looked at it), so
that a run may end anywhere and the next one goes on. Tagging happens outside of any transaction; each batch
is written in a short one of its own, so that a daemon on the same database goes on polling. People's
verdicts are not touched: `models.labels.replace_tags` lays them over whatever the rules say.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loguru import logger

from models import labels
from models import sources as source_store
from models.records import ArticleText, Retagged, SourceState
from service.keeping import missed, tag_record
from service.tagging import Tagger
from service.targets import priors
from service.writer import Writer

BATCH = 100  # articles of one transaction
SAMPLES = 5  # articles named for each topic and direction

Write = Callable[[Sequence[Retagged]], int]
Progress = Callable[[int], None]  # told of articles done with, by how many at once


@dataclass(slots=True)
class Change:
    """What one topic would gain and lose, or has."""

    gained: int = 0
    lost: int = 0
    gained_samples: list[tuple[int, str]] = field(default_factory=list)  # the first few: id and title
    lost_samples: list[tuple[int, str]] = field(default_factory=list)

    def count(self, article: ArticleText, *, gained: bool) -> None:
        """Count an article that carries the topic now and did not, or the other way round."""
        samples = self.gained_samples if gained else self.lost_samples
        if gained:
            self.gained += 1
        else:
            self.lost += 1
        if len(samples) < SAMPLES:
            samples.append((article.article_id, article.title))


@dataclass(slots=True)
class Relabelled:
    """What a run came to."""

    articles: int = 0  # looked at
    written: int = 0  # the rest of them were changed by someone else in the meantime
    changed: int = 0  # articles that carry other topics than before
    kept: int = 0  # topics that the rules would have given or taken, but a person's verdict stands
    topics: dict[str, Change] = field(default_factory=dict)
    last_id: int = 0


class Relabeller:
    """Labels by one version of the topics; made anew when they change."""

    def __init__(self, tagger: Tagger) -> None:
        """Read what is known of the sources beforehand; later changes of it are not seen."""
        self._tagger = tagger
        self._priors: Mapping[int, Mapping[str, float]] = {
            source.id: priors(source) for source in source_store.list_sources(states=tuple(SourceState))
        }

    @property
    def taxonomy(self) -> str:
        """The hash of the topics it labels by."""
        return self._tagger.taxonomy.hash

    def run(
        self,
        write: Write | None,
        *,
        limit: int | None = None,
        pause: float = 0.0,
        progress: Progress = lambda _: None,
    ) -> Relabelled:
        """Label until nothing is left, or ``limit`` articles were; ``write`` None: nothing is stored.

        ``pause`` seconds pass between two batches, for whoever else wants the database and the processor.

        :raises models.errors.StorageError: the batches before are stored, a later run goes on from there
        """
        done = Relabelled(topics={topic.name: Change() for topic in self._tagger.taxonomy.topics})
        while limit is None or done.articles < limit:
            room = BATCH if limit is None else min(BATCH, limit - done.articles)
            before = done.articles
            if not self.step(done, write, limit=room):
                break
            progress(done.articles - before)
            if pause:
                time.sleep(pause)
        return done

    def step(self, done: Relabelled, write: Write | None, *, limit: int = BATCH) -> bool:
        """One batch behind the last; adds to ``done`` and says whether there was anything to do."""
        batch = labels.to_retag(self.taxonomy, after_id=done.last_id, limit=limit)
        if not batch:
            return False
        again = [self._retagged(article) for article in batch]
        before = labels.tag_states([article.article_id for article in batch])
        if write is not None:
            done.written += write(again)
        self._compare(batch, again, before, done)
        done.articles += len(batch)
        done.last_id = batch[-1].article_id
        return True

    def _retagged(self, article: ArticleText) -> Retagged:
        tags = self._tagger.tag(
            article.title,
            article.text,
            language=article.language,
            priors=self._priors.get(article.source_id, {}),
        )
        held = tuple(tag_record(tag, self.taxonomy) for tag in tags if tag.holds)
        uncovered = self._tagger.uncovered(tags)
        return Retagged(article.article_id, article.content_hash, held, uncovered, missed(tags))

    @staticmethod
    def _compare(
        batch: Sequence[ArticleText],
        again: Sequence[Retagged],
        states: Sequence[labels.TagState],
        done: Relabelled,
    ) -> None:
        shown: defaultdict[int, set[str]] = defaultdict(set)
        decided: defaultdict[int, dict[str, bool]] = defaultdict(dict)
        for state in states:
            if state.decided:
                decided[state.article_id][state.topic] = state.shown
            elif state.shown:
                shown[state.article_id].add(state.topic)
        for article, new in zip(batch, again, strict=True):
            verdicts = decided[article.article_id]
            given = {tag.topic for tag in new.tags}
            done.kept += sum((topic in given) != said for topic, said in verdicts.items())
            before, after = shown[article.article_id], given - verdicts.keys()
            done.changed += before != after
            for topic in before ^ after:
                done.topics.setdefault(topic, Change()).count(article, gained=topic in after)


def writer(relabeller: Relabeller, now: Callable[[], datetime]) -> Write:
    """What `Relabeller.run` is to write with in a process that has no writer of its own."""
    return lambda batch: labels.replace_tags(batch, taxonomy=relabeller.taxonomy, now=now())


class Relabelling:
    """The daemon's work on history: one batch a call, through its one writer."""

    def __init__(self, relabeller: Relabeller, through: Writer, clock: Callable[[], datetime]) -> None:
        """Begin at the first article that other topics labelled."""
        self.done = Relabelled()
        self._relabeller = relabeller
        self._through = through
        self._write = writer(relabeller, clock)

    def step(self) -> bool:
        """Label one batch again; False when nothing is left, or another process's topics are in force.

        Two processes with different topics would else undo each other's work for ever.
        """
        if labels.taxonomy_in_force() != self._relabeller.taxonomy:
            logger.info(
                "history is not labelled again by these topics: others are in force on this database by now"
            )
            return False
        return self._relabeller.step(self.done, self._submit)

    def _submit(self, batch: Sequence[Retagged]) -> int:
        return self._through.submit(lambda: self._write(batch)).result()
