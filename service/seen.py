"""Whether a feed's document holds only entries that were read before: then nothing of it is read again.

Many feeds write a new date at their top with every answer, and nothing else. Their documents differ, their
entries do not. So a document is cut where its entries begin, and what is remembered of the last one that was
stored are the digests of its pieces and of what surrounds them, the feed's own dates left out. Where every
piece of the next one is among them, parsing, cleaning and comparing would change nothing. Anything else is
read as ever: this is no parser, and decides nothing but that bytes are the same.

It is kept in memory alone. After a start every document is read once more, also by what the program has
learnt since. A source that another process has stored something for is read again, too.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from models.records import SourceRecord
from service.values import Fetched

MAX_SOURCES = 50_000  # some 400 bytes each
MAX_ENTRIES = 500
MAX_BYTES = 4_000_000  # cutting a larger one would hold up the event loop
_DIGEST = 8  # bytes; the key is drawn anew at every start, so nobody can look for two that are the same

_BEGINS = re.compile(rb"<(?:item|entry)(?=[\s>])")
_ENDS = re.compile(rb"</(?:item|entry)\s*>")
# RSS 2.0, Atom, Dublin Core: what a feed says of when it was written.
_DATES = re.compile(
    rb"<(lastBuildDate|pubDate|updated|dc:date|atom:updated)>[^<]{0,100}</\1>",
)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A document by the digests of its parts."""

    around: bytes
    entries: frozenset[bytes]


class SeenEntries:
    """What was last stored of each source; one object serves the whole process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._known: OrderedDict[int, tuple[str, Pieces]] = OrderedDict()

    def nothing_new(self, source: SourceRecord, fetched: Fetched) -> bool:
        """Whether all entries of a document are among those of the last one that was stored."""
        found = self._known.get(source.id)
        if found is None or fetched.delta:
            return False
        body_hash, before = found
        if body_hash != source.body_hash:
            return False  # somebody else has looked in the meantime
        now = self.take_apart(fetched)
        return now is not None and now.around == before.around and now.entries <= before.entries

    def remember(self, source_id: int, fetched: Fetched) -> None:
        """Note a document whose entries are stored."""
        body_hash = fetched.validators.body_hash
        pieces = self.take_apart(fetched)
        if pieces is None or body_hash is None:
            self.forget(source_id)
            return
        self._known[source_id] = (body_hash, pieces)
        self._known.move_to_end(source_id)
        if len(self._known) > MAX_SOURCES:
            self._known.popitem(last=False)

    def again(self, source_id: int, body_hash: str | None) -> None:
        """Note that a document with nothing new is stored as the last one that came."""
        found = self._known.get(source_id)
        if found is not None and body_hash is not None:
            self._known[source_id] = (body_hash, found[1])

    def forget(self, source_id: int) -> None:
        """Have the next document of a source read."""
        self._known.pop(source_id, None)

    def take_apart(self, fetched: Fetched) -> Pieces | None:
        """The digests of a document; None where it is cut into none or too many pieces."""
        body = fetched.body
        if len(body) > MAX_BYTES:
            return None
        starts = [match.start() for match in _BEGINS.finditer(body)]
        if not 0 < len(starts) <= MAX_ENTRIES:
            return None
        ends = [match.end() for match in _ENDS.finditer(body, starts[-1])]
        if not ends:
            return None
        starts.append(ends[-1])
        # The same bytes from another place, or called something else, need not mean the same.
        told = (fetched.final_url, fetched.content_type, fetched.hubs, fetched.self_url)
        around = _DATES.sub(b"", body[: starts[0]]) + b"\0" + body[starts[-1] :].strip() + repr(told).encode()
        return Pieces(
            self._digest(around),
            frozenset(self._digest(body[start:end].rstrip()) for start, end in pairwise(starts)),
        )

    def _digest(self, part: bytes) -> bytes:
        return blake2b(part, digest_size=_DIGEST, key=self._key).digest()
