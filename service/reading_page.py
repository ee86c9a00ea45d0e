"""An entry's web page → its article with the whole text: parse → clean → complete → tag, one pure function.

Runs in worker processes beside `service.reading`, between deciding what is new and storing it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from service.clean import clean
from service.clean.full_text import completed
from service.clean.furniture import cut_recurring, edges
from service.errors import ParseFailure
from service.parse.document import parse_document
from service.reading import Finished, Reading, tag
from service.tagging import Tagger
from service.values import Article, Fetched, Reason


def read_page(
    article: Article,
    page: Fetched,
    *,
    tagger: Tagger,
    fetched_at: datetime,
    priors: Mapping[str, float] | None = None,
    day_first: bool | None = None,
    furniture: Collection[int] | None = (),
) -> Reading:
    """Complete an article that has only a summary with the text of its page; gives that one article.

    A page may be any kind of document that is read, such as a PDF.

    :raises service.errors.ParseFailure: the page cannot be read, or says no more than the feed
    """
    name = urlsplit(page.final_url).path.rpartition("/")[2]
    entries = parse_document(page.body, name, content_type=page.content_type)
    if len(entries) != 1:
        raise ParseFailure(Reason.UNSUPPORTED, f"its page is a list of {len(entries)} articles")
    entry = entries[0]
    if entry.base_url is None:
        entry = replace(entry, base_url=page.final_url)
    found = clean(entry, fetched_at=fetched_at, source_language=article.language, day_first=day_first)
    whole = completed(article, found)
    bare = cut_recurring(whole, furniture or ())
    tags = tag(tagger, bare, priors)
    return Reading(finished=(Finished(bare, tags, tagger.taxonomy.hash, edges(whole.text)),))
