"""A visitor with a real Chromium: with and without scripts, on a phone, in the dark, by keyboard, on paper.

The browser is this module's own and is closed with it: pytest-playwright keeps its event loop running in the
main thread until the session ends, which breaks every later ``asyncio.run``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from models.database import Database
from tests import web_samples as samples
from tests.web_site import CHROMIUM_OPTIONS, Site, chromium_path, serving

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
PATHS = (
    "/",
    "/?q=summit&topic=diplomacy&since=2026-03-01",
    "/?q=zeppelin",
    "/?since=nonsense",
    "/articles/1",
    "/articles/7",
    "/sources",
    "/sources/4",
    "/topics",
    "/nothing",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with samples.library(tmp_path_factory.mktemp("library") / "wirewatch.db") as database:
        yield database


@pytest.fixture(scope="module")
def site(library: Database) -> Iterator[Site]:
    with serving(library) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_OPTIONS))
        yield browser
        browser.close()


class Visitor:
    """A visitor of one kind; remembers what went wrong and what was asked of anybody else."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.context = context
        self.site = site
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._request(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium reports every 4xx page as an error of its own; those are asked for on purpose.
        if (
            message.type in {"error", "warning"}
            and "the server responded with a status of 4" not in message.text
        ):
            self.complaints.append(message.text)

    def _request(self, url: str) -> None:
        if not url.startswith((self.site.url + "/", "data:")):
            self.elsewhere.append(url)

    def forgive(self, part: str) -> None:
        """Forget complaints that are meant to be."""
        self.complaints[:] = [text for text in self.complaints if part not in text]

    def open(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        return self.page


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Any]:
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        context = chromium.new_context(**(DESKTOP | options))
        contexts.append(context)
        visitors.append(Visitor(context, site))
        return visitors[-1]

    yield make
    for visitor in visitors:
        assert visitor.complaints == []
        assert visitor.elsewhere == []
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_searching_filtering_and_reading(visit: Any, scripts: bool) -> None:
    page: Page = visit(java_script_enabled=scripts).open("/")
    page.get_by_label("Search title and text").fill('"artillery shells"')
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("heading", level=3)).to_have_text(
        ["Eastmark asks council to lift arms embargo, again"]
    )
    expect(page.locator(".snippet mark").first).to_be_visible()

    page.get_by_label("arms").check()
    page.get_by_label("From").fill("2026-03-09")
    page.get_by_label("Score at least").fill("0.7")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    expect(page.get_by_label("arms")).to_be_checked()
    page.get_by_role("link", name="without score at least 0.7").click()
    page.get_by_role("heading", level=3).get_by_role("link").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Eastmark")
    expect(page.locator(".panel").first).to_contain_text("sanctions")
    page.get_by_role("link", name="place 2 of “arms embargo”").click()
    assert page.url.endswith("#t1")
    target = page.locator("mark:target")
    expect(target).to_be_in_viewport()
    page.get_by_text("Left out of the text").click()
    expect(page.get_by_text("Ten harbours in pictures")).to_be_visible()


def test_a_topic_s_marks_can_be_put_away_without_scripts(visit: Any) -> None:
    page: Page = visit(java_script_enabled=False).open("/articles/1")
    mark = page.locator(".text mark.topic-1").first

    def background() -> str:
        return str(mark.evaluate("node => getComputedStyle(node).backgroundColor"))

    before = background()
    assert before != "rgba(0, 0, 0, 0)"
    page.get_by_role("checkbox", name="diplomacy").uncheck()
    assert background() == "rgba(0, 0, 0, 0)"
    page.get_by_role("checkbox", name="diplomacy").check()
    assert background() == before


def test_the_keyboard_alone_is_enough(visit: Any) -> None:
    page: Page = visit().open("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    for _ in range(20):  # past the links and buttons of the head
        if page.get_by_label("Search title and text").evaluate("node => node === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(page.get_by_label("Search title and text")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.type("ferry")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Matching articles")
    expect(page.get_by_role("heading", level=3)).to_have_count(2)


@pytest.mark.parametrize(
    ("scheme", "paths"),
    [("light", PATHS), ("dark", ("/?q=summit", "/articles/1", "/sources"))],
    ids=["light", "dark"],
)
def test_axe_finds_nothing_to_object_to(visit: Any, scheme: str, paths: tuple[str, ...]) -> None:
    visitor = visit(color_scheme=scheme)
    for path in paths:
        found = Axe().run(visitor.open(path))
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert len(found.response["passes"]) > 10, path
    visitor.forgive("does not conform")  # the form shows a date again that is none


def test_axe_would_object(visit: Any) -> None:
    page: Page = visit().open("/")
    page.evaluate("document.querySelector('label[for=q]').remove(); document.documentElement.lang = ''")
    names = {violation["id"] for violation in Axe().run(page).response["violations"]}
    assert "html-has-lang" in names


def test_a_phone_needs_no_sideways_scrolling(visit: Any) -> None:
    visitor = visit(**PHONE)
    for path in PATHS:
        page: Page = visitor.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        small = page.evaluate(
            "[...document.querySelectorAll('button, input:not([type=checkbox]), summary, .top nav a')]"
            ".filter(n => n.offsetParent && n.getBoundingClientRect().height < 24).map(n => n.outerHTML)"
        )
        assert small == [], path  # WCAG 2.2, 2.5.8: targets of at least 24 pixels
    visitor.forgive("does not conform")


def test_filters_are_folded_on_a_phone_and_open_on_a_desk(visit: Any) -> None:
    phone: Page = visit(**PHONE).open("/")
    expect(phone.get_by_label("From")).to_be_hidden()
    phone.get_by_text("Filters").click()
    expect(phone.get_by_label("From")).to_be_visible()
    desk: Page = visit().open("/")
    expect(desk.get_by_label("From")).to_be_visible()
    expect(desk.get_by_text("Filters", exact=True)).to_be_hidden()


def test_hostile_text_runs_nothing(visit: Any) -> None:
    page: Page = visit().open("/articles/7")
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("main img, main script")).to_have_count(0)
    # The reversed run stays inside its own element: what follows reads from left to right.
    expect(page.locator("h1")).to_have_attribute("dir", "auto")


def test_the_policy_stops_a_script_that_got_in(visit: Any) -> None:
    visitor = visit()
    page: Page = visitor.open("/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    page.evaluate(
        "const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s)"
    )
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p id=p style=\"color: red\">x</p>')")
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
    assert visitor.complaints
    assert all("Content Security Policy" in text or "404" in text for text in visitor.complaints)
    visitor.complaints.clear()


def test_paper_shows_the_article_and_nothing_to_press(visit: Any) -> None:
    page: Page = visit(color_scheme="dark").open("/articles/1")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.locator(".text")).to_be_visible()
    expect(page.get_by_text("Ten harbours in pictures")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = page.locator("header .out").evaluate("node => getComputedStyle(node, '::after').content")
    assert printed == '" (https://courier.example/2026/eastmark?a=1&b=2)"'
