"""Entries as finished articles: title, text, date, address, language, hash."""

# Samples in many languages, one a line.
# ruff: noqa: E501, RUF001
from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.clean import clean, content_hash
from service.clean.headline import find_headline, make_title
from service.clean.language import choose_language, detect_language, normal_language
from service.clean.text import read_lines
from service.values import Article, CutKind, DateOrigin, Enclosure, Entry, Precision

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST = (
    "The Security Council met on Monday to discuss the embargo, and its members could not agree on a text."
)
SECOND = "A vote is expected before the weekend, when the presidency passes to another member."
BODY = f"{FIRST}\n\n{SECOND}"


def article(**fields: object) -> Article:
    entry = replace(Entry(content=BODY, content_is_html=False), **fields)  # type: ignore[arg-type]
    return clean(entry, fetched_at=NOW)


# -- titles --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headline",
    [
        "Council Meets on the Embargo",
        "Council meets on the embargo",
        "Will the council agree?",
        "Council meets in the U.S.",
        "‘No text, no vote’: council meets on the embargo",
        "Совет Безопасности обсудил эмбарго",
        "안보리, 금수 조치 논의",
        "安理会讨论禁运",
    ],
)
def test_a_headline_is_found(headline: str) -> None:
    found = article(content=f"{headline}\n\n{BODY}")

    assert (found.title, found.title_made) == (headline, False)
    assert found.text == BODY
    assert found.cuts == ()


@pytest.mark.parametrize("marks", ["# {}", "## {} ##", "**{}**", "== {} =="])
def test_a_marked_headline_loses_its_marks(marks: str) -> None:
    assert article(content=f"{marks.format('Council Meets')}\n\n{BODY}").title == "Council Meets"


@pytest.mark.parametrize(
    "first",
    [
        "The council met.",
        "The council met on Monday,",
        "Present were the following members:",
        "A" * 200,
        "2024",
        "***",
    ],
)
def test_a_first_line_that_is_no_headline_is_none(first: str) -> None:
    assert find_headline(read_lines(f"{first}\n\n{BODY}")) is None


def test_a_list_of_titles_has_no_headline() -> None:
    assert find_headline(read_lines("Bread\n\nButter\n\nMilk")) is None


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (
            BODY,
            "The Security Council met on Monday to discuss the embargo, and its members could not agree on a…",
        ),
        ("They met at noon. Nobody spoke.", "They met at noon"),
        ("Mr. Lee of the U.S. mission left early. Nobody spoke.", "Mr. Lee of the U.S. mission left early"),
        ("Why did they meet again? Nobody knows.", "Why did they meet again?"),
        ("No. It was not so. Then the council met again to vote.", "No. It was not so"),
        (
            "安全理事会星期一开会讨论禁运问题，理事国未能达成一致。外交官说。",
            "安全理事会星期一开会讨论禁运问题，理事国未能达成一致",
        ),
        ("", ""),
    ],
)
def test_a_title_is_made_from_the_first_sentence(text: str, title: str) -> None:
    assert make_title(text) == title


@settings(deadline=None)  # the machine may be busy; endless work has tests of its own
@given(st.text(max_size=400))
def test_a_made_title_is_short_and_one_line(text: str) -> None:
    title = make_title(text)
    assert len(title) <= 100
    assert "\n" not in title


def test_the_entry_s_title_wins_and_its_repetition_is_cut() -> None:
    found = article(title="Council meets", content=f"Council Meets\n\n{BODY}")

    assert (found.title, found.title_made, found.text) == ("Council meets", False, BODY)
    assert [cut.kind for cut in found.cuts] == [CutKind.REPEATED_TITLE]


@pytest.mark.parametrize(
    ("title", "is_html", "plain"),
    [
        ("Invoice \u202egnp.exe", False, "Invoice gnp.exe"),
        ("Kim\x00 and\x07 Putin\u200b", False, "Kim and Putin"),
        ("<b>Kim</b> &amp; Putin", True, "Kim & Putin"),
        ("Kim\n   and\tPutin", False, "Kim and Putin"),
    ],
)
def test_titles_are_cleaned(title: str, is_html: bool, plain: str) -> None:
    assert article(title=title, title_is_html=is_html).title == plain


@pytest.mark.parametrize("title", ["", "   ", "\u200b", "---", "<script>x</script>", None])
def test_a_title_without_words_is_none(title: str | None) -> None:
    found = article(title=title, title_is_html=True)
    assert found.title_made
    assert found.title.startswith("The Security Council met")


def test_a_title_as_long_as_a_text_is_shortened() -> None:
    assert len(article(title="word " * 1000).title) <= 500


def test_an_entry_of_nothing_is_still_an_article() -> None:
    assert clean(Entry(link="https://example.org/a"), fetched_at=NOW).title == "https://example.org/a"
    assert clean(Entry(), fetched_at=NOW).title == "Untitled"
    assert clean(Entry(title="Only a title"), fetched_at=NOW).text == ""


def test_one_short_line_is_a_text_whose_title_is_made() -> None:
    found = article(content="Kim meets Putin")
    assert (found.title, found.title_made, found.text) == ("Kim meets Putin", True, "Kim meets Putin")


# -- text ----------------------------------------------------------------------------------------------


def test_the_fullest_text_is_taken() -> None:
    picture = "<img src='a.png'>"
    assert article(content=picture, content_is_html=True, summary=BODY, summary_is_html=False).text == BODY
    assert article(summary="Short.", summary_is_html=False).text == BODY


def test_html_is_plain_and_its_paragraphs_are_kept() -> None:
    markup = f"<p>{FIRST}</p><script>no()</script><p>{SECOND}</p><p>Share this article</p>"
    found = article(content=markup, content_is_html=True)

    assert found.text == BODY
    assert [cut.kind for cut in found.cuts] == [CutKind.SHARING]


def test_a_stray_number_before_the_headline_is_cut() -> None:
    found = article(content=f"13\n\nCouncil Meets on the Embargo\n\n{BODY}")
    assert (found.title, found.title_made) == ("Council Meets on the Embargo", False)
    assert BODY in found.text
    assert "13" not in found.text


# -- dates ---------------------------------------------------------------------------------------------


def dated(**fields: object) -> tuple[datetime | None, Precision | None, DateOrigin | None]:
    found = article(**fields)
    return found.published_at, found.precision, found.date_origin


def test_the_published_date_wins_over_the_updated_one() -> None:
    day = datetime(2026, 2, 1, tzinfo=UTC)
    assert dated(published="2026-02-01", updated="2026-02-20") == (day, Precision.DAY, DateOrigin.FEED)
    assert dated(published="soon", updated="2026-02-01", date_origin=DateOrigin.EMAIL) == (
        day,
        Precision.DAY,
        DateOrigin.EMAIL,
    )


def test_a_date_in_the_text_is_the_last_resort() -> None:
    content = f"{BODY}\n\nPublished: 18th June 2024"
    assert dated(content=content) == (datetime(2024, 6, 18, tzinfo=UTC), Precision.DAY, DateOrigin.TEXT)
    assert dated(content=content, published="2026-02-01")[0] == datetime(2026, 2, 1, tzinfo=UTC)


def test_no_date_is_none_and_never_the_time_of_the_fetch() -> None:
    assert dated() == (None, None, None)
    assert dated(content=f"The treaty of 18 June 1988 binds both. {FIRST}") == (None, None, None)
    assert dated(published="yesterday") == (None, None, None)


def test_a_clock_that_is_a_little_fast_gives_the_time_of_the_fetch() -> None:
    assert dated(published=(NOW + timedelta(hours=5)).isoformat())[0] == NOW


def test_a_date_far_ahead_is_no_publication() -> None:
    assert dated(published="2027-01-01", updated="2026-02-01")[0] == datetime(2026, 2, 1, tzinfo=UTC)
    assert dated(published="2027-01-01") == (None, None, None)
    assert dated(content=f"{BODY}\n\nDate: 1 January 2027") == (None, None, None)


def test_day_first_is_the_source_s_way() -> None:
    entry = Entry(content=BODY, content_is_html=False, published="5/3/2019")
    assert clean(entry, fetched_at=NOW).published_at is None
    assert clean(entry, fetched_at=NOW, day_first=True).published_at == datetime(2019, 3, 5, tzinfo=UTC)
    assert clean(entry, fetched_at=NOW, day_first=False).published_at == datetime(2019, 5, 3, tzinfo=UTC)


# -- the rest ------------------------------------------------------------------------------------------


def test_the_address_is_canonical_and_absolute() -> None:
    found = article(link="/a?utm_source=rss", base_url="https://Example.org/feed")
    assert found.url == "https://example.org/a"
    assert article(link="javascript:alert(1)").url is None


def test_lists_are_bounded_and_clean() -> None:
    found = article(
        categories=("World ", "World", "", "x" * 300, *map(str, range(100))),
        enclosures=(Enclosure("/a.mp3", "audio/mpeg", 3), Enclosure("javascript:x")),
        base_url="https://example.org/",
        author=" Ann\u202e Lee ",
        guid=" g\x00-1 ",
    )
    assert found.categories[0] == "World"
    assert len(found.categories) == 50
    assert max(map(len, found.categories)) <= 100
    assert found.enclosures == (Enclosure("https://example.org/a.mp3", "audio/mpeg", 3),)
    assert (found.author, found.guid) == ("Ann Lee", "g-1")


def test_a_guid_too_long_to_index_is_told_by_its_hash() -> None:
    one, other = article(guid="x" * 5000).guid, article(guid="x" * 5001).guid
    assert one is not None
    assert len(one) < 100
    assert one != other


def test_a_byline_is_the_author_of_a_text_that_names_none() -> None:
    assert article(title="T", content=f"By Ann Lee\n\n{BODY}").author == "Ann Lee"
    assert article(title="T", author="Desk", content=f"By Ann Lee\n\n{BODY}").author == "Desk"


def test_the_hash_is_of_words_not_of_spaces_and_boilerplate() -> None:
    base = article(title="Council meets")

    assert base.content_hash.startswith("1:")
    assert base.content_hash == content_hash("Council meets", BODY)
    assert (
        article(title="Council  meets", content=BODY.replace("\n\n", "\n\n\n")).content_hash
        == base.content_hash
    )
    assert article(title="Council meets", content=f"{BODY}\n\nShare this").content_hash == base.content_hash
    assert article(title="Council meets", published="2020-01-01").content_hash == base.content_hash
    assert article(title="Council met").content_hash != base.content_hash
    assert article(title="Council meets", content=FIRST).content_hash != base.content_hash


@settings(deadline=None)  # the machine may be busy; endless work has tests of its own
@given(
    st.builds(
        Entry,
        guid=st.none() | st.text(max_size=20),
        link=st.none() | st.text(max_size=40),
        title=st.none() | st.text(max_size=60),
        title_is_html=st.booleans(),
        content=st.none() | st.text(max_size=300),
        content_is_html=st.booleans(),
        summary=st.none() | st.text(max_size=100),
        published=st.none() | st.text(max_size=30),
        author=st.none() | st.text(max_size=30),
        language=st.none() | st.text(max_size=8),
    )
)
def test_any_entry_gives_an_article(entry: Entry) -> None:
    found = clean(entry, fetched_at=NOW)

    assert found.title
    assert found.title == " ".join(found.title.split())
    assert found.published_at is None or found.published_at <= NOW
    assert found.language
    assert clean(entry, fetched_at=NOW) == found
    found.title.encode("utf-8")
    found.text.encode("utf-8")


# -- languages -----------------------------------------------------------------------------------------

SAMPLES = {
    "en": "The council could not agree on a text before the mandate of the panel runs out at the end of the month.",
    "ru": "Совет не смог согласовать текст до истечения мандата группы экспертов в конце месяца, сообщили дипломаты.",
    "uk": "Рада не змогла узгодити текст до завершення мандата групи експертів наприкінці місяця, повідомили вони.",
    "de": "Der Rat konnte sich nicht auf einen Text einigen, bevor das Mandat der Gruppe am Ende des Monats ausläuft.",
    "fr": "Le conseil n'a pas pu se mettre d'accord sur un texte avant la fin du mandat du groupe d'experts ce mois.",
    "es": "El consejo no pudo acordar un texto antes de que termine el mandato del grupo de expertos este mes de junio.",
    "it": "Il consiglio non è riuscito a concordare un testo prima che scada il mandato del gruppo di esperti a giugno.",
    "pt": "O conselho não conseguiu chegar a acordo sobre um texto antes do fim do mandato do grupo de peritos.",
    "nl": "De raad kon het niet eens worden over een tekst voordat het mandaat van de groep aan het eind afloopt.",
    "pl": "Rada nie zdołała uzgodnić tekstu przed wygaśnięciem mandatu grupy ekspertów pod koniec tego miesiąca.",
    "tr": "Konsey, uzmanlar grubunun görev süresi ay sonunda dolmadan önce bir metin üzerinde anlaşamadı dediler.",
    "ko": "이사회는 전문가 패널의 임기가 이달 말 끝나기 전에 문안에 합의하지 못했다고 외교관들이 말했다.",
    "ja": "理事会は、専門家パネルの任期が月末に切れる前に文案について合意することができなかった。",
    "zh": "安理会未能在专家小组任期本月底到期之前就案文达成一致，外交官说。",
    "ar": "لم يتمكن المجلس من الاتفاق على نص قبل انتهاء ولاية فريق الخبراء في نهاية الشهر كما قال دبلوماسيون.",
    "fa": "شورا نتوانست پیش از پایان مأموریت گروه کارشناسان در پایان ماه بر سر متنی به توافق برسد، دیپلمات‌ها گفتند.",
    "he": "המועצה לא הצליחה להסכים על נוסח לפני שהמנדט של צוות המומחים יפוג בסוף החודש, אמרו דיפלומטים.",
    "el": "Το συμβούλιο δεν μπόρεσε να συμφωνήσει σε ένα κείμενο πριν λήξει η εντολή της ομάδας στο τέλος του μήνα.",
    "sv": "Rådet kunde inte enas om en text innan expertgruppens mandat löper ut i slutet av månaden, sade de.",
    "cs": "Rada se nedokázala shodnout na textu předtím, než na konci měsíce vyprší mandát skupiny odborníků.",
}


@pytest.mark.parametrize("language", SAMPLES)
def test_languages_are_told_apart(language: str) -> None:
    assert detect_language(SAMPLES[language])[0] == language
    assert choose_language(SAMPLES[language]) == language


@pytest.mark.parametrize("text", ["", "   ", "12 345", "…", "Kim", "https://example.org/path/of/many/words"])
def test_too_little_text_tells_nothing(text: str) -> None:
    assert choose_language(text) == "und"


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en-GB", "en"), ("en_US", "en"), ("ENG", "en"), ("zh-Hans-CN", "zh"), ("ger", "de"), ("ru", "ru"), ("iw", "he"),
        ("", None), (None, None), ("english", None), ("x", None), ("und", None), ("12", None), ("en\x00", None),
    ],
)  # fmt: skip
def test_language_tags_become_iso_639_1(tag: str | None, code: str | None) -> None:
    assert normal_language(tag) == code


def test_a_declared_language_is_taken_unless_the_text_is_plainly_another() -> None:
    assert choose_language("Kim in Moscow", "ko-KR") == "ko"
    assert choose_language(SAMPLES["de"], "de-AT") == "de"
    assert choose_language(SAMPLES["ru"], "en-us") == "ru"  # the template's default, not the text's
    assert choose_language(SAMPLES["en"], "kn", "en") == "en"
    assert choose_language(SAMPLES["en"], "not a tag") == "en"


def test_the_source_s_language_is_used_where_the_entry_declares_none() -> None:
    entry = Entry(title="Kim in Moscow")
    assert clean(entry, fetched_at=NOW, source_language="pl-PL").language == "pl"
    assert clean(replace(entry, language="de"), fetched_at=NOW, source_language="pl").language == "de"
