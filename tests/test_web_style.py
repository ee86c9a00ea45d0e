"""The style sheet: contrast of every pair of colours that carries text, and nothing from anywhere else."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from service.web.presentation import PALETTE

CSS = resources.files("service.web").joinpath("static", "style.css").read_text(encoding="utf-8")
LIGHT, DARK = "light", "dark"
AA_TEXT, AA_GRAPHICS = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11

ON_GROUND = [
    (ink, ground)
    for ink in ("ink", "quiet", "accent", "bad")
    for ground in ("page", "paper", "hover")
    if (ink, ground) != ("bad", "hover")
]
PAIRS = [
    *ON_GROUND,
    ("accent-ink", "accent"),
    ("ink", "hit"),
    ("good", "good-tint"),
    ("bad", "bad-tint"),
    ("warn", "warn-tint"),
    ("neutral", "neutral-tint"),
    ("ink", "neutral-tint"),
]


def values(scheme: str, selector: str) -> dict[str, str]:
    """The colours of a rule: each is one for both schemes, or light-dark(one, other)."""
    block = re.search(re.escape(selector) + r"\s*\{([^}]*)\}", CSS)
    assert block, selector
    colour = "(#[0-9a-f]{6})"
    found = re.findall(rf"--([\w-]+):\s*(?:{colour}|light-dark\({colour}, {colour}\));", block[1])
    return {name: both or (light if scheme == LIGHT else dark) for name, both, light, dark in found}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_text_is_readable_in_both_schemes(scheme: str) -> None:
    ground = values(scheme, ":root")
    weak = [f"{a} on {b}" for a, b in PAIRS if contrast(ground[a], ground[b]) < AA_TEXT]
    for topic in range(PALETTE):
        own = values(scheme, f".topic-{topic}")
        for ink, back, least in (
            (own["tone"], own["tint"], AA_TEXT),  # chips
            (ground["ink"], own["tint"], AA_TEXT),  # marks in the text
            (ground["quiet"], own["tint"], AA_GRAPHICS),
            (own["tone"], ground["paper"], AA_TEXT),  # headings of panels and cards
            (own["tone"], ground["page"], AA_TEXT),  # the filter form
            (own["tone"], ground["hover"], AA_TEXT),
        ):
            if contrast(ink, back) < least:
                weak.append(f"topic {topic}: {ink} on {back} {contrast(ink, back):.2f}")
    weak += [
        f"{edge} on {back}"
        for edge in ("strong-line",)
        for back in ("page", "paper")
        if contrast(ground[edge], ground[back]) < AA_GRAPHICS
    ]
    assert weak == []
    assert len(ground) > 15  # each of them was read


def test_nothing_is_fetched_from_anywhere() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
    for folder in ("templates", "static"):
        for file in resources.files("service.web").joinpath(folder).iterdir():
            source = file.read_text(encoding="utf-8")
            loaded = re.findall(r"<(?:script|iframe|object|embed|img|link|form)[^>]*>", source)
            assert not [tag for tag in loaded if re.search(r"https?:|\"//", tag)], file.name


def test_templates_have_neither_inline_script_nor_inline_style() -> None:
    for file in resources.files("service.web").joinpath("templates").iterdir():
        source = file.read_text(encoding="utf-8")
        assert not re.search(
            r"<script(?! type=\"module\" src=\"\{\{ static)|<style|\sstyle=|\son\w+=|javascript:", source
        ), file.name
        assert "|safe" not in source.replace(" ", ""), file.name
