"""What is cut out of an article, what is kept although it looks alike, and that nothing is lost."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.clean import boilerplate_rules as rules
from service.clean.boilerplate import Body, cut_boilerplate
from service.clean.html import html_lines
from service.clean.text import read_lines, write_text
from service.values import CutKind, Precision

BODY = (
    "The Security Council met on Monday to discuss the panel that watches over the embargo, diplomats said."
    "\n\nIts members could not agree on a text, and the mandate of the panel runs out at the end of a month."
)
END = (
    "\n\nA vote is expected before the weekend, when the presidency of the council passes to another member."
)


def cut(text: str, *, title: str = "", not_after: datetime | None = None) -> Body:
    return cut_boilerplate(read_lines(text), title=title, not_after=not_after)


def kinds(body: Body) -> list[tuple[CutKind, str]]:
    return [(one.kind, one.text) for one in body.cuts]


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (CutKind.TEASER, "Read: Ministers Meet In Geneva To Discuss Export Controls"),
        (CutKind.TEASER, "READ MORE: Ministers meet in Geneva to discuss export controls"),
        (CutKind.TEASER, "Also Read: Ministers meet in Geneva"),
        (CutKind.TEASER, "Related: What the new export controls mean for shipping"),
        (CutKind.TEASER, "RELATED STORIES"),
        (CutKind.TEASER, "See also: Who pays for the embargo?"),
        (CutKind.TEASER, "Watch: Ministers arrive in Geneva"),
        (CutKind.TEASER, "Don't miss: The week in pictures"),
        (CutKind.TEASER, "More on this story"),
        (CutKind.TEASER, "Читайте также: Министры встретились в Женеве"),
        (CutKind.TEASER, "Lesen Sie auch: Minister beraten in Genf"),
        (CutKind.TEASER, "À lire aussi : les ministres réunis à Genève"),
        (CutKind.TEASER, "Lea también: Los ministros se reúnen en Ginebra"),
        (CutKind.TEASER, "관련 기사: 제네바에서 장관 회의"),
        (CutKind.TEASER, "相关阅读：部长们在日内瓦会面"),
        (CutKind.TEASER, "اقرأ أيضا: الوزراء يجتمعون في جنيف"),
        (CutKind.DONATION, "Help support the Harbour Courier by making any small donation by clicking here."),
        (CutKind.DONATION, "Donate now"),
        (CutKind.DONATION, "Please consider making a donation to keep our reporting free."),
        (CutKind.DONATION, "Support independent journalism by becoming a member today."),
        (CutKind.DONATION, "If you value our reporting, please consider supporting us with a donation."),
        (CutKind.DONATION, "Buy me a coffee"),
        (CutKind.DONATION, "Поддержите нашу редакцию"),
        (CutKind.DONATION, "Unterstützen Sie unseren Journalismus mit einer Spende."),
        (CutKind.SUBSCRIPTION, "Sign up for our free newsletter."),
        (CutKind.SUBSCRIPTION, "Subscribe to our YouTube channel"),
        (CutKind.SUBSCRIPTION, "Follow us on Facebook and Twitter."),
        (CutKind.SUBSCRIPTION, "Follow the Harbour Courier on Telegram"),
        (CutKind.SUBSCRIPTION, "Get the latest news delivered straight to your inbox."),
        (
            CutKind.SUBSCRIPTION,
            "Android users, click to download the Harbour Courier app and never miss a story.",
        ),
        (CutKind.SUBSCRIPTION, "Join our WhatsApp channel. Sign up for our weekly newsletter. It's free."),
        (CutKind.SUBSCRIPTION, "Подписывайтесь на наш канал в Telegram"),
        (CutKind.SUBSCRIPTION, "Abonnez-vous à notre newsletter"),
        (CutKind.SUBSCRIPTION, "Síguenos en Instagram"),
        (CutKind.SHARING, "Share this article"),
        (CutKind.SHARING, "Share on Facebook"),
        (CutKind.SHARING, "Facebook Twitter WhatsApp Email"),
        (CutKind.SHARING, "Click to share on LinkedIn (Opens in new window)"),
        (CutKind.READING_TIME, "2 minute read"),
        (CutKind.READING_TIME, "5 min read"),
        (CutKind.READING_TIME, "Reading time: 4 minutes"),
        (CutKind.READING_TIME, "Lesezeit: 3 Min."),
        (CutKind.READING_TIME, "Время чтения: 4 минуты"),
        (CutKind.DATELINE, "Published: 18th June 2024"),
        (CutKind.DATELINE, "Last updated: 18 June 2024"),
        (CutKind.DATELINE, "Опубликовано: 18 июня 2024"),
        (CutKind.COOKIES, "We use cookies to improve your experience on our site."),
        (CutKind.COOKIES, "Accept all cookies"),
        (CutKind.FURNITURE, "Advertisement"),
        (CutKind.FURNITURE, "ADVERTISEMENT"),
        (CutKind.FURNITURE, "12 comments"),
        (CutKind.FURNITURE, "The post Council meets appeared first on Harbour Courier."),
        (CutKind.FURNITURE, "* * *"),
        (CutKind.FURNITURE, "47"),
        (CutKind.BYLINE, "(Reporting by Ann Lee and Joe Park; Editing by Kim Day)"),
    ],
)
def test_boilerplate_is_cut_by_kind_and_kept(kind: CutKind, line: str) -> None:
    body = cut(f"{BODY}\n\n{line}{END}")

    assert kinds(body) == [(kind, line)]
    assert write_text(body.lines) == BODY + END


NEAR_MISSES = [
    "Read the resolution again, he said, and you will find no such word.",
    "Read: it is what he did all day.",
    "Read the full text of the resolution and its annexes before the vote, the chair asked.",
    "Also read out were the names of the four companies that had broken the embargo.",
    "References to sanctions were removed from the final statement.",
    "References",  # a section of the article: body follows, no list of references
    "Sources in Moscow and Pyongyang confirmed the visit.",
    "Related parties must report every transfer to the bank within ten days.",
    "Related: two other men were arrested.",
    "See also the annex for a list of the ships concerned.",
    "Watch how the minister avoids the question.",
    "More than forty countries backed the motion.",
    "Donate now or lose the hospital, the director said.",
    "Donations from abroad were frozen by the central bank.",
    "Support for the government fell to a record low.",
    "Support us in our struggle, the rebels told the foreign ministers.",
    "Help support the troops by making a donation, Kim told workers.",
    "Make a donation of arms and you break the embargo, a lawyer warned.",
    "Sign up for the army, the posters say.",
    "Subscribers to the theory hold that the embargo works.",
    "Follow the money, investigators were told.",
    "Get the weapons out of the city, the governor ordered his men before dawn.",
    "Download speeds fell after the cable was cut.",
    "Join our fight, the leader told a crowd of thousands in the square.",
    "Share this burden with your allies, the general said.",
    "Shares of the company fell by a fifth after the announcement.",
    "Print runs of the newspaper were halved.",
    "Telegram channels close to the Kremlin reported the blast.",
    "Facebook removed the pages after an inquiry by the ministry.",
    "We use cookies to follow our readers, the publisher told the court.",
    "Cookies were among the goods that inspectors found in the containers.",
    "Published documents show that the ship changed its flag three times.",
    "Updated rules on exports of chips come into force in June 2024.",
    "In a two minute read of the statement, the minister named no country.",
    "By Monday evening, all of the ships had left the port.",
    "By the end of 2023, 13 banks had been cut off.",
    "Advertisement of weapons is against the law there.",
    "All rights reserved for refugees by the convention remain in force.",
    "The post office in Rason appeared first on the list.",
    "Comments by the ambassador drew protests.",
    "Home to 40,000 people, the town lies close to the border.",
    "Photo identification is required at the crossing.",
    "13 people were arrested.",
    "2014",  # the heading of a time line
    "On 18 June 2024 the two leaders signed a treaty.",
    "June 2024 saw the first visit in 24 years.",
    "“Read: Nothing About Us Without Us,” the banner said.",
    "Читайте договор внимательно, сказал министр.",
    "Подписывайтесь под протоколом, сказал он послам.",
    "Spenden aus dem Ausland wurden eingefroren, sagte der Minister.",
]


@pytest.mark.parametrize("sentence", NEAR_MISSES)
def test_a_sentence_of_the_article_is_never_cut(sentence: str) -> None:
    text = f"{BODY}\n\n{sentence}{END}"

    assert kinds(cut(text)) == []
    assert write_text(cut(text).lines) == text


@pytest.mark.parametrize("sentence", [one for one in NEAR_MISSES if one.endswith(".")])
def test_a_sentence_of_the_article_is_never_cut_at_its_end_or_beginning(sentence: str) -> None:
    for text in (f"{BODY}\n\n{sentence}", f"{sentence}\n\n{BODY}"):
        assert write_text(cut(text).lines) == text


def test_links_under_a_heading_go_with_it() -> None:
    links = "Also Read:\n\nBank freezes accounts of four firms\nPort closed after storm\nWho owns the tanker?"
    body = cut(f"{BODY}\n\n{links}")

    assert [one.kind for one in body.cuts] == [CutKind.TEASER]
    assert body.cuts[0].text == links.replace("\n\n", "\n")
    assert write_text(body.lines) == BODY


def test_links_in_the_middle_end_where_the_article_goes_on() -> None:
    links = "Also read:\nBank freezes accounts of four firms\nPort closed after storm"
    text = f"{BODY}\n\n{links}\n\nWhat comes next{END}"
    body = cut(text)

    assert [one.text for one in body.cuts] == [links]
    assert write_text(body.lines) == f"{BODY}\n\nWhat comes next{END}"


def test_a_heading_before_text_takes_no_text_with_it() -> None:
    body = cut(f"{BODY}\n\nRelated\n\nThe embargo{END}")

    assert [one.text for one in body.cuts] == ["Related"]
    assert write_text(body.lines) == f"{BODY}\n\nThe embargo{END}"


def test_links_marked_as_such_are_cut_though_they_are_sentences() -> None:
    markup = (
        "<p>The council met on Monday, and no text was agreed upon by its members.</p>"
        "<p>Related:</p><ul><li><a href='/a'>The bank froze the accounts.</a></li>"
        "<li><a href='/b'>The port is closed.</a></li></ul><p>A vote is expected.</p>"
    )
    body = cut_boilerplate(html_lines(markup))

    assert [one.text for one in body.cuts] == [
        "Related:\n• The bank froze the accounts.\n• The port is closed."
    ]
    assert [line.text for line in body.lines][-1] == "A vote is expected."


@pytest.mark.parametrize(
    "heading", ["References", "Sources:", "Bibliography", "Литература", "Quellen", "참고문헌"]
)
def test_references_at_the_end_are_cut_as_one(heading: str) -> None:
    listed = (
        f"{heading}\n\n• Lee, A. (2023). Embargoes and their ends.\n"
        "• Park, J. (2021, May 3). Ships without flags.\n[3] https://example.org/report.pdf"
    )
    body = cut(f"{BODY}\n\n{listed}")

    assert kinds(body) == [(CutKind.REFERENCES, listed.replace("\n\n", "\n"))]
    assert write_text(body.lines) == BODY


def test_references_are_cut_although_prompts_follow() -> None:
    body = cut(f"{BODY}\n\nReferences\n1. Lee (2023). Embargoes.\n\nFollow us on Twitter\n12 comments")

    assert [one.kind for one in body.cuts] == [CutKind.REFERENCES, CutKind.SUBSCRIPTION, CutKind.FURNITURE]
    assert write_text(body.lines) == BODY


def test_a_section_called_sources_is_no_list_of_references() -> None:
    section = "Sources\n\nThe weapons came from three countries, and each of them has its own reasons."
    text = f"{BODY}\n\n{section}{END}"

    assert kinds(cut(text)) == []


def test_the_title_is_cut_where_it_is_repeated_at_the_top_only() -> None:
    title = "Council Meets on the Embargo"
    body = cut(f"COUNCIL MEETS ON THE EMBARGO.\n\n{BODY}{END}", title=title)

    assert kinds(body) == [(CutKind.REPEATED_TITLE, "COUNCIL MEETS ON THE EMBARGO.")]
    late = "\n\n".join([BODY] * 5) + f"\n\n{title}{END}"
    assert kinds(cut(late, title=title)) == []


@pytest.mark.parametrize(
    ("line", "date", "precision"),
    [
        ("Published: 18th June 2024", datetime(2024, 6, 18, tzinfo=UTC), Precision.DAY),
        ("Published: 6/17/2024", datetime(2024, 6, 17, tzinfo=UTC), Precision.DAY),
        ("Posted on June 17, 2024 at 14:30", datetime(2024, 6, 17, 14, 30, tzinfo=UTC), Precision.MINUTE),
        ("Date: 2024-06-17", datetime(2024, 6, 17, tzinfo=UTC), Precision.DAY),
        ("June 17, 2024", datetime(2024, 6, 17, tzinfo=UTC), Precision.DAY),
        ("17 June 2024 | 2 min read | By Ann Lee", datetime(2024, 6, 17, tzinfo=UTC), Precision.DAY),
        ("입력: 2024.06.17", datetime(2024, 6, 17, tzinfo=UTC), Precision.DAY),
        ("Veröffentlicht am 17. Juni 2024", datetime(2024, 6, 17, tzinfo=UTC), Precision.DAY),
    ],
)
def test_a_date_line_is_cut_and_dates_the_article(line: str, date: datetime, precision: Precision) -> None:
    body = cut(f"{line}\n\n{BODY}")

    assert body.dated == (date, precision)
    assert kinds(body) == [(CutKind.DATELINE, line)]


def test_the_date_of_publication_wins_over_that_of_an_update() -> None:
    body = cut(f"Updated: 19 June 2024\nPublished: 17 June 2024\n\n{BODY}")
    assert body.dated == (datetime(2024, 6, 17, tzinfo=UTC), Precision.DAY)
    assert cut(f"Updated: 19 June 2024\n\n{BODY}").dated == (datetime(2024, 6, 19, tzinfo=UTC), Precision.DAY)


def test_a_date_to_come_is_no_date_line() -> None:
    text = f"{BODY}\n\nDate: 17 June 2031{END}"
    body = cut(text, not_after=datetime(2026, 1, 1, tzinfo=UTC))

    assert body.dated is None
    assert write_text(body.lines) == text


def test_an_ambiguous_date_is_none_and_stays() -> None:
    body = cut(f"Published: 5/3/2019\n\n{BODY}")
    assert body.dated is None
    assert cut_boilerplate(read_lines(f"Published: 5/3/2019\n\n{BODY}"), day_first=True).dated == (
        datetime(2019, 3, 5, tzinfo=UTC),
        Precision.DAY,
    )


def test_a_byline_at_the_top_gives_the_author() -> None:
    body = cut(f"By Ann Lee and Joe van der Park\n\n{BODY}")

    assert body.byline == "Ann Lee and Joe van der Park"
    assert kinds(body) == [(CutKind.BYLINE, "By Ann Lee and Joe van der Park")]


def test_many_numbers_are_data() -> None:
    text = (
        "\n\n".join([BODY, "Seats won", "45", "Seats lost", "12", "Seats held", "7", "Seats open", "3"]) + END
    )

    assert kinds(cut(text)) == []


@pytest.mark.parametrize(
    "tail",
    [
        "Read more",
        "Continue reading…",
        "[Read more…]",
        "Read more »",
        "Read the full story",
        "[…]",
        "Weiterlesen",
    ],
)
def test_what_hangs_on_the_last_sentence_is_cut(tail: str) -> None:
    body = cut(f"{BODY} {tail}")

    assert write_text(body.lines) == BODY
    assert kinds(body) == [(CutKind.TEASER, tail)]


@pytest.mark.parametrize(
    "last", ["He said no more.", "There is more to read on the plane.", "More tomorrow!", "Read on, he said."]
)
def test_a_last_sentence_stays(last: str) -> None:
    assert write_text(cut(f"{BODY} {last}").lines) == f"{BODY} {last}"


@settings(deadline=None)  # the machine may be busy; endless work has tests of its own
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "Read: A Title",
                    "Also Read:",
                    "Donate now",
                    "13",
                    "References",
                    "2 minute read",
                    "By Ann Lee",
                ]
            ),
            st.sampled_from(NEAR_MISSES),
            st.text(max_size=60),
        ),
        max_size=12,
    )
)
def test_every_line_is_kept_or_cut_and_none_is_made(lines: list[str]) -> None:
    read = read_lines("\n\n".join(lines))
    body = cut_boilerplate(read)
    tails = [one for one in body.cuts if body.lines and one is body.cuts[-1] and one.kind is CutKind.TEASER]
    kept = [line.text for line in body.lines]
    pieces = kept + [row for one in body.cuts for row in one.text.split("\n")]

    # A tail is cut from a line, so only its letters are compared with the source.
    assert sorted("".join("".join(pieces).split())) == sorted(
        "".join("".join(line.text for line in read).split())
    )
    if not tails:
        assert sorted(pieces) == sorted(line.text for line in read)


def test_no_pattern_backtracks_without_end() -> None:
    """Text that nearly matches, over and over, costs milliseconds: the rules are met by hostile input."""
    starts = [
        "Sign up to ", "Support the ", "By Ann Lee", "Follow a", "Reporting by ", "Get the ", "The post A",
        "if you like ", "* ", "-", "Read: ", "we use ", "by using ", "More from ", "(c) ", "1 min ", "•",
        "Published ", "share ", "",
    ]  # fmt: skip
    fillings = [
        "a ",
        "A ",
        "Ann Lee, ",
        "and ",
        "on ",
        "- ",
        "* ",
        "–",
        " | ",
        "1 ",
        "and Ann ",
        ". ",
        "the ",
        "our ",
        "x on ",
    ]
    lines = [(start + filling * 700)[:690] for start in starts for filling in fillings]
    started = time.process_time()
    for line in lines:
        cut(line)
    assert time.process_time() - started < 5.0  # 300 lines; a single backtracking one takes minutes


def test_patterns_are_given_in_the_languages_that_are_promised() -> None:
    promised = [
        "Читайте также",
        "Lesen Sie auch",
        "À lire aussi",
        "Lea también",
        "Leggi anche",
        "관련 기사",
        "関連記事",
    ]
    assert all(rules.TEASER_LEAD.fullmatch(lead) for lead in promised)
