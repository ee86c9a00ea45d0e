"""A limit on open files: raised where it may be, lived with where not, and said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_LIMITED = """
import json, resource, sys
from service.descriptors import make_room
soft, hard, fetches = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
found = make_room(fetches)
print(json.dumps([found.fetches, found.keep, found.trouble, resource.getrlimit(resource.RLIMIT_NOFILE)[0]]))
"""


def limited(soft: int, hard: int, fetches: int) -> tuple[int, bool, str | None, int]:
    """In a process with that limit: what it can bear, and its limit then."""
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(soft), str(hard), str(fetches)],
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    fewer, keep, trouble, limit = json.loads(done.stdout)
    return fewer, keep, trouble, limit


@pytest.mark.parametrize(
    ("soft", "hard", "fetches", "expected"),
    [
        (64, 4096, 32, (32, True, 4096)),
        (64, 64, 32, (6, False, 64)),
        (20, 20, 32, (1, False, 20)),
        (64, 64, 2, (2, False, 64)),
        (300, 300, 32, (32, True, 300)),
    ],
)
def test_as_many_fetches_as_the_limit_bears(
    soft: int, hard: int, fetches: int, expected: tuple[int, bool, int]
) -> None:
    fewer, keep, trouble, limit = limited(soft, hard, fetches)
    assert (fewer, keep, limit) == expected
    assert (trouble is None) == keep
    if trouble is not None:
        assert f"may open {soft} files" in trouble
        assert f"ulimit -n {fetches + 200}" in trouble
