"""What an article is against what is known, as a table of cases and by replaying captured feeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.records import Known
from service.clean import clean, content_hash
from service.decide import MAX_KEY, REWRITE_CAP, decide, identify
from service.parse.feed import parse_feed
from service.values import Article, Decision, Entry, Fetched, Kind, Precision

HERE, ELSEWHERE = 1, 2
LONG = "The council could not agree on a text before the mandate of the panel runs out. " * 4
NOON, LATER = datetime(2026, 9, 1, 12, tzinfo=UTC), datetime(2026, 9, 1, 13, tzinfo=UTC)
A, B, C = "https://example.org/a", "https://example.org/b", "https://example.org/c"


def art(
    title: str = "Title",
    text: str = LONG,
    *,
    guid: str | None = None,
    url: str | None = None,
    path: str | None = None,
    at: datetime | None = None,
    precision: Precision = Precision.SECOND,
) -> Article:
    return Article(
        title, text, content_hash(title, text), guid=guid, url=url, path=path, published_at=at,
        precision=precision if at else None,
    )  # fmt: skip


@dataclass
class Memory:
    """What a database would know, in a dictionary."""

    known: dict[int, Known] = field(default_factory=dict)
    source_id: int = HERE

    def look(self, *articles: Article, gone: Sequence[str] = ()) -> list[Decision]:
        """Decide, then store what was decided as the storing stage does."""
        decisions = decide(articles, list(self.known.values()), source_id=self.source_id, gone=gone)
        for one in decisions:
            if one.kind in (Kind.NEW, Kind.DUPLICATE):
                self.put(one.article, key=one.key)
            elif one.kind is Kind.CHANGED or one.moved:
                assert one.article_id is not None
                before = self.known[one.article_id]
                rewritten = before.revisions + (one.kind is Kind.CHANGED)
                self.put(one.article, key=one.key, article_id=one.article_id, revisions=rewritten)
        return decisions

    def kinds(self, *articles: Article, gone: Sequence[str] = ()) -> list[Kind]:
        return [one.kind for one in self.look(*articles, gone=gone)]

    def put(
        self,
        article: Article,
        *,
        key: str,
        article_id: int | None = None,
        revisions: int = 0,
        source_id: int = 0,
    ) -> int:
        number = article_id or len(self.known) + 1
        self.known[number] = Known(
            article_id=number,
            source_id=source_id or self.source_id,
            key=key,
            guid=article.guid,
            url=article.url,
            content_hash=article.content_hash,
            title=article.title,
            path=article.path,
            revisions=revisions,
        )
        assert len({(one.source_id, one.key) for one in self.known.values()}) == len(self.known)
        return number

    def vanish(self, path: str) -> None:
        self.known = {
            number: replace(one, vanished=one.vanished or one.path == path)
            for number, one in self.known.items()
        }


# -- identity ------------------------------------------------------------------------------------------

HASH = content_hash("Title", LONG)


@pytest.mark.parametrize(
    ("articles", "keys"),
    [
        pytest.param([art(guid="g", url=A)], ["guid:g"], id="guid first"),
        pytest.param([art(url=A)], [f"url:{A}"], id="then the address"),
        pytest.param([art()], [f"hash:{HASH}"], id="then the hash"),
        pytest.param([art(at=NOON)], [f"dated:{int(NOON.timestamp())} Title"], id="then title and date"),
        pytest.param([art(at=NOON, precision=Precision.DAY)], [f"hash:{HASH}"], id="a day is no date"),
        pytest.param(
            [art(path="/f/a.html", url=A)], ["path:/f/a.html"], id="the path of a document's only article"
        ),
        pytest.param([art(path="/f/a.eml", guid="m@x")], ["guid:m@x"], id="a message by its id"),
        pytest.param(
            [art("One", path="/f/a.csv", url=A), art("Two", path="/f/a.csv", url=B)],
            [f"url:{A}", f"url:{B}"],
            id="several in one file",
        ),
        pytest.param(
            [art("One", guid="g", url=A), art("Two", guid="g", url=B)],
            [f"url:{A}", f"url:{B}"],
            id="one guid for all",
        ),
        pytest.param(
            [art("One", guid="g"), art("Two", guid="g")],
            [f"hash:{content_hash('One', LONG)}", f"hash:{content_hash('Two', LONG)}"],
            id="one guid for all, no address",
        ),
        pytest.param(
            [art("One", guid="g", url=A), art("Two", guid="g", url=A)],
            [f"hash:{content_hash('One', LONG)}", f"hash:{content_hash('Two', LONG)}"],
            id="one guid and one address for all",
        ),
        pytest.param(
            [art("One", url=A), art("Two", url=A), art("Three", url=B)],
            [f"hash:{content_hash('One', LONG)}", f"hash:{content_hash('Two', LONG)}", f"url:{B}"],
            id="repeated address",
        ),
        pytest.param(
            [art(guid="g", url=A), art(guid="g", url=A)], ["guid:g", "guid:g"], id="the same article twice"
        ),
        pytest.param(
            [art(text=LONG, guid="g", url=A), art(text=LONG + "More.", guid="g", url=A)],
            ["guid:g", "guid:g"],
            id="two wordings of one article",
        ),
        pytest.param([art(guid="g" * 5000)], None, id="bounded"),
        pytest.param([art(path="/f/\udcff.txt")], ["path:/f/\\udcff.txt"], id="a name that is no UTF-8"),
    ],
)
def test_keys(articles: list[Article], keys: list[str] | None) -> None:
    found = identify(articles)

    assert keys is None or found == keys
    assert all(len(key.encode("utf-8")) <= MAX_KEY + 10 for key in found)


# -- the table of cases --------------------------------------------------------------------------------

CASES = {
    "seen for the first time": ([], [art(guid="g", url=A)], [Kind.NEW]),
    "the same again": ([art(guid="g", url=A)], [art(guid="g", url=A)], [Kind.SAME]),
    "text edited": ([art(guid="g")], [art(text=LONG + "More.", guid="g")], [Kind.CHANGED]),
    "title edited": ([art(guid="g")], [art("Other", guid="g")], [Kind.CHANGED]),
    "link changed, guid the same": ([art(guid="g", url=A)], [art(guid="g", url=B)], [Kind.SAME]),
    "guid changed, link and title the same": ([art(guid="g", url=A)], [art(guid="h", url=A)], [Kind.SAME]),
    "guid changed and text edited, link and title the same": (
        [art(guid="g", url=A)],
        [art(text=LONG + "More.", guid="h", url=A)],
        [Kind.CHANGED],
    ),
    "guid and link changed, wording the same": ([art(guid="g", url=A)], [art(guid="h", url=B)], [Kind.SAME]),
    "guid and link changed, short wording": (
        [art(text="Closed.", guid="g", url=A)],
        [art(text="Closed.", guid="h", url=B)],
        [Kind.NEW],
    ),
    "the feed begins to give guids": ([art(url=A)], [art("Other", guid="g", url=A)], [Kind.CHANGED]),
    "the feed ceases to give guids": ([art(guid="g", url=A)], [art("Other", url=A)], [Kind.CHANGED]),
    "another guid on the same link with another title": (
        [art("One", guid="g", url=A)],
        [art("Two", text=LONG + "2", guid="h", url=A)],
        [Kind.NEW],
    ),
    "no identity but the wording": ([art()], [art()], [Kind.SAME]),
    "no identity but title and date, text edited": (
        [art(at=NOON)],
        [art(text=LONG + "More.", at=NOON)],
        [Kind.CHANGED],
    ),
    "no identity but title and date, both of which change at every look": (
        [art(text="Short.", at=NOON)],
        [art(text="Short.", at=LATER)],
        [Kind.SAME],
    ),
    "two of one title and date": (
        [art(at=NOON), art(text="Other", at=NOON)],
        [art(at=NOON), art(text="Other", at=NOON), art(text="Third", at=NOON)],
        [Kind.SAME, Kind.SAME, Kind.NEW],
    ),
    "a second one of a title and date": (
        [art(at=NOON)],
        [art(at=NOON), art(text="Other", at=NOON)],
        [Kind.SAME, Kind.NEW],
    ),
    "the same title at another time": ([art(at=NOON)], [art(text="Other", at=LATER)], [Kind.NEW]),
    "the same title on one day": (
        [art(at=NOON, precision=Precision.DAY)],
        [art(text="Other", at=NOON, precision=Precision.DAY)],
        [Kind.NEW],
    ),
    "the feed begins to give links": ([art(at=NOON)], [art(url=A, at=NOON)], [Kind.SAME]),
    "the same article twice in one document": ([], [art(guid="g"), art(guid="g")], [Kind.NEW, Kind.SAME]),
    "all items under one guid": (
        [art("One", guid="g", url=A), art("Two", guid="g", url=B)],
        [art("One", guid="g", url=A), art("Two", guid="g", url=B), art("Three", text="3", guid="g", url=C)],
        [Kind.SAME, Kind.SAME, Kind.NEW],
    ),
    "one of the items under one guid is left": (
        [art("One", guid="g", url=A), art("Two", guid="g", url=B)],
        [art("Two", guid="g", url=B)],
        [Kind.SAME],
    ),
    "one new item under a guid that several share": (
        [art("One", guid="g", url=A), art("Two", guid="g", url=B)],
        [art("Three", text="3", guid="g", url=C)],
        [Kind.NEW],
    ),
    "a guid that is shared only now": (
        [art("One", guid="g", url=A)],
        [art("One", guid="g", url=A), art("Two", text="2", guid="g", url=B)],
        [Kind.SAME, Kind.NEW],
    ),
    "the same wording under two addresses at once": (
        [art(url=A)],
        [art(url=A), art(url=B)],
        [Kind.SAME, Kind.NEW],
    ),
}


@pytest.mark.parametrize(("before", "now", "kinds"), CASES.values(), ids=CASES)
def test_a_second_look(before: list[Article], now: list[Article], kinds: list[Kind]) -> None:
    memory = Memory()
    memory.look(*before)
    assert memory.kinds(*now) == kinds
    # Whatever was decided, the next look finds it settled.
    assert set(memory.kinds(*now)) <= {Kind.SAME}


def test_what_comes_back_after_a_while_is_known() -> None:
    memory = Memory()
    memory.look(art("One", guid="1"), art("Two", text="2", guid="2"))
    memory.look(art("Two", text="2", guid="2"))
    assert memory.kinds(art("One", guid="1")) == [Kind.SAME]


def test_a_date_alone_is_no_edit() -> None:
    memory = Memory()
    memory.look(art(guid="g"))
    assert memory.kinds(replace(art(guid="g"), published_at=datetime(2026, 1, 1, tzinfo=UTC))) == [Kind.SAME]


def test_a_hash_of_another_version_is_no_edit() -> None:
    memory = Memory()
    memory.put(replace(art(guid="g"), content_hash="0:abc"), key="guid:g")
    assert memory.kinds(art(guid="g")) == [Kind.SAME]


def test_what_was_recognised_takes_its_new_key() -> None:
    memory = Memory()
    memory.look(art(guid="g", url=A))
    (decision,) = memory.look(art(text=LONG + "More.", guid="h", url=A))
    assert (decision.key, decision.article_id) == ("guid:h", 1)
    # The old guid may come to mean another article.
    assert memory.kinds(art("Two", "2", guid="g", url=B)) == [Kind.NEW]


def test_flapping_content_is_only_counted_from_the_cap_on() -> None:
    memory = Memory()
    memory.look(art(guid="g"))
    kinds = [memory.kinds(art(text=f"{LONG} {number}", guid="g"))[0] for number in range(REWRITE_CAP + 3)]
    assert kinds == [Kind.CHANGED] * REWRITE_CAP + [Kind.CAPPED] * 3


def test_a_deleted_article_stays_deleted() -> None:
    memory = Memory()
    memory.look(art(guid="g", url=A))
    memory.known[1] = replace(memory.known[1], deleted=True)
    assert memory.kinds(art(guid="g", url=A)) == [Kind.DELETED]
    assert memory.kinds(art(text="Other", guid="g", url=B)) == [Kind.DELETED]
    assert memory.kinds(art(guid="h", url=A)) == [Kind.DELETED]


# -- other sources -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "here", "duplicate"),
    [
        pytest.param(
            art("One", "1", guid="x", url=A), art("Two", "2", guid="g", url=A), True, id="same address"
        ),
        pytest.param(art(guid="x", url=A), art(guid="g", url=B), True, id="same wording"),
        pytest.param(art(text="Short.", url=A), art(text="Short.", url=B), False, id="same short wording"),
        pytest.param(
            art("One", "1", url="https://example.org/"),
            art("Two", "2", url="https://example.org/"),
            False,
            id="front page",
        ),
        pytest.param(
            art("One", "1", guid="g"), art("Two", "2", guid="g"), False, id="a guid is its source's own"
        ),
    ],
)
def test_what_another_source_brought_is_linked(there: Article, here: Article, duplicate: bool) -> None:
    memory = Memory()
    number = memory.put(there, key="guid:x", source_id=ELSEWHERE)
    (decision,) = memory.look(here)

    assert decision.kind is (Kind.DUPLICATE if duplicate else Kind.NEW)
    assert decision.duplicate_of == (number if duplicate else None)
    assert memory.kinds(here) == [Kind.SAME]


def test_the_one_with_the_title_is_the_duplicate_where_many_have_the_address() -> None:
    memory = Memory()
    memory.put(art("One", "1", url=A), key="1", source_id=ELSEWHERE)
    two = memory.put(art("Two", "2", url=A), key="2", source_id=ELSEWHERE)

    assert memory.look(art("Two", "2, longer", url=A))[0].duplicate_of == two
    assert Memory(dict(memory.known)).look(art("Three", "3", url=A))[0].duplicate_of in (None, 3)


def test_what_a_person_deleted_elsewhere_is_no_original() -> None:
    memory = Memory()
    number = memory.put(art(url=A), key="1", source_id=ELSEWHERE)
    memory.known[number] = replace(memory.known[number], deleted=True)
    assert memory.kinds(art(url=A)) == [Kind.NEW]


# -- files ---------------------------------------------------------------------------------------------


def test_an_edited_file_is_a_revision() -> None:
    memory = Memory()
    memory.look(art(path="/f/a.txt"))
    (decision,) = memory.look(art(text=LONG + "More.", path="/f/a.txt"))
    assert (decision.kind, decision.article_id, decision.moved) == (Kind.CHANGED, 1, False)


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded as gone", "known to be gone"])
def test_a_moved_file_is_the_same_article(recorded: bool) -> None:
    memory = Memory()
    memory.look(art(text="Short.", path="/f/a.txt"))
    if recorded:
        memory.vanish("/f/a.txt")
    (decision,) = memory.look(art(text="Short.", path="/f/sub/b.txt"), gone=() if recorded else ("/f/a.txt",))

    assert (decision.kind, decision.article_id, decision.moved) == (Kind.SAME, 1, True)
    assert decision.key == "path:/f/sub/b.txt"
    # Another file may come to the old place: it is another article.
    assert memory.kinds(art("New", "Another.", path="/f/a.txt")) == [Kind.NEW]
    assert memory.kinds(art(text="Short.", path="/f/sub/b.txt")) == [Kind.SAME]


def test_a_copied_file_is_another_article_and_linked() -> None:
    memory = Memory()
    memory.look(art(path="/f/a.txt"))
    (decision,) = memory.look(art(path="/f/copy.txt"))
    assert (decision.kind, decision.duplicate_of, decision.moved) == (Kind.DUPLICATE, 1, False)
    assert memory.kinds(art(path="/f/a.txt"), art(path="/f/copy.txt")) == [Kind.SAME, Kind.SAME]


def test_a_page_that_was_moved_and_edited_is_known_by_its_address_and_title() -> None:
    memory = Memory()
    memory.look(art(url=A, path="/f/a.html"))
    memory.vanish("/f/a.html")
    (decision,) = memory.look(art(text=LONG + "More.", url=A, path="/f/b.html"))
    assert (decision.kind, decision.article_id, decision.moved) == (Kind.CHANGED, 1, True)


def test_a_message_in_two_files_is_one_article() -> None:
    memory = Memory()
    assert memory.kinds(art(guid="m@x", path="/f/a.eml"), art(guid="m@x", path="/f/b.eml")) == [
        Kind.NEW,
        Kind.SAME,
    ]
    assert [one.moved for one in memory.look(art(guid="m@x", path="/f/b.eml"))] == [False]


def test_a_file_that_was_deleted_by_a_person_stays_deleted_where_it_is_copied() -> None:
    memory = Memory()
    memory.look(art(path="/f/a.txt"))
    # A tombstone keeps no path.
    memory.known[1] = replace(memory.known[1], deleted=True, path=None)
    assert memory.kinds(art(path="/f/copy.txt")) == [Kind.DELETED]


# -- properties ----------------------------------------------------------------------------------------

ARTICLES = st.lists(
    st.builds(
        art,
        title=st.sampled_from(["One", "Two"]),
        text=st.sampled_from(["short", LONG, LONG + "More."]),
        guid=st.sampled_from([None, "g", "h"]),
        url=st.sampled_from([None, A, B]),
        at=st.sampled_from([None, NOON, LATER]),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(st.lists(ARTICLES, max_size=5))
def test_any_sequence_of_looks_settles_and_never_doubles_a_key(looks: list[list[Article]]) -> None:
    memory = Memory()
    for articles in looks:
        decisions = memory.look(*articles)  # `put` asserts that keys are unique
        assert [one.article for one in decisions] == articles
        for one in decisions:
            known = one.kind in (Kind.CHANGED, Kind.CAPPED, Kind.DELETED)
            assert (one.article_id is not None) or not known
        # However guids came and went before, the same document soon brings nothing new.
        memory.look(*articles)
        assert set(memory.kinds(*articles)) <= {Kind.SAME}


# -- captured feeds ------------------------------------------------------------------------------------


def test_sequences_of_captures_give_every_item_once(shared: Path) -> None:
    """Replays successive captures; what must come out was counted by hand over the documents."""
    for folder in sorted((shared / "feeds" / "sequences").iterdir()):
        memory, counts = Memory(), Counter[Kind]()
        titles: set[tuple[str | None, str]] = set()
        cleaned: dict[Entry, Article] = {}  # most entries are there again at every look
        for file in sorted(folder.iterdir()):
            now = datetime.strptime(file.stem[4:], "%Y-%m-%dT%H%M%S").replace(tzinfo=UTC)
            feed = parse_feed(Fetched(url=A, final_url=A, body=file.read_bytes()))
            for entry in feed.entries:
                if entry not in cleaned:
                    cleaned[entry] = clean(entry, fetched_at=now, source_language=feed.language)
            articles = [cleaned[entry] for entry in feed.entries]
            counts.update(memory.kinds(*articles))
            titles.update((article.url, article.title) for article in articles)
            assert Kind.NEW not in memory.kinds(*articles), file
        print(folder.name, {str(kind): number for kind, number in counts.items()})
        _check(folder.name, counts, titles)


def _check(name: str, counts: Counter[Kind], titles: set[tuple[str | None, str]]) -> None:
    if name == "C4droid_rss__voa":
        # No guids and no links, but dates.
        assert (counts[Kind.NEW], counts[Kind.CHANGED]) == (67, 3)
    else:
        # An article cannot be stored more often than it had address and title.
        assert counts[Kind.NEW] <= len(titles)
    if name == "gesab001_headlines__bbc":
        # 262 articles; 17 edits of title and 15 of summary, some of both; 55 of the date alone are none.
        assert counts[Kind.NEW] == 262
        assert 20 <= counts[Kind.CHANGED] <= 32
    if name == "egfedorov_rss-parser__meduza":
        # 24 items, all under one guid and one link, 30 times.
        assert counts[Kind.NEW] == 27
        assert counts[Kind.CHANGED] == 0
    if name == "evilgodfahim_csis__rss":
        # A new date at every poll.
        assert (counts[Kind.NEW], counts[Kind.CHANGED], counts[Kind.SAME]) == (8, 0, 152)
    if name == "evilgodfahim_wl__feed__reuters_direct":
        # Flips between two sets of items.
        assert (counts[Kind.NEW], counts[Kind.CHANGED]) == (524, 0)
