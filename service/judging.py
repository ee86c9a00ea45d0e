"""What the rules say of a stored article as they are now, topics that it does not carry among them.

Only tags that hold are stored with their evidence; why a topic does not hold is worked out when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from models import sources
from models.errors import NotFound
from models.records import ArticleRecord, TagRecord
from service.keeping import tag_record
from service.targets import priors

if TYPE_CHECKING:
    from service.tagging import Tagger

LONGEST = 200_000  # characters of a text that somebody waits for; longer ones are left out


class Judge:
    """Judges articles by the tagger in force, which ``tagger`` gives: it may change between two articles."""

    def __init__(self, tagger: Callable[[], Tagger]) -> None:
        self._tagger = tagger

    def __call__(self, article: ArticleRecord) -> Sequence[TagRecord]:
        """Every topic that covers the article's language; none where its text is too long to wait for.

        To be called inside a session.
        """
        if len(article.text) > LONGEST:
            return ()
        try:
            known = priors(sources.get(article.summary.source_id))
        except NotFound:
            known = {}
        tagger = self._tagger()
        summary = article.summary
        tags = tagger.tag(summary.title, article.text, language=summary.language, priors=known)
        return tuple(tag_record(tag, tagger.taxonomy.hash) for tag in tags)
