"""The pages with their script in a real Chromium: search, brush, verdicts, keys, sign-in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from models import labels, migrate
from models.database import Database, open_database
from service import passwords
from tests import web_samples as samples
from tests.test_web_browser import Visitor, chromium, site, visit
from tests.test_web_why import judge
from tests.web_site import Site, serving

__all__ = ["Visitor", "chromium", "site", "visit"]
expect.set_options(timeout=30_000)  # milliseconds; only a busy machine takes so long


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = open_database(tmp_path_factory.mktemp("library") / "wirewatch.db")
    migrate.migrate(database)
    samples.fill()
    source = samples.add_source("https://near.example/feed", "Near")
    samples.store(
        source, *[samples.article(f"Near {n}", "x", hours=90, missed=(("arms", n / 10),)) for n in (3, 5)]
    )
    yield database
    database.close()


def typed(page: Page) -> str:
    return page.get_by_label("Search title and text").input_value()


def test_the_list_follows_what_one_types(visit: Any) -> None:
    page: Page = visit().open("/")
    box = page.get_by_label("Search title and text")
    box.press_sequentially("topic:arms")
    expect(page.locator(".summary")).to_have_text("2 articles, newest first")
    expect(page).to_have_url(re.compile(r"\?q=topic%3Aarms$"))
    expect(page.get_by_role("checkbox", name="arms")).to_be_checked()
    box.fill("topic:arms topic:")
    expect(page.locator("#hint")).to_contain_text('column 18: "topic:" has no value')
    expect(page.locator(".item")).to_have_count(2)  # the list stays while a query is not finished
    box.fill("topic:arms topic:diplomacy")
    expect(page.locator(".item")).to_have_count(1)
    expect(page.locator("#hint")).to_be_empty()
    expect(box).to_be_focused()


def test_filters_write_the_query_and_are_read_back_from_it(visit: Any) -> None:
    page: Page = visit().open("/?q=summit")
    page.get_by_role("checkbox", name="diplomacy").check()
    expect(page.locator(".active li")).to_have_count(2)
    assert typed(page) == "summit topic:diplomacy"
    page.get_by_label("When").select_option("7d")
    expect(page.locator(".active li")).to_have_count(3)
    assert typed(page) == "summit topic:diplomacy since:7d"
    page.get_by_label("From", exact=True).fill("2026-03-09")
    expect(page.locator(".summary")).to_contain_text("1 article")
    assert typed(page) == "summit topic:diplomacy since:2026-03-09"
    expect(page.get_by_label("When")).to_have_value("")
    page.go_back()
    expect(page.get_by_label("When")).to_have_value("7d")
    page.get_by_role("link", name="topic diplomacy , remove this filter").click()
    expect(page.get_by_role("checkbox", name="diplomacy")).not_to_be_checked()


def test_without_scripts_the_filters_do_the_same(visit: Any) -> None:
    page: Page = visit(java_script_enabled=False).open("/?q=summit")
    page.get_by_role("checkbox", name="diplomacy").check()
    page.get_by_label("When").select_option("7d")
    page.get_by_role("button", name="Apply").click()
    assert typed(page) == "summit topic:diplomacy since:7d"
    page.get_by_role("checkbox", name="diplomacy").uncheck()
    page.get_by_role("button", name="Apply").click()
    assert typed(page) == "summit since:7d"
    page.locator(".bin").last.click()
    assert typed(page) == "summit since:2026-03-10 until:2026-03-10"


def test_time_is_chosen_by_dragging_and_by_keys(visit: Any) -> None:
    page: Page = visit().open("/")
    box = page.locator("#plot svg").bounding_box()
    assert box
    bins = page.locator(".bin").count()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * (bins - 2.5) / bins, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (bins - 0.5) / bins, middle, steps=4)
    expect(page.locator(".brush")).to_be_visible()
    page.mouse.up()
    expect(page.locator(".active li")).to_have_count(2)
    assert typed(page) == "since:2026-03-08 until:2026-03-10"
    expect(page.locator(".bin")).to_have_count(3)

    page.locator(".bin").last.focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator(".bin")).to_have_count(2)
    assert typed(page) == "since:2026-03-09 until:2026-03-10"
    page.go_back()
    expect(page.locator(".bin")).to_have_count(3)


def test_keys_lead_through_the_list_and_the_pages(visit: Any) -> None:
    page: Page = visit().open("/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = page.locator(".item .go").first
    expect(first).to_be_focused()
    title = first.text_content() or ""
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sources")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Search title and text")).to_be_focused()
    page.keyboard.type("j?")  # in the box they are letters
    assert typed(page) == "j?"


def test_verdicts_are_given_and_undone_by_keys_and_clicks(visit: Any, library: Database) -> None:
    page: Page = visit().open("/articles/1")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".panel").nth(1)).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator("#done")).to_contain_text("said no to diplomacy")
    assert [(one.topic, one.value) for one in labels.verdicts(article_id=1)] == [("diplomacy", -1)]
    panel = page.locator(".panel[data-topic=diplomacy]")
    expect(panel).to_be_focused()
    expect(panel.get_by_role("button", name="no")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("u")
    expect(page.locator("#done")).to_contain_text("took the no back")
    assert labels.verdicts(article_id=1) == []
    page.locator(".panel[data-topic=arms]").get_by_role("button", name="yes").click()
    expect(page.locator("#done")).to_contain_text("said yes to arms")
    page.get_by_role("button", name="withdraw").click()
    expect(page.locator("#done")).to_contain_text("took the yes back")
    assert labels.verdicts(article_id=1) == []


def test_a_threshold_is_moved_with_a_slider(visit: Any) -> None:
    page: Page = visit().open("/topics")
    page.get_by_label("Threshold to try for arms").fill("0.4")
    expect(page.locator(".card output").first).to_have_text("0.40: 1 more, 0 fewer")


def test_light_and_dark_are_chosen_and_kept(visit: Any) -> None:
    page: Page = visit(color_scheme="light").open("/")
    page.get_by_role("button", name="Change between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(page.url + "topics")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_one_signs_in_and_out(library: Database, chromium: Any, scripts: bool) -> None:
    with serving(library, password=passwords.keep("correct horse"), judge=judge) as closed:
        context = chromium.new_context(java_script_enabled=scripts)
        visitor = Visitor(context, Site(closed.url, closed.client, closed.clock))
        page = visitor.open("/?q=ammunition")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        if scripts:
            assert Axe().run(page).violations_count == 0
        page.get_by_label("Password").fill("wrong horse")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        page.get_by_label("Password").fill("correct horse")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=3)).to_have_count(2)
        assert page.url.endswith("/?q=ammunition")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        context.close()
