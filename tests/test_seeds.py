"""The five seed articles as the articles they are, whatever their oddities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from service.clean import clean
from service.parse.document import parse_document
from service.values import Article, CutKind, DateOrigin, Precision

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Expected:
    title: str
    made: bool
    date: datetime | None
    paragraphs: int
    begins: str
    ends: str
    cuts: tuple[tuple[CutKind, str], ...]


EXPECTED = {
    "000_2dcaed26a21db46b.txt": Expected(
        title="Putin, Kim Jong Un Bolster Ties Amid Global Tensions, Eyeing Mutual Gains",
        made=False,
        date=None,
        paragraphs=10,
        begins="Amid the events unfolding on the world stage, a powerful duo",
        ends="they work for the current times and likely the years to come.",
        cuts=((CutKind.FURNITURE, "13"),),
    ),
    "001_710aa1f1a29ed99d.txt": Expected(
        title="Vladimir Putin and Kim Jong Un have a lot in common",
        made=True,
        date=datetime(2024, 6, 18, tzinfo=UTC),
        paragraphs=7,
        begins="Vladimir Putin and Kim Jong Un have a lot in common. Neither travels much.",
        ends="but it could work for now and possibly for years to come.",
        cuts=(
            (CutKind.DATELINE, "Published: 18th June 2024"),
            (
                CutKind.TEASER,
                "Also Read:\n"
                "India brings back bodies of 45 workers from Kuwait\n"
                "Tesla investors back $56bn Musk pay deal\n"
                "India Investigates Attack on Bus Carrying Hindu Pilgrims in Kashmir",
            ),
        ),
    ),
    "002_bc4fa4208d1d0e6d.txt": Expected(
        title="Growing Military Cooperation between Putin and Kim Jong Un Raises Concerns",
        made=False,
        date=None,
        paragraphs=6,
        begins="In recent years, a growing alliance between Russian President",
        ends="their potential implications on regional and global security.",
        cuts=(),
    ),
    "003_0c3adb89dbbefde9.txt": Expected(
        title="Russian President Vladimir Putin recently embarked on a historic visit to North Korea,"
        " marking his…",
        made=True,
        date=None,
        paragraphs=18,
        begins="Russian President Vladimir Putin recently embarked on a historic visit to North Korea,",
        ends="nuclear-powered submarine technology, which could bolster its own defense capabilities.",
        cuts=(
            (
                CutKind.TEASER,
                "Read: U.S. Journalist Evan Gershkovich To Face Espionage Trial In Russia, Sparking"
                " International Outcry",
            ),
            (
                CutKind.TEASER,
                "Read: Unraveling The Enigma Of Russia’s Nuclear Saber-Rattling In The Ukraine Conflict",
            ),
            (
                CutKind.TEASER,
                "Read: Russian Naval Flotilla Sails Within 30 Miles Of Florida Coast, Prompts U.S. Response",
            ),
            (
                CutKind.TEASER,
                "Read: Zelenskyy Says NATO Needs To ‘Shoot Down’ Russian Missiles In Ukraine’s Airspace",
            ),
            (
                CutKind.DONATION,
                "Help support the Tampa Free Press by making any small donation by clicking here.",
            ),
            (
                CutKind.SUBSCRIPTION,
                "Android Users, Click To Download The Tampa Free Press App And Never Miss A Story."
                " Follow Us On Facebook and Twitter. Sign up for our free newsletter.",
            ),
        ),
    ),
    "004_eb6d2180a00fb0b2.txt": Expected(
        title="Putin's North Korea Visit: Bonding Over Shared Love of Sanctions and Solitude",
        made=False,
        date=datetime(2024, 6, 17, tzinfo=UTC),
        paragraphs=7,
        begins="In a world where isolationist policies and economic sanctions have become",
        ends="and in this case, it comes with a side of nuclear capability.",
        cuts=(
            (
                CutKind.REPEATED_TITLE,
                "Putin's North Korea Visit: Bonding Over Shared Love of Sanctions and Solitude",
            ),
            (CutKind.READING_TIME, "2 minute read"),
            (CutKind.DATELINE, "Published: 6/17/2024"),
            (
                CutKind.REFERENCES,
                "References\n"
                "• NBC News. (2024, June 17). Putin to visit North Korea on Tuesday.\n"
                "• CNN. (2024, June 17). Russia’s Putin to visit North Korea in rare trip as anti-West"
                " alignment deepens.",
            ),
        ),
    ),
}


def read(name: str) -> bytes:
    return (files("seeds") / name).read_bytes()


def article_of(name: str) -> Article:
    (entry,) = parse_document(read(name), name)
    return clean(entry, fetched_at=NOW, path=name)


def test_all_five_are_expected() -> None:
    names = {resource.name for resource in files("seeds").iterdir() if resource.name.endswith(".txt")}
    assert names == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_seed_is_read_as_the_article_it_is(name: str) -> None:
    expected, article = EXPECTED[name], article_of(name)

    assert (article.title, article.title_made) == (expected.title, expected.made)
    assert article.published_at == expected.date
    if expected.date is None:
        assert (article.precision, article.date_origin) == (None, None)
    else:
        assert (article.precision, article.date_origin) == (Precision.DAY, DateOrigin.TEXT)
    assert article.language == "en"
    assert tuple((cut.kind, cut.text) for cut in article.cuts) == expected.cuts
    assert article.text.startswith(expected.begins)
    assert article.text.endswith(expected.ends)
    assert len(article.text.split("\n\n")) == expected.paragraphs
    assert article.path == name


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_of_a_seed_is_lost(name: str) -> None:
    """Every line is in the title, the body or a cut, in its order, and nothing else is."""
    article = article_of(name)
    kept = article.text.split("\n\n")
    cut = [line for part in article.cuts for line in part.text.split("\n")]
    title = [] if article.title_made else [article.title]
    lines = [line.strip() for line in read(name).decode("utf-8").splitlines() if line.strip()]

    assert sorted(lines) == sorted(title + kept + cut)
    assert [line for line in lines if line in kept] == kept


def test_a_seed_that_is_read_again_is_the_same() -> None:
    for name in EXPECTED:
        assert article_of(name) == article_of(name)


def test_an_edited_seed_has_another_hash_and_a_new_teaser_has_not() -> None:
    name = "003_0c3adb89dbbefde9.txt"
    original = read(name).decode("utf-8")
    edited = parse_document(original.replace("crippling", "severe").encode(), name)[0]
    teased = parse_document((original + "\nRead: Another Title Of Another Story\n").encode(), name)[0]

    assert clean(edited, fetched_at=NOW).content_hash != article_of(name).content_hash
    assert clean(teased, fetched_at=NOW).content_hash == article_of(name).content_hash
