"""Full text: one set of plain words and phrases, the same answers from both engines."""

# ruff: noqa: RUF001 - Cyrillic letters and curly quotes are what is looked for

from __future__ import annotations

from models import articles, catalog
from models.database import Database
from models.records import ArticleFilter
from models.search import LAST_PLACE
from tests.storage import NOW, add_source, article, check_index, store

TEXTS = {
    "panel": (
        "Panel of Experts reports",
        "The panel's experts said so, and the report for experts followed.",
    ),
    "sanction": (
        "Sanctioned vessels",
        "New sanctions were announced on 12.5 million barrels; see e-mail@example.org.",
    ),
    "arms": ("Arms", "An S-400 system (and a 9M729) crossed the border, said a state-run agency."),
    "cafe": ("Café Noël", "Señor Müller's naïve résumé, façade and Ångström. Łódź stays."),
    "russian": ("Санкции против КНДР", "Группа экспертов ООН опубликовала ДОКЛАД. Ёлка и йод."),
    "korean": ("대북 제재", "유엔 전문가 패널은 보고서를 발표했다."),
    "chinese": ("對朝鮮的制裁措施", "外交部5月12日說。人工知能のAI技術とミサイル。"),
    "hindi": ("नए प्रतिबंध", "संयुक्त राष्ट्र ने कहा।"),
    "arabic": ("العقوبات الأممية", "فرضت عقوبات جديدة."),
    "thai": ("มาตรการคว่ำบาตร", "สหประชาชาติ"),
    "stop": ("The end", "To be or not to be: that is the question. And the AND of OR, NOT NEAR."),
    "edge": (
        "Title ends with alpha",
        "omega begins the text; alpha_beta, 3.14, http://host.example/path?q=1",
    ),
    "empty": ("Untitled", ""),
    "marks": ('Quote "inside"', "C++ and C# cost 100% more; O'Brien's 'single' {braces} ^caret* (paren)"),
}
QUESTIONS: dict[str, set[str]] = {
    "panel": {"panel"},
    "PANEL experts": {"panel"},
    '"panel of experts"': {"panel"},
    '"panel for experts"': set(),
    '"report for experts"': {"panel"},
    '"experts panel"': set(),
    '"panel experts said"': {"panel"},
    "experts panel": {"panel"},
    "reporting": {"panel"},
    "sanctions": {"sanction"},
    "sanction": {"sanction"},
    "sanctioning vessel": {"sanction"},
    '"sanctioned vessel"': {"sanction"},
    "announces": {"sanction"},
    "12.5": {"sanction"},
    '"12 5"': {"sanction"},
    "125": set(),
    "e-mail@example.org": {"sanction"},
    "example": {"sanction", "edge"},
    "S-400": {"arms"},
    "s400": set(),
    '"s 400 system"': {"arms"},
    "9M729": {"arms"},
    "state-run": {"arms"},
    "run state": {"arms"},
    '"run state"': set(),
    "cafe": {"cafe"},
    "CAFÉ noel": {"cafe"},
    "senor muller naive resume facade angstrom": {"cafe"},
    "łódź": {"cafe"},
    "Lodz": {"cafe"},
    "санкции": {"russian"},
    "САНКЦИИ кндр": {"russian"},
    '"Группа экспертов"': {"russian"},
    "доклад": {"russian"},
    "ёлка": {"russian"},
    "елка": {"russian"},
    "санкций": {"russian"},
    "экспертами": {"russian"},
    "йод": {"russian"},
    "제재": {"korean"},
    "보고서": {"korean"},
    "보고": {"korean"},
    "고서": {"korean"},
    "보서": set(),
    "북": {"korean"},
    "발표": {"korean"},
    '"대북 제재"': {"korean"},
    '"제재 대북"': set(),
    "制裁": {"chinese"},
    "制裁措施": {"chinese"},
    "措施制裁": set(),
    "裁": {"chinese"},
    "5月12日": {"chinese"},
    "人工知能 AI": {"chinese"},
    "ﾐｻｲﾙ": {"chinese"},
    "ミサイル": {"chinese"},
    "प्रतिबंध": {"hindi"},
    "प्रति": set(),
    "العقوبات": {"arabic"},
    "عُقوبات": {"arabic"},
    "คว่ำบาตร": {"thai"},
    '"유엔 전문가 패널은"': {"korean"},
    '"유엔 전문가"': {"korean"},
    '"유엔 전문 패널은"': set(),
    "the": {"panel", "arms", "stop", "edge"},
    '"to be or not to be"': {"stop"},
    "AND OR NOT NEAR": {"stop"},
    "panel AND experts": {"panel"},
    "panel OR sanctions": set(),
    "NOT": {"stop"},
    '"alpha omega"': set(),
    "alpha omega": {"edge"},
    "alpha_beta": {"edge"},
    "3.14": {"edge"},
    "host.example/path": {"edge"},
    "untitled": {"empty"},
    "inside": {"marks"},
    '"quote inside': {"marks"},
    "C++": {"marks"},
    "100%": {"marks"},
    "O'Brien's": {"marks"},
    "o’brien": {"marks"},
    "{braces} ^caret* (paren)": {"marks"},
    "title:alpha": set(),
    "pan*": set(),
    "“panel of experts”": {"panel"},
    "«Группа экспертов»": {"russian"},
    "panel panel": {"panel"},
}


def names(match: str) -> set[str]:
    return {one.source for one in catalog.find(ArticleFilter(match=match, duplicates=True)).articles}


def test_the_shared_questions(database: Database) -> None:
    for n, (name, (title, text)) in enumerate(TEXTS.items()):
        store(add_source(name), article(n, title=title, text=text))
    wrong = {}
    for match, expected in QUESTIONS.items():
        found = {name.lower() for name in names(match)}
        if found != expected:
            wrong[match] = found
    assert wrong == {}


def test_snippets_mark_what_matched(database: Database) -> None:
    long = "Filler words stand here. " * 60
    source = add_source()
    store(
        source,
        article(1, title="First", text=f"{long}Then the panel of experts met in Geneva. {long}"),
        article(2, title="Experts", text="Nothing of the kind; experts only."),
        article(3, title="Only the title speaks of rockets", text=long),
    )
    [one] = catalog.find(ArticleFilter(match='"panel of experts" geneva')).articles
    assert one.snippet is not None
    assert "\x02panel of experts\x03" in one.snippet
    assert "\x02Geneva\x03" in one.snippet
    assert one.snippet.startswith("…")
    assert one.snippet.endswith("…")
    assert len(one.snippet) < 240
    [titled] = catalog.find(ArticleFilter(match="rocket")).articles
    assert "\x02rockets\x03" in (titled.snippet or "")
    second = catalog.find(ArticleFilter(match="experts")).articles[1]
    assert (second.snippet or "").count("\x02") == (second.snippet or "").count("\x03") > 0


def test_hostile_texts_are_stored_and_found(database: Database) -> None:
    source = add_source()
    hostile = [
        "x" * 500_000,
        " ".join(f"w{n:x}" for n in range(150_000)),
        "\ufffd\u200b\u202e\x01\x02\x03 needle " + "\U0010ffff" * 100,
        "needle\n" * 50_000,
        "a" * 3_000 + " needle",
        "'|':1 \\' needle \\",
    ]
    ids = store(source, *(article(n, text=text) for n, text in enumerate(hostile)))
    assert len(ids) == len(hostile)
    assert {one.title for one in catalog.find(ArticleFilter(match="needle")).articles} == {
        f"Word {n}" for n in (2, 3, 4, 5)
    }
    changed = [article(n, article_id=ids[n], text="calm") for n in range(len(hostile))]
    articles.save(None, None, changed, now=NOW, source_id=source.id)
    assert catalog.find(ArticleFilter(match="needle")).articles == ()
    articles.delete(ids, NOW)
    check_index(database)


def test_phrases_are_found_as_far_as_postgresql_keeps_places(database: Database) -> None:
    source = add_source()
    filler = " ".join(f"w{n}" for n in range(LAST_PLACE - 20))
    store(
        source,
        article(1, text=f"{filler} panel of experts {filler} final words"),
        article(2, text=f"{filler} {filler} final panel words of experts"),
    )
    assert found_titles('"panel of experts"') == {"Word 1"}
    assert found_titles("final words") == {"Word 1", "Word 2"}
    assert found_titles('"experts panel"') == set()
    check_index(database)


def found_titles(match: str) -> set[str]:
    return {one.title for one in catalog.find(ArticleFilter(match=match)).articles}
