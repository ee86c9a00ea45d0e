"""HTML as a reader sees it: paragraphs, lists, tables, nothing hidden, nothing executed, nothing endless."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.clean.html import html_lines, strip_markup
from service.clean.text import write_text


def text_of(markup: str) -> str:
    return write_text(html_lines(markup))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one\n  line   of\ttext</p>", "one line of text"),
        ("<div>one<div>two</div>three</div>", "one\n\ntwo\n\nthree"),
        ("<p>one<br>two<br/><br>three</p>", "one\ntwo\n\nthree"),
        ("<p>a<b>b</b><i>c</i> <em>d</em></p>", "abc d"),
        ("AT&amp;T &lt;b&gt; &#8364; &eacute; &nbsp; x", "AT&T <b> € é x"),
        ("<p>Caf&eacute;&rsquo;s &#x4e2d;</p>", "Café’s 中"),
        ("<ul><li>one</li><li>two</li></ul>", "• one\n• two"),
        ("<ol><li>one<li>two</ol>", "1. one\n2. two"),
        ("before<ul><li>one<ul><li>deep</ul><li>two</ul>after", "before\n\n• one\n• deep\n• two\n\nafter"),
        ("<ul><li><p>one</p><p>more</p></li></ul>", "• one\nmore"),
        ("<table><tr><th>Year<th>Tests</tr><tr><td>2022<td>70</tr></table>", "Year | Tests\n2022 | 70"),
        ("<table><tr><td>1<td><td>3</table>", "1 | | 3"),
        (
            "<table><tr><td><p>laid out</p></td><td><div>as cells</div></td></tr></table>",
            "laid out\n\nas cells",
        ),
        ("<table><tr><td><table><tr><td>in<td>ner</table></td></tr></table>", "in | ner"),
        ("<blockquote>said</blockquote>she", "said\n\nshe"),
        ("he said <q>no</q>", "he said “no”"),
        ("<h1>Head</h1>text<hr>more", "Head\n\ntext\n\nmore"),
        ("<pre>one\n  two</pre>", "one\ntwo"),
        ("<dl><dt>term<dd>meaning</dl>", "term\n\nmeaning"),
        ("a<wbr>b<!-- not this -->c", "abc"),
        ("<p>unclosed <b>bold<p>next", "unclosed bold\n\nnext"),
        ("<figure><img src=x alt=nothing><figcaption>A ship</figcaption></figure>", "A ship"),
        ("&lt;p&gt;escaped&lt;/p&gt;&lt;p&gt;twice&lt;/p&gt;", "escaped\n\ntwice"),
        ("Use &lt;b&gt; for bold", "Use <b> for bold"),
    ],
)
def test_markup_as_text(markup: str, text: str) -> None:
    assert text_of(markup) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>alert('no')</script>",
        "<SCRIPT SRC=x>no</SCRIPT>",
        "<style>p { no: 1 }</style>",
        "<template><p>no</p></template>",
        "<noscript>no</noscript>",
        "<iframe src=x>no</iframe>",
        "<object data=x>no</object>",
        "<svg><title>no</title><text>no</text></svg>",
        "<select><option>no</option></select><button>no</button><textarea>no</textarea>",
        "<nav><a href=/>no</a></nav>",
        "<p hidden>no</p>",
        "<p aria-hidden=true>no</p>",
        "<p style='color: red; display : none'>no <b>no</b></p>",
        "<span style='visibility:hidden'>no</span>",
        "<span style='font-size:0'>no</span>",
        "<span style='opacity:0;'>no</span>",
        "<!--[if mso]>no<![endif]-->",
        "<video>no</video><audio>no</audio>",
    ],
)
def test_what_a_reader_does_not_see_is_left_out(hidden: str) -> None:
    assert text_of(f"<div>seen{hidden}</div>") == "seen"


def test_what_looks_hidden_but_is_not_stays() -> None:
    assert text_of("<p style='opacity: 0.5; font-size: 0.9em'>seen</p>") == "seen"


def test_text_after_a_hidden_block_is_not_in_it() -> None:
    assert text_of("<div style='display:none'><p>no</p></div><p>yes</p>") == "yes"


def test_headings_and_links_are_known_as_such() -> None:
    lines = html_lines("<h2>Head</h2><p><a href=/>All of it</a></p><p>See <a href=/>this</a></p>")
    assert [(line.text, line.heading, line.link) for line in lines] == [
        ("Head", True, False),
        ("All of it", False, True),
        ("See this", False, False),
    ]


@pytest.mark.parametrize(
    ("title", "is_html", "plain"),
    [
        ("Kim &amp; Putin <b>meet</b>", True, "Kim & Putin meet"),
        ("a < b and c > d", False, "a < b and c > d"),
        ("AT&amp;amp;T", True, "AT&T"),
        ("Caf&#233; closes", False, "Café closes"),
        ("<p>One</p><p>Two</p>", True, "One Two"),
        ("R&D costs", False, "R&D costs"),
        ("<script>x</script>", True, ""),
    ],
)
def test_titles_lose_their_markup(title: str, is_html: bool, plain: str) -> None:
    assert strip_markup(title, is_html=is_html) == plain


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 200_000 + "deep",
        "<b>" * 100_000 + "deep",
        "<table><tr><td>" * 50_000 + "deep",
        "<ul><li>" * 50_000 + "deep",
        "<a href='" + "x" * 1_000_000 + "'>deep</a>",
        "deep" + "<" * 200_000,
        "deep" + "<!--" * 100_000,
        "deep" + "&" * 200_000,
        "deep" + "<p " + "a=1 " * 200_000 + ">",
        "deep" + "<x" * 200_000,
        "<span>deep</span>" * 20_000,
        "deep" + "<br>" * 200_000,
    ],
    ids=range(12),
)
def test_hostile_markup_ends_in_good_time(markup: str) -> None:
    started = time.process_time()
    assert "deep" in text_of(markup)
    assert time.process_time() - started < 5.0


def test_the_text_is_bounded() -> None:
    assert len(text_of("<p>" + "word " * 20 + "</p>" * 1 + ("<p>" + "word " * 20) * 50_000)) < 2_500_000


@settings(deadline=None)  # the machine may be busy; endless work has tests of its own
@given(st.text(alphabet=st.sampled_from("<>/&;#pbdivlt=\"' \nscripx1"), max_size=200))
def test_any_markup_gives_finished_lines(markup: str) -> None:
    for line in html_lines(markup):
        assert line.text == line.text.strip()
        assert line.text
        assert "\n" not in line.text


@settings(deadline=None)  # the machine may be busy; endless work has tests of its own
@given(st.lists(st.text(alphabet="abcé 東", min_size=1, max_size=20), max_size=6))
def test_paragraphs_are_kept_in_order(texts: list[str]) -> None:
    wanted = [" ".join(text.split()) for text in texts]
    assert text_of("".join(f"<p>{text}</p>" for text in texts)) == "\n\n".join(
        text for text in wanted if text
    )
