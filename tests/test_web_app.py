"""The page over real HTTP, on both databases: what a reader sees, and what a machine is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from models import labels, sources
from models.database import Database
from service.web.health import HealthReport
from tests import web_samples as samples
from tests.web_site import Site, serving


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    with serving(database) as running:
        yield running


@pytest.fixture
def ids(database: Database) -> dict[str, int]:
    with database.session():
        return samples.fill()


def page(site: Site, path: str, status: int = 200) -> LexborHTMLParser:
    answer = site.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return LexborHTMLParser(answer.text)


def texts(tree: LexborHTMLParser, selector: str) -> list[str]:
    return [" ".join(node.text().split()) for node in tree.css(selector)]


def spaced(tree: LexborHTMLParser, selector: str) -> list[str]:
    """Texts whose parts stand in blocks of their own."""
    return [" ".join(node.text(separator=" ").split()) for node in tree.css(selector)]


def first(tree: LexborHTMLParser, selector: str) -> LexborNode:
    found = tree.css_first(selector)
    assert found is not None, selector
    return found


def hrefs(tree: LexborHTMLParser, selector: str) -> list[str]:
    return [unescape(node.attributes["href"] or "") for node in tree.css(selector)]


# -- the list ------------------------------------------------------------------------------------------


def test_the_list_shows_the_newest_first_under_their_days(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, "/")
    assert texts(tree, ".day > h2") == ["Today 10 March 2026", "8 March 2026", "7 March 2026"]
    assert texts(tree, ".item h3")[:2] == [
        "Eastmark asks council to lift arms embargo, again",
        "Inspectors found ammunition in a shed near the old ferry",
    ]
    assert texts(tree, ".item:first-child .chip")[:3] == [
        "★main subject: sanctions 0.97",
        "diplomacy 0.81",
        "arms 0.64",
    ]
    assert "also from 1 other source" in texts(tree, ".meta")[0]
    assert texts(tree, ".made") == ["title made from the text"]
    assert "no date given, seen 10 March 2026, 12:37 UTC" in texts(tree, ".meta")[1]
    assert texts(tree, ".topics .choice") == ["arms 2", "diplomacy 2", "sanctions 1"]


def test_filters_narrow_the_list(site: Site, ids: dict[str, int]) -> None:
    def found(query: str) -> list[str]:
        return hrefs(page(site, f"/?{query}"), ".item h3 a")

    def paths(*names: str) -> list[str]:
        return [f"/articles/{ids[name]}" for name in names]

    assert found("topic=diplomacy") == paths("long", "day")
    assert found("topic=diplomacy&topic=arms") == paths("long", "made", "day")
    assert found("topic=arms&min_score=0.7") == paths("made")
    assert found("since=2026-03-08&until=2026-03-08") == paths("rtl", "plain", "day")
    assert found("since=24h") == paths("long", "made")
    assert found("source=Reports") == paths("made")
    assert found("source=*Courier") == paths("long")
    assert found("source=*Harbour*") == paths("long")
    assert found("q=ammunition+shed") == paths("made")
    assert found("q=%22foreign+minister%22&topic=sanctions") == paths("long")
    assert set(found("duplicates=1&topic=sanctions")) == set(paths("long", "copy"))


def test_a_search_shows_where_it_matched(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, "/?q=%22artillery+shells%22")
    assert texts(tree, ".snippet mark.hit")
    assert set(texts(tree, ".snippet mark.hit")) <= {"artillery shells", "artillery", "shells"}
    [search] = tree.css("#q")
    assert search.attributes["value"] == '"artillery shells"'


def test_the_search_box_takes_the_query_language(site: Site, ids: dict[str, int]) -> None:
    def shown(typed: str) -> list[str]:
        return hrefs(page(site, f"/?{urlencode({'q': typed})}"), ".item h3 a")

    everything = shown("topic:diplomacy OR -topic:diplomacy")
    with_topic, without = shown("topic:diplomacy"), shown("-topic:diplomacy")
    assert with_topic
    assert without
    assert set(everything) == set(with_topic) | set(without)
    assert shown("topic:diplomacy since:2026-03-01") == hrefs(
        page(site, "/?topic=diplomacy&since=2026-03-01"), ".item h3 a"
    )
    assert shown("topic:diplomacy -topic:diplomacy") == []


def test_filters_in_force_are_shown_and_can_be_taken_back_one_by_one(site: Site, ids: dict[str, int]) -> None:
    [source] = sources.find(["Gazette"])
    query = f"q=summit&topic=diplomacy&topic=arms&since=2026-03-01&until=2026-03-09&source={source.id}"
    tree = page(site, f"/?{query}&min_score=0.5&duplicates=1")
    shown = [text.partition(" \N{MULTIPLICATION SIGN}")[0] for text in texts(tree, ".active li")]
    assert shown == [
        "words summit",
        "topic diplomacy or arms",
        "from 2026-03-01",
        "to 2026-03-09",
        f"source {source.id}",
        "score at least 0.5",
        "with duplicates",
    ]
    written = f"summit (topic:diplomacy OR topic:arms) since:2026-03-01 until:2026-03-09 source:{source.id}"
    assert first(tree, "#q").attributes["value"] == f"{written} score>=0.5"
    assert {node.attributes["value"] for node in tree.css("input[name=topic][checked]")} == {
        "arms",
        "diplomacy",
    }
    assert first(tree, "#since").attributes["value"] == "2026-03-01"
    assert first(tree, "#until").attributes["value"] == "2026-03-09"
    assert first(tree, "#min_score").attributes["value"] == "0.5"
    assert first(tree, "#source").attributes["value"] == "Gazette"
    for link in hrefs(tree, ".active a"):
        assert len(texts(page(site, link), ".active li")) == len(shown) - 1


def test_pages_follow_each_other_by_cursor_without_gap_or_repetition(site: Site, database: Database) -> None:
    with database.session():
        samples.add_topics()
        source = samples.add_source("https://courier.example/feed.xml", "Courier")
        written = [
            samples.article(f"Article {n}", "A summit.", hours=n, scores={"diplomacy": 0.8})
            for n in range(1, 24)
        ]
        samples.store(source, *written)
    seen: list[str] = []
    link = "/?topic=diplomacy&limit=10"
    for _ in range(3):
        tree = page(site, link)
        seen += texts(tree, ".item h3")
        following = hrefs(tree, ".pages .next")
        if following:
            link = following[0]
            assert "q=topic%3Adiplomacy" in link
            assert "limit=10" in link
    assert seen == [f"Article {n}" for n in range(1, 24)]
    assert following == []
    assert hrefs(tree, ".pages a") == ["/?q=topic%3Adiplomacy&limit=10"]


def test_an_empty_library_says_how_to_begin(site: Site, database: Database) -> None:
    tree = page(site, "/")
    assert texts(tree, ".notice h2") == ["No articles yet"]
    assert "wirewatch sources add" in texts(tree, ".notice pre")[0]
    samples.add_source("https://courier.example/feed.xml")
    assert "1 source is being watched" in texts(page(site, "/"), ".notice")[0]
    assert texts(page(site, "/topics"), ".notice h2") == ["No topics yet"]
    with database.session():
        samples.add_topics()
    assert texts(page(site, "/topics"), ".card h2") == ["arms", "diplomacy", "sanctions"]


def test_nothing_found_says_what_to_leave_out(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, "/?q=zeppelin&topic=arms")
    assert texts(tree, ".notice h2") == ["Nothing found"]
    assert texts(tree, ".notice li") == ["without words zeppelin", "without topic arms", "all articles"]


def test_suggested_sources_are_those_that_there_are(site: Site, ids: dict[str, int]) -> None:
    def offered() -> list[str | None]:
        return [node.attributes["value"] for node in page(site, "/").css("#sources option")]

    assert "Gazette" in offered()
    samples.add_source("https://new.example/feed", "A New One")
    assert "A New One" in offered()


# -- an article ----------------------------------------------------------------------------------------


def test_an_article_shows_its_evidence_in_place(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, f"/articles/{ids['long']}")
    assert texts(tree, "h1") == ["Eastmark asks council to lift arms embargo, again"]
    assert [node.text() for node in tree.css("h1 > mark")] == ["arms", " ", "embargo"]
    assert texts(tree, ".text > p")[0].startswith("The foreign minister of Eastmark asked")
    marked = texts(tree, ".text p > mark")
    assert {"foreign minister", "summit", "ammunition", "artillery shells", "asset freeze"} <= set(marked)
    nested = tree.css(".text mark > mark")
    assert [node.text() for node in nested] == ["arms", "arms"]
    assert texts(tree, ".text mark.against") == ["board game"]
    # The text itself is untouched by its marks.
    assert "\n\n".join(node.text() for node in tree.css(".text > p")) == (
        samples.LONG + "\n\nThe vote was moved to July."
    )


def test_an_article_says_why(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, f"/articles/{ids['long']}")
    assert texts(tree, ".panel h3") == ["sanctions main subject", "diplomacy", "arms"]
    assert texts(tree, ".panel .figures") == [
        "0.97 threshold 0.60",
        "0.81 threshold 0.55",
        "0.64 threshold 0.60",
    ]
    labels_of_bars = [node.attributes["aria-label"] for node in tree.css("svg.meter")]
    assert labels_of_bars[0] == "Score 0.97, threshold 0.60"
    first = tree.css(".panel")[0]
    rows = [[" ".join(cell.text().split()) for cell in row.css("td")] for row in first.css("tbody tr")]
    assert rows == [
        ["arms embargo in the title 1 2 3", "arms embargo", "+4.20"],
        ["embargo in the title 1 2 3 4", "embargo*", "+2.80"],
        ["asset freeze 1", "asset freez*", "+1.20"],
    ]
    # Each number leads to a mark on this page.
    targets = {node.attributes["id"] for node in tree.css("mark[id]")}
    places = hrefs(tree, ".places a")
    assert places
    assert {place.removeprefix("#") for place in places} <= targets
    assert len(targets) == len(tree.css("mark[id]"))


def test_an_article_shows_what_is_known_of_it(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, f"/articles/{ids['long']}")
    facts = spaced(tree, "header .facts > div")
    assert facts == [
        "Published 10 March 2026, 14:00 UTC (as the feed says)",
        "First seen 10 March 2026, 14:07 UTC",
        "Source The Harbour Courier by R. Vane",
        "Original read it at courier.example",
        "Brought again also from 1 other source",
    ]
    [original] = tree.css("header a.out")
    assert original.attributes["href"] == "https://courier.example/2026/eastmark?a=1&b=2"
    assert set((original.attributes["rel"] or "").split()) >= {"noopener", "nofollow"}
    assert spaced(tree, ".cuts > div") == [
        "a teaser for another article Read: Ten harbours in pictures",
        "an appeal for donations Help support the Courier with a small donation.",
    ]
    assert texts(tree, ".revision h3") == ["Wording 1 until 10 March 2026, 15:24 UTC"]
    assert "moved to July" not in texts(tree, ".revision")[0]

    copy = page(site, f"/articles/{ids['copy']}")
    assert hrefs(copy, "header .facts a")[-1] == f"/articles/{ids['long']}"
    day = spaced(page(site, f"/articles/{ids['day']}"), "header .facts > div")
    assert day[0] == "Published 8 March 2026 (as the text says; the hour is not known)"
    made = page(site, f"/articles/{ids['made']}")
    assert spaced(made, "header .facts > div")[0] == "Published no date given"
    assert texts(made, ".made") == ["title made from the text"]
    assert "/srv/reports/shed-?.txt" in made.text()
    plain = page(site, f"/articles/{ids['plain']}")
    assert texts(plain, ".panel h3") == ["arms not given", "diplomacy not given", "sanctions not given"]


def test_a_verdict_wins_over_the_score_and_is_said(site: Site, ids: dict[str, int]) -> None:
    labels.set_verdict(ids["long"], "arms", -1, "ann", samples.NOW)
    labels.set_verdict(ids["long"], "diplomacy", 1, "ann", samples.NOW)
    tree = page(site, f"/articles/{ids['long']}")
    verdicts = texts(tree, ".verdict")
    assert any("confirmed by ann" in text for text in verdicts)
    assert any("refused by ann" in text for text in verdicts)
    assert texts(tree, ".panel h3 a")[-1] == "arms"
    chips = texts(page(site, "/"), ".item:first-child .chip")
    assert not any("arms" in chip for chip in chips[:2])


def test_outside_text_is_text(site: Site, ids: dict[str, int]) -> None:
    for path in ("/", "/?q=alert", f"/articles/{ids['hostile']}", "/?q=%3Cscript%3Ealert(1)%3C/script%3E"):
        answer = site.get(path)
        assert answer.status_code == 200
        assert answer.text.count("<script") == answer.text.count('<script type="module" src="/static/') == 1
        assert "<img" not in answer.text
        tree = LexborHTMLParser(answer.text)
        assert not [href for href in hrefs(tree, "a[href]") if "javascript" in href.lower()]
    tree = page(site, f"/articles/{ids['hostile']}")
    assert first(tree, "h1").text() == '<script>alert(1)</script> & "quotes" \u202e reversed'
    assert first(tree, "h1").attributes["dir"] == "auto"
    assert [node.text() for node in tree.css(".text > p")] == ["<img src=x onerror=alert(2)>", "{{ 7*7 }}"]


def test_each_language_says_its_own(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, f"/articles/{ids['rtl']}")
    assert first(tree, "h1").attributes["lang"] == "ar"
    assert first(tree, ".text p").attributes["dir"] == "auto"


# -- sources and topics --------------------------------------------------------------------------------


def test_sources_are_listed_with_those_that_need_a_person_first(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, "/sources")
    rows = [
        [" ".join(cell.text(separator=" ").split()) for cell in row.css("th, td")]
        for row in tree.css("tbody tr")
    ]
    assert rows[0] == [
        "Broken Wire feed · https://broken.example/feed",
        "failing Its server has a fault 3 times in a row, since 10 March 2026, 12:30 UTC "
        "What to do: its server has a fault of its own; it is tried again by itself.",
        "Of the last 3 polls, 3 failed",
        "1 h ago",
        "in 2 h",
        "none",
        "0",
    ]
    by_name = {row[0].split(" feed")[0].split(" folder")[0]: row[1:] for row in rows[:6]}
    assert by_name["Fresh Desk"][:4] == ["not polled yet", "none", "never", "due now"]
    assert by_name["Gazette"][0] == "works"
    assert by_name["https://old.example/feed"][0].startswith("paused the feed is gone for good")
    assert texts(tree, ".summary") == ["6 sources; 11 polls in the last 24 hours, 3 failed"]
    assert texts(tree, ".tabs li") == ["all 6", "failing 1", "paused 1", "not polled yet 1", "works 3"]
    assert len(tree.css("table.polls tbody tr")) == 11

    failing = page(site, "/sources?state=failing")
    assert texts(failing, "table:first-of-type tbody th a")[:1] == ["Broken Wire"]
    assert len(failing.css("th[scope=row]")) == 1


def test_one_source_shows_its_polls(site: Site, ids: dict[str, int]) -> None:
    [broken] = sources.find(["Broken Wire"])
    tree = page(site, f"/sources/{broken.id}")
    assert texts(tree, "h1") == ["Broken Wire failing"]
    outcomes = texts(tree, "table.polls .outcome")
    assert outcomes == ["Its server has a fault"] * 3
    sources.remove(broken.id, samples.NOW)
    assert texts(page(site, f"/sources/{broken.id}"), "h1 .state") == ["removed"]
    assert "Broken Wire" not in texts(page(site, "/sources"), "th[scope=row] a")
    assert texts(page(site, "/sources?state=removed"), "th[scope=row] a") == ["Broken Wire"]


def test_topics_show_their_meaning_threshold_and_counts(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, "/topics")
    assert texts(tree, ".card h2") == ["arms", "diplomacy", "sanctions"]
    assert texts(tree, ".card:first-child .numbers dd") == ["2", "2", "0.60", "all"]
    assert texts(tree, ".card:first-child > p") == [
        "Weapons, ammunition and their trade, transfer and testing."
    ]
    charts = [node.attributes["aria-label"] for node in tree.css("svg.spark")]
    assert charts[0] == "2 articles in the last 30 days, at most 2 a day"
    assert hrefs(tree, ".card h2 a") == [f"/?q=topic%3A{one}" for one in ("arms", "diplomacy", "sanctions")]
    assert len(tree.css(".card:first-child .spark rect")) == 30


# -- health --------------------------------------------------------------------------------------------


def test_health_is_json_with_reasons(database: Database) -> None:
    reports = [
        HealthReport(ready=True, details={"backlog": 3}),
        HealthReport(ready=False, reasons=("the scheduler's last tick is 9 min old",)),
    ]
    with serving(database, health=lambda: reports[0]) as site:
        live = site.get("/healthz")
        assert (live.status_code, live.json()["status"]) == (200, "live")
        assert live.json()["uptime_seconds"] == 3 * 3600
        good = site.get("/readyz")
        assert (good.status_code, good.json()) == (200, {"status": "ready", "reasons": [], "backlog": 3})
        del reports[0]
        bad = site.get("/readyz")
        assert bad.status_code == 503
        assert bad.json()["reasons"] == ["the scheduler's last tick is 9 min old"]
        reports.clear()  # the check itself breaks
        broken = site.get("/readyz")
        assert broken.status_code == 503
        assert "failed" in broken.json()["reasons"][0]


def test_static_files_are_kept_for_good_under_their_version(site: Site) -> None:
    html = site.get("/").text
    found = re.search(r'href="(/static/style\.css\?v=[0-9a-f]+)"', html)
    assert found
    answer = site.get(found[1])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")
    assert site.get("/static/style.css").headers["cache-control"] == "private, no-cache"
    assert site.get("/static/favicon.svg").headers["content-type"] == "image/svg+xml"
