"""What the daemon logs, as programs read it: one line a piece of work, and a word for all lines of a look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.daemon_process import DaemonProcess

pytestmark = pytest.mark.long


def test_every_line_of_a_look_carries_its_word(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
        (folder / "rain.txt").write_text("Rain in the North\n\nIt will rain until the end of the week.\n")
        (folder / "picture.txt").write_bytes(bytes(range(256)) * 8)
    sources = [f"[[sources]]\npath = {json.dumps(str(one))}\nschedule = 'every 1h'\n" for one in folders]
    (tmp_path / "wirewatch.toml").write_text(
        "[web]\nenabled = false\n[log]\njson = true\n[seeds]\nimport = false\n"
        '[schedule]\ntick = "100ms"\nworkers = 1\n[folders]\nstill_for = "0s"\n' + "".join(sources)
    )
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        said = [json.loads(daemon.wait_line('"outcome": ')) for _ in folders]
        assert daemon.stop() == 0
    lines = [json.loads(line) for line in daemon.lines]
    assert [one["level"] for one in lines if one["logger"] == "apscheduler"] == []
    words = {one["poll"] for one in said}
    assert len(words) == 2
    for end in said:
        together = [line for line in lines if line.get("poll") == end["poll"]]
        assert {line["source_id"] for line in together} == {end["source_id"]}
        assert any("picture.txt: not_text" in line["message"] for line in together)
        assert together[-1] == end  # the one line that says how it ended comes last
        assert end["outcome"] == "ok"
        assert (end["new"], end["changed"]) == (1, 0)
    outside = [line for line in lines if "poll" not in line]
    assert any(line["message"].startswith("ready: ") for line in outside)


def test_the_seeds_are_said_in_one_line_and_only_when_they_come(tmp_path: Path) -> None:
    (tmp_path / "wirewatch.toml").write_text("[web]\nenabled = false\n[schedule]\nworkers = 1\n")
    for times in (1, 0):
        with DaemonProcess(tmp_path) as daemon:
            daemon.wait_ready()
            assert daemon.stop() == 0
        said = [line for line in daemon.lines if "imported the seed articles: 5 new, 0 failed" in line]
        assert len(said) == times
