"""A short fuzz run of the parse stage, and everything that long runs found.

The long run is tests/benchmarks/fuzz_parse.py; what it finds it keeps in tests/feeds/fuzz/.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.fuzz_parse import TARGETS, TOKENS, corpus, mutated
from tests.feed_samples import FEEDS

SAMPLES = corpus([FEEDS])
FINDINGS = sorted(path for path in (FEEDS / "fuzz").glob("*") if path.is_file())


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(SAMPLES), st.sampled_from(SAMPLES), st.randoms(use_true_random=False))
def test_mutated_samples(body: bytes, other: bytes, dice: object) -> None:
    changed = mutated(body, other, dice)  # type: ignore[arg-type]  # hypothesis' Random is a subclass
    for target in TARGETS:
        target(changed)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(TOKENS) | st.binary(max_size=8), max_size=30).map(b"".join))
def test_tokens_in_any_order(body: bytes) -> None:
    for start in (b"", b"<rss version='2.0'><channel>", b"<feed xmlns='http://www.w3.org/2005/Atom'>", b"{"):
        for target in TARGETS:
            target(start + body)


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.name)
def test_what_long_runs_found(path: Path) -> None:
    for target in TARGETS:
        target(path.read_bytes())
