"""Alerts and dashboard ask for figures that the daemon gives, and the README names them all."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.database import Database
from models.figures import note_backup
from models.records import PollRecord, SourceKind
from service.tally import Tally
from service.web.metrics import OTHER, OUTCOMES, Standing
from tests.storage import NOW, add_source, add_topics, article, store
from tests.test_deploy import DEPLOY, README, table
from tests.test_web_metrics import serving

RULES = (DEPLOY / "prometheus" / "wirewatch.rules.yml").read_text(encoding="utf-8")
EXPRESSIONS = re.findall(r"^ +expr: (.+)$", RULES, re.MULTILINE)
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "wirewatch.json").read_text(encoding="utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
NAME = re.compile(r"\b(?:wirewatch|process)_[a-z_]+\b")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> dict[str, dict[str, set[str]]]:
    """Every sample that a busy daemon gives, with its labels and their values."""
    from models.database import open_database  # noqa: PLC0415

    path = tmp_path_factory.mktemp("monitoring") / "wirewatch.db"
    shutil.copyfile(migrated_sqlite, path)
    database = open_database(path)
    try:
        return _given(database)
    finally:
        database.close()


def _given(database: Database) -> dict[str, dict[str, set[str]]]:
    add_topics()
    store(add_source(), article(1, "arms"))
    tally = Tally()
    for outcome in OUTCOMES:
        tally.polled(SourceKind.FEED, PollRecord(1, NOW, 5, outcome, bytes=1, new=1))
    tally.polled(SourceKind.FOLDER, PollRecord(1, NOW, 5, "ok"))
    tally.claimed([1.0])
    tally.read(0.1, (0.1,))
    note_backup(NOW)
    standing = Standing(ready=True, last_tick=NOW, jobs={"tick": False}, counted=tally.counted())
    with serving(database, lambda: standing) as (client, _):
        text = client.get("/metrics").text
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for name, value in sample.labels.items():
                labels.setdefault(name, set()).add(value)
    return found


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *QUERIES])
def test_what_is_asked_for_is_given(given: dict[str, dict[str, set[str]]], expression: str) -> None:
    assert expression.count("(") == expression.count(")")
    names = set(NAME.findall(re.sub(r'"[^"]*"', '""', expression)))
    assert names <= set(given)
    for name, matchers in re.findall(r"\b((?:wirewatch|process)_[a-z_]+)\{([^}]*)\}", expression):
        for label, value in re.findall(r'(\w+)=~?"([^"]*)"', matchers):
            if label not in {"instance", "job"}:  # Prometheus's own
                assert value in given[name][label], (name, label)


def test_an_alert_says_how_bad_it_is_and_what_to_do() -> None:
    alerts = RULES.split("      - alert: ")[1:]
    assert len(alerts) == len(EXPRESSIONS) >= 12
    for alert in alerts:
        name = alert.splitlines()[0]
        assert re.fullmatch(r"Wirewatch[A-Z]\w+", name)
        assert re.search(r"^          severity: (critical|warning)$", alert, re.MULTILINE), name
        assert re.search(r'^          summary: ".+"$', alert, re.MULTILINE), name
        assert re.search(r'^          description: ".{20,}"$', alert, re.MULTILINE), name
        for label in re.findall(r"\$labels\.(\w+)", alert):
            assert label in {"instance", "name", "queue"}, name


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", str(DEPLOY / "prometheus" / "wirewatch.rules.yml")),
        ("test", "rules", str(Path(__file__).parent / "prometheus_rules.yml")),
    ],
    ids=["check", "test"],
)
def test_prometheus_accepts_the_rules_and_they_fire_when_they_should(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (apt-get install prometheus)")
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_whole() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}"
    assert {one["name"] for one in DASHBOARD["templating"]["list"]} == {"datasource", "instance"}


def test_the_readme_names_every_metric_with_its_labels(given: dict[str, dict[str, set[str]]]) -> None:
    rows = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1]))
        for row in table("metric | labels | what it is")
    }
    rows.pop("process_*")
    bases = {
        re.sub(r"_(bucket|count|sum|created)$", "", name): set(labels) - {"le"}
        for name, labels in given.items()
        if name.startswith("wirewatch_")
    }
    assert rows == bases
    assert "topics are cut at 100" in README
    assert OTHER not in OUTCOMES
