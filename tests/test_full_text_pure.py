"""Which entries are worth their page, what a page makes of an article, and when a page is tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.records import Known, PageRecord
from service.clean import content_hash
from service.clean.full_text import SUMMARY, FullText, completed, ends_cut, wanting
from service.decide import decide
from service.errors import ParseFailure
from service.full_text_plan import Got, Step, outcome, steps_for
from service.reading import Finished
from service.values import Article, Cut, CutKind, Decision, Enclosure, Kind, Precision, Reason

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SENTENCE = "The council renewed the embargo on weapons after a long debate in the chamber. "
WHOLE = SENTENCE * 30


def art(
    text: str = SENTENCE, *, number: int = 1, title: str = "Council renews the embargo", **more: Any
) -> Article:
    url = f"https://example.org/{number}"
    return replace(Article(title, text, content_hash(title, text), guid=str(number), url=url), **more)


# -- wanted --------------------------------------------------------------------------------------------


def test_off_wants_nothing_and_on_all_that_has_a_page_of_its_own() -> None:
    articles = [art(), art(WHOLE, number=2), art(number=3, url=None), art(number=4), art(number=4, guid="x")]
    assert wanting(FullText.OFF, articles) == [False] * 5
    assert wanting(FullText.ON, articles) == [True, True, False, False, False]


def test_auto_wants_the_short_ones_of_a_feed_of_summaries() -> None:
    articles = [art(number=n) for n in range(5)] + [art(WHOLE, number=9)]
    assert wanting(FullText.AUTO, articles) == [True] * 5 + [False]


def test_auto_leaves_a_feed_of_whole_texts_alone() -> None:
    articles = [art(WHOLE, number=n) for n in range(5)] + [art("In brief.", number=9)]
    assert wanting(FullText.AUTO, articles) == [False] * 6


def test_auto_wants_what_is_visibly_cut_in_any_feed() -> None:
    cut = art(WHOLE[:1500] + "of the […]", number=9)
    assert wanting(FullText.AUTO, [art(WHOLE, number=n) for n in range(5)] + [cut]) == [False] * 5 + [True]


def test_auto_wants_a_feed_whose_long_texts_are_cut() -> None:
    articles = [art(SENTENCE * 11 + "and …", number=n) for n in range(3)]
    assert len(articles[0].text) > SUMMARY
    assert wanting(FullText.AUTO, articles) == [True] * 3


def test_auto_leaves_sounds_and_films_alone() -> None:
    episode = art(enclosures=(Enclosure("https://example.org/1.mp3", "audio/mpeg"),))
    assert wanting(FullText.AUTO, [episode, art(number=2)]) == [False, True]
    assert wanting(FullText.ON, [episode]) == [True]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("It went on and on…", True),
        ("It went on [...]", True),
        ("“It went on …”", True),
        ("It went on (…) \n", True),
        ("It ended.", False),
        ("So … he said, it ended.", False),
        ("", False),
    ],
)
def test_what_ends_cut(text: str, cut: bool) -> None:
    assert ends_cut(art(text)) is cut


def test_a_read_more_that_was_cut_says_so() -> None:
    assert ends_cut(art(cuts=(Cut(CutKind.TEASER, "Read more"),)))
    assert not ends_cut(art(cuts=(Cut(CutKind.TEASER, "Read more"), Cut(CutKind.SHARING, "Share"))))


# -- completed -----------------------------------------------------------------------------------------


def test_the_text_is_the_pages_and_the_rest_the_feeds() -> None:
    said = art(author="A. Writer", published_at=NOW, precision=Precision.SECOND, language="en")
    page = art(
        "Council renews the embargo\n\n" + WHOLE,
        title="Embargo: council says yes",
        author="Someone Else",
        published_at=NOW - timedelta(days=1),
        language="en",
        url="https://example.org/canonical",
        cuts=(Cut(CutKind.COOKIES, "We use cookies."),),
    )
    whole = completed(said, page)
    assert whole.text == WHOLE.strip() or whole.text == WHOLE  # its title is not said twice
    assert (whole.title, whole.author, whole.published_at, whole.url, whole.guid) == (
        said.title, "A. Writer", NOW, said.url, said.guid,
    )  # fmt: skip
    assert whole.said_hash == said.content_hash
    assert whole.content_hash == content_hash(whole.title, whole.text)
    assert whole.cuts == page.cuts


def test_what_the_feed_left_open_is_the_pages() -> None:
    said = art(title="The council renewed the embargo on …", title_made=True, language="und")
    page = art(
        WHOLE, title="A title", author="A. Writer", published_at=NOW, precision=Precision.DAY, language="en"
    )
    whole = completed(said, page)
    assert (whole.title, whole.title_made, whole.author) == ("A title", False, "A. Writer")
    assert (whole.published_at, whole.precision, whole.language) == (NOW, Precision.DAY, "en")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no more text than the feed"),
        (SENTENCE, "no more text than the feed"),
        ("Please accept the use of cookies so that we can show you advertisements. " * 20, "something else"),
        ("Sign in to your account to continue reading. Forgot your password? " * 20, "something else"),
    ],
)
def test_a_page_that_says_nothing_of_the_entry_is_refused(text: str, why: str) -> None:
    with pytest.raises(ParseFailure, match=why) as caught:
        completed(art(), art(text, title="Welcome"))
    assert caught.value.reason is Reason.EMPTY


def test_scripts_without_spaces_are_compared_by_pairs_of_characters() -> None:
    said = art("安理会延长武器禁运", title="安理会延长禁运")
    assert completed(
        said, art("安理会周二决定延长对两国的武器禁运，为期一年。" * 20, title="安理会")
    ).said_hash
    with pytest.raises(ParseFailure, match="something else"):
        completed(said, art("请登录您的账户以继续阅读本文，或注册新账户。" * 20, title="登录"))


# -- decided -------------------------------------------------------------------------------------------


def known(page: PageRecord | None = None, *, content: str = "1:page", number: int = 1) -> Known:
    return Known(
        10 + number, 1, f"guid:{number}", str(number), f"https://example.org/{number}", content,
        "Council renews the embargo", page=page,
    )  # fmt: skip


def taken(said: str, **more: Any) -> PageRecord:
    return replace(PageRecord(said, taken=True, tried_at=NOW - timedelta(hours=2)), **more)


def kind(article: Article, stored: Known) -> Kind:
    (decision,) = decide([article], [stored], source_id=1)
    return decision.kind


def test_a_summary_does_not_undo_its_page() -> None:
    said = art()
    stored = known(taken(said.content_hash))
    assert kind(said, stored) is Kind.SAME
    assert kind(art(SENTENCE + "More."), stored) is Kind.CHANGED
    assert kind(replace(said, said_hash=said.content_hash, content_hash="1:page"), stored) is Kind.SAME
    assert kind(replace(said, said_hash=said.content_hash, content_hash="1:other"), stored) is Kind.CHANGED


def test_a_page_that_comes_late_is_a_change() -> None:
    said = art()
    stored = known(PageRecord(said.content_hash, taken=False, tried_at=NOW), content=said.content_hash)
    assert kind(said, stored) is Kind.SAME
    assert kind(replace(said, said_hash=said.content_hash, content_hash="1:page"), stored) is Kind.CHANGED


# -- steps ---------------------------------------------------------------------------------------------


def step(kind: Kind, page: PageRecord | None = None, *, mode: FullText = FullText.ON) -> Step:
    article = art()
    decision = Decision(kind, article, "guid:1", 11 if page else None)
    stored = known(page) if page else None
    return steps_for(mode, [Finished(article, ())], [decision], [stored], NOW)[0]


HOUR = timedelta(hours=1)
FAILED = PageRecord("1:said", taken=False, tried_at=NOW, reason="timeout", attempts=1)


@pytest.mark.parametrize(
    ("kind", "page", "expected"),
    [
        (Kind.NEW, None, Step.TRY),
        (Kind.CHANGED, None, Step.TRY),
        (Kind.SAME, None, Step.LEAVE),
        (Kind.DUPLICATE, None, Step.LEAVE),
        (Kind.DELETED, None, Step.LEAVE),
        (Kind.CAPPED, taken("1:x"), Step.LEAVE),
        (Kind.SAME, taken("1:x"), Step.LEAVE),
        (Kind.CHANGED, taken("1:x"), Step.TRY),
        (Kind.CHANGED, taken("1:x", tried_at=NOW - HOUR / 2), Step.HOLD),
        (Kind.CHANGED, taken("1:x", reason="timeout", next_try_at=NOW + HOUR), Step.HOLD),
        (Kind.CHANGED, taken("1:x", reason="timeout", next_try_at=NOW), Step.TRY),
        (Kind.SAME, FAILED, Step.LEAVE),
        (Kind.SAME, replace(FAILED, next_try_at=NOW + HOUR), Step.LEAVE),
        (Kind.SAME, replace(FAILED, next_try_at=NOW), Step.TRY),
        (Kind.CHANGED, FAILED, Step.TRY),
    ],
)
def test_what_is_done_with_an_entrys_page(kind: Kind, page: PageRecord | None, expected: Step) -> None:
    assert step(kind, page) is expected


def finished(text: str = SENTENCE) -> Finished:
    return Finished(art(text), ())


def test_a_page_is_tried_three_times_where_that_may_help() -> None:
    one, got = finished(), Got(reason=Reason.TIMEOUT, detail="late")
    stored: Known | None = None
    waits = []
    for _ in range(3):
        _, page = outcome(one, Step.TRY, stored, got, NOW)
        assert page is not None
        assert (page.taken, page.reason, page.detail) == (False, "timeout", "late")
        waits.append(page.next_try_at and page.next_try_at - NOW)
        stored = known(page, content=one.article.content_hash)
    assert waits == [HOUR, 6 * HOUR, None]


@pytest.mark.parametrize("reason", [Reason.NOT_FOUND, Reason.ROBOTS, Reason.EMPTY, Reason.BLOCKED])
def test_a_page_that_will_not_come_is_tried_once(reason: Reason) -> None:
    one = finished()
    article, page = outcome(one, Step.TRY, None, Got(reason=reason), NOW)
    assert article == one
    assert page is not None
    assert (page.attempts, page.next_try_at) == (1, None)


def test_a_page_for_which_there_was_no_time_is_next_times() -> None:
    one = finished()
    assert outcome(one, Step.TRY, None, None, NOW) == (
        one, PageRecord(one.article.content_hash, taken=False, tried_at=NOW, next_try_at=NOW),
    )  # fmt: skip


def test_the_pages_text_stays_while_a_new_look_fails_and_goes_when_no_hope_is_left() -> None:
    one, got = finished(SENTENCE + "Edited."), Got(reason=Reason.HTTP_5XX)
    stored = known(taken("1:said before"))
    for _ in range(2):
        held, page = outcome(one, Step.TRY, stored, got, NOW)
        assert kind(held.article, stored) is Kind.SAME
        assert page is not None
        assert (page.taken, page.said_hash) == (True, "1:said before")
        stored = known(page)
    given_up, page = outcome(one, Step.TRY, stored, got, NOW)
    assert kind(given_up.article, stored) is Kind.CHANGED
    assert given_up.article.text == one.article.text
    assert page is not None
    assert (page.taken, page.next_try_at, page.said_hash) == (False, None, one.article.content_hash)


def test_a_page_that_came_is_taken() -> None:
    one, whole = finished(), Finished(completed(art(), art(WHOLE)), ())
    done, page = outcome(one, Step.TRY, None, Got(whole, url="https://example.org/final"), NOW)
    assert done is whole
    assert page == PageRecord(
        one.article.content_hash, taken=True, tried_at=NOW, url="https://example.org/final"
    )
