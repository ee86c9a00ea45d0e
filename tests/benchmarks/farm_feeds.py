"""A farm of feeds as news has them, the same for the same seed: what `tests.benchmarks.farm` polls.

Seven of ten are RSS 2.0, a quarter Atom, the rest RDF; 20 to 40 entries each, some 1,500 characters of HTML
an entry. A few have what real ones have: no guid, no date, a date nobody can read, Latin-1, a wire story that
stands in several feeds, scripts and pixels in the text. Everything follows from (seed, feed, entry), so
nothing need be kept but the generation: with each one, a twentieth of the feeds gain one to three entries.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
CHANGING = 0.05  # of the feeds, in each generation


def _words(text: str, separator: str | None = None) -> list[str]:
    return text.split(separator)


_NAMES = _words(
    "Maria Ahmed Wei Anna Fatima Elena Michael Sofia Yuki Daniel Olga Thomas Priya Carlos Emma Hassan Laura "
    "Ivan Grace Pedro Nina Samuel Aisha Peter Chloe Omar Julia Kenji Helen Marco Ingrid Paul Leila Simon"
)
_PLACES = _words(
    "London Paris Berlin Madrid Rome Vienna Warsaw Prague Athens Lisbon Dublin Oslo Helsinki Geneva Kyiv "
    "Istanbul Cairo Lagos Nairobi Accra Tunis Dubai Riyadh Doha Baghdad Delhi Karachi Dhaka Hanoi Manila "
    "Singapore Taipei Seoul Tokyo Sydney Toronto Chicago Boston Houston Bogota Lima Santiago Havana"
)
_NOUNS = _words(
    "report government company group plan decision market official analyst study project policy agency "
    "ministry committee council community region industry firm investor worker union resident family school "
    "university hospital patient expert researcher engineer leader candidate campaign vote law court judge "
    "lawyer charge review inquiry statement interview meeting conference summit agreement contract fund loan "
    "tax budget price rate growth decline rise risk threat crisis incident fire storm response operation "
    "system network service product device method model version launch result evidence figure survey target "
    "strategy problem question debate protest strike supply export import border island coast river forest "
    "bridge road railway vehicle driver flight ship crew captain player coach league season record audience "
    "artist writer film book song festival prize century change reform step period benefit standard"
)
_VERBS = _words(
    "announced confirmed denied rejected approved supported opposed welcomed proposed considered discussed "
    "reviewed examined revealed published released launched introduced developed built expanded reduced "
    "cut raised extended delayed cancelled suspended resumed completed began finished stopped "
    "prevented protected damaged replaced restored improved tested measured recorded estimated expected "
    "urged demanded offered"
)
_ADJECTIVES = _words(
    "new major recent early former national regional foreign private federal political economic financial "
    "social legal criminal civil medical technical digital natural rural urban senior key critical large "
    "small rapid sharp strong weak high low deep wide long brief annual monthly record historic modern"
)
_SUBJECTS = _words(
    "export controls|an asset freeze|the arms embargo|peace talks|the foreign minister|a state visit|"
    "oil prices|the central bank|interest rates|artillery shells|a ballistic missile test|a data breach|"
    "climate change|the world cup|a film festival|the supreme court|ceasefire negotiations|new sanctions|"
    "a trade agreement|the power grid|a clinical trial|a space station|money laundering|the housing market|"
    "the ambassador|air defence systems|dual-use goods|the electric bus line|a rocket launch|"
    "the title race|public health",
    "|",
)
_PATTERNS = (
    "The {n} of the {a} {n} in {p} {v} a {a} {n} on {s} this week.",
    "{who}, a {a} {n}, {v} that the {n} would change the {n} across the {a} {n}.",
    "“We {v} the {a} {n}, and {s} is only one part of it,” {who} said in an interview.",
    "Officials in {p} {v} {x} people after the {a} {n} near the {n}.",
    "The {n}, worth ${x} million, {v} {n}s and {n}s linked to {s}.",
    "Critics said the {a} {n} could affect {s} and leave {n}s without a {a} {n}.",
    "In {y}, a similar {n} {v} the {n}, and {x} of the {n}s are still in {p}.",
    "But it was too early to say whether {s} would change the {n}, {who} told reporters.",
    "A {n} by the {n} of {p} found that {x} in a thousand {n}s {v} their {n} during the {n}.",
    "The {n} did not answer the {n}, which was {v} by {x} {n}s, the {a} {n} said.",
)


@dataclass(frozen=True, slots=True)
class Feed:
    """What is peculiar to one feed of a farm of ``count``."""

    seed: int
    number: int
    count: int
    kind: str  # "rss", "atom" or "rdf"
    entries: int
    whole: bool  # the whole text beside a summary
    cdata: bool
    encoding: str
    dirty: bool
    gap: timedelta  # between two entries
    guids: bool
    dates: str  # "good", "odd" or "none"

    @property
    def home(self) -> str:
        """Where it says that it belongs."""
        return f"https://site{self.number}.example.org/"


def feed(seed: int, number: int, count: int) -> Feed:
    """The n-th feed of a farm."""
    random = Random(f"{seed} feed {number}")
    share = random.random()
    return Feed(
        seed,
        number,
        count,
        kind="rss" if share < 0.7 else "atom" if share < 0.95 else "rdf",
        entries=random.randint(20, 40),
        whole=random.random() < 0.45,
        cdata=random.random() < 0.7,
        encoding="iso-8859-1" if random.random() < 0.04 else "utf-8",
        dirty=random.random() < 0.3,
        gap=timedelta(hours=1 + 48 * random.random() ** 2),
        guids=random.random() > 0.03,
        dates=random.choices(("good", "none", "odd"), (95, 3, 2))[0],
    )


def gained(seed: int, number: int, generation: int) -> int:
    """How many entries a feed gains with one generation."""
    random = Random(f"{seed} gain {generation} {number}")
    return random.randint(1, 3) if random.random() < CHANGING else 0


def render(one: Feed, generation: int, touched: int = 0) -> tuple[bytes, datetime]:
    """A feed's document at a generation, and when it changed last.

    :param touched: only the feed's own date differs, by so many seconds
    """
    gains = [gained(one.seed, one.number, number) for number in range(1, generation + 1)]
    extra = sum(gains)
    times = [START - (one.entries - n) * one.gap for n in range(one.entries)]
    for number, gain in enumerate(gains, 1):
        times += [START + timedelta(hours=number, minutes=n) for n in range(gain)]
    shown = [_Entry(one, n, times[n]) for n in reversed(range(extra, one.entries + extra))]
    last = max((number for number, gain in enumerate(gains, 1) if gain), default=0)
    built = START + timedelta(hours=last + 1, seconds=touched)
    make = {"rss": _rss, "atom": _atom, "rdf": _rdf}[one.kind]
    text = f'<?xml version="1.0" encoding="{one.encoding}"?>\n' + "\n".join(make(one, shown, built))
    return text.encode(one.encoding, "xmlcharrefreplace"), built


class _Entry:
    """One entry, its words from the feed and its number, or from a wire that several feeds take."""

    def __init__(self, one: Feed, number: int, moment: datetime) -> None:
        random = Random(f"{one.seed} {one.number} {number}")
        wire = random.random() < 0.06
        story = f"wire {random.randrange(max(50, one.count))}" if wire else f"{one.number} {number} text"
        words = Random(f"{one.seed} {story}")
        self.moment = moment
        self.title = _sentence(words)[:90].rstrip(" .,")
        self.paragraphs = list(_paragraphs(words))
        if one.encoding != "utf-8":
            self.paragraphs[0] += " Le café São Tomé, façade naïve, Zürich."
        self.author = random.choice(_NAMES) if random.random() < 0.7 else None
        slug = "".join(c if c.isalnum() else "-" for c in self.title.lower())[:50].strip("-")
        tracked = "?utm_source=rss&utm_medium=feed" if random.random() < 0.2 else ""
        self.link = f"{one.home}{moment:%Y/%m}/{slug}-{number}{tracked}"
        self.guid = f"{one.home}?p={100_000 + number}"
        self.html = "\n".join(_markup(random, self.paragraphs, dirty=one.dirty and random.random() < 0.5))
        self.summary = self.paragraphs[0][:280]


def _pick(random: Random, of: Sequence[str]) -> str:
    return of[int(random.random() * len(of))]


def _paragraphs(random: Random) -> Iterator[str]:
    left = min(3000.0, max(300.0, random.lognormvariate(7.1, 0.55)))
    while left > 0:
        paragraph = " ".join(_sentence(random) for _ in range(random.randint(1, 4)))
        left -= len(paragraph)
        yield paragraph


def _sentence(random: Random) -> str:
    pattern = _pick(random, _PATTERNS)
    parts = pattern.split("{")
    made = [parts[0]]
    for part in parts[1:]:
        slot, _, rest = part.partition("}")
        match slot:
            case "n":
                made.append(_pick(random, _NOUNS))
            case "a":
                made.append(_pick(random, _ADJECTIVES))
            case "v":
                made.append(_pick(random, _VERBS))
            case "p":
                made.append(_pick(random, _PLACES))
            case "s":
                made.append(_pick(random, _SUBJECTS))
            case "x":
                made.append(str(2 + int(random.random() * 900)))
            case "y":
                made.append(str(random.randint(1990, 2025)))
            case _:
                made.append(f"{_pick(random, _NAMES)} {_pick(random, _PLACES)}ov")
        made.append(rest)
    return "".join(made)


def _markup(random: Random, paragraphs: list[str], *, dirty: bool) -> Iterator[str]:
    for number, paragraph in enumerate(paragraphs):
        text = html.escape(paragraph, quote=False)
        if random.random() < 0.25:
            word = random.choice(text.split())
            link = f"https://example.net/story/{random.randrange(10**6)}?ref=feed&amp;id={number}"
            text = text.replace(word, f'<a href="{link}" rel="nofollow">{word}</a>', 1)
        elif random.random() < 0.2:
            text = f"<strong>{text[:20]}</strong>{text[20:]}" if "&" not in text[:24] else text
        if number == 1 and random.random() < 0.4:
            yield (
                f'<figure><img src="https://cdn.example.net/{random.randrange(10**6)}.jpg" alt="Photo" '
                'width="640" height="360"/><figcaption>Photo: agency</figcaption></figure>'
            )
        yield f"<blockquote><p>{text}</p></blockquote>" if random.random() < 0.05 else f"<p>{text}</p>"
    if dirty:
        yield random.choice(
            (
                '<script type="text/javascript">var t=1;track("feed");</script>',
                '<iframe src="https://video.example.net/1" width="560" height="315"></iframe>',
                '<p onclick="go()" style="color:red">Read more at our site</p>',
                '<img src="https://pixel.example.net/t.gif" width="1" height="1"/>',
            )
        )


def _text(one: Feed, text: str) -> str:
    return f"<![CDATA[{text}]]>" if one.cdata else html.escape(text, quote=False)


def _date(one: Feed, moment: datetime) -> str:
    return f"{moment:%d.%m.%Y um %H Uhr}" if one.dates == "odd" else format_datetime(moment)


def _rss(one: Feed, entries: list[_Entry], built: datetime) -> Iterator[str]:
    yield (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
        f"<title>Site {one.number} News</title><link>{one.home}</link><description>The latest</description>"
        f'<language>en-us</language><atom:link href="{one.home}feed/" rel="self" type="application/rss+xml"/>'
        f"<lastBuildDate>{format_datetime(built)}</lastBuildDate>"
    )
    for entry in entries:
        yield f"<item>\n<title>{_text(one, entry.title)}</title>\n<link>{html.escape(entry.link)}</link>"
        if entry.author:
            yield f"<dc:creator>{_text(one, entry.author)}</dc:creator>"
        if one.dates != "none":
            yield f"<pubDate>{_date(one, entry.moment)}</pubDate>"
        if one.guids:
            yield f'<guid isPermaLink="false">{html.escape(entry.guid)}</guid>'
        yield "<category>News</category>"
        if one.whole:
            yield f"<description>{_text(one, html.escape(entry.summary))}</description>"
            yield f"<content:encoded>{_text(one, entry.html)}</content:encoded>"
        else:
            yield f"<description>{_text(one, entry.html)}</description>"
        yield "</item>"
    yield "</channel></rss>"


def _atom(one: Feed, entries: list[_Entry], built: datetime) -> Iterator[str]:
    yield (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Site {one.number}</title>'
        f'<id>{one.home}feed</id><link rel="alternate" href="{one.home}"/>'
        f"<updated>{built:%Y-%m-%dT%H:%M:%SZ}</updated>"
    )
    for entry in entries:
        stamp = f"{entry.moment:%Y-%m-%dT%H:%M:%SZ}"
        yield f'<entry>\n<title type="html">{_text(one, html.escape(entry.title))}</title>'
        yield f'<link rel="alternate" type="text/html" href="{html.escape(entry.link)}"/>'
        yield f"<id>{entry.guid}</id><published>{stamp}</published><updated>{stamp}</updated>"
        if entry.author:
            yield f"<author><name>{entry.author}</name></author>"
        if one.whole:
            yield f'<summary type="html">{_text(one, html.escape(entry.summary))}</summary>'
        yield f'<content type="html">{_text(one, entry.html)}</content>\n</entry>'
    yield "</feed>"


def _rdf(one: Feed, entries: list[_Entry], built: datetime) -> Iterator[str]:
    yield (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f'<channel rdf:about="{one.home}"><title>Site {one.number}</title><link>{one.home}</link>'
        f"<description>RDF</description><dc:date>{built:%Y-%m-%dT%H:%M:%SZ}</dc:date><items><rdf:Seq>"
    )
    yield from (f'<rdf:li rdf:resource="{html.escape(entry.link)}"/>' for entry in entries)
    yield "</rdf:Seq></items></channel>"
    for entry in entries:
        link = html.escape(entry.link)
        yield f'<item rdf:about="{link}">\n<title>{html.escape(entry.title)}</title><link>{link}</link>'
        yield f"<dc:date>{entry.moment:%Y-%m-%dT%H:%M:%SZ}</dc:date>"
        yield f"<description>{_text(one, entry.html)}</description></item>"
    yield "</rdf:RDF>"
