"""A few simulated days: nothing lost, nothing twice, no host asked more often than it bears. The same with a
thousand feeds for a month is `tests.benchmarks.month`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from models import health, sources
from models.database import Database
from models.records import Health
from tests.polling import START, Clock
from tests.server import Server
from tests.simulation import GAP, PARALLEL, Simulation, outcome
from tests.world import DAY, HOUR, Feed, Trouble, World, make_world

# What differs between the engines (claims, stores) is held elsewhere; this takes ten seconds on each.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def simulate(
    database: Database, folder: Path, world: World, days: float, *, pause: float = 0.0
) -> Simulation:
    """So many days, with a pause of so many seconds without the program in the middle."""
    simulation = Simulation(database, folder, world)
    with Server(address="0.0.0.0") as server:
        world.serve(server)
        simulation.add(server)
        with simulation.running() as application:
            simulation.until(application, days * DAY / 2)
        simulation.clock.now += timedelta(seconds=pause)
        with simulation.running() as application:
            simulation.until(application, days * DAY)
    return simulation


def test_two_days_of_many_feeds(database: Database, tmp_path: Path) -> None:
    world = make_world(25, 2, Clock(), seed=4)
    simulation = simulate(database, tmp_path, world, 2, pause=2 * HOUR)
    found = outcome(simulation)

    assert found.published > 300
    assert found.twice == 0
    assert found.stored + found.waiting + found.never_shown + len(found.missed) == found.published
    # Whoever backs off at all cannot see what comes and goes within minutes of a recovery.
    assert all(one.shown < 2 * HOUR for one in found.missed), found.missed
    assert len(found.missed) < 0.005 * found.published
    assert found.edits_missed == 0
    assert found.smallest_gap >= GAP - 1e-6
    assert found.most_at_a_time <= PARALLEL
    assert found.too_soon == 0
    with database.session():
        polls = dict(database.rows("SELECT outcome, count(*) FROM poll GROUP BY outcome"))
    assert {"ok", "not_modified", "http_5xx"} <= set(polls)
    assert polls["not_modified"] > polls["ok"]


def steady(number: int, host: str, gap: float, days: float, **more: object) -> Feed:
    """A feed that publishes every so many seconds."""
    moments = [at * gap for at in range(-20, int(days * DAY / gap))]
    return Feed(number, host, moments, 20, **more)  # type: ignore[arg-type]


def test_fates(database: Database, tmp_path: Path) -> None:
    """A move is followed before the old address dies, 410 pauses, outages and refusals lose nothing."""
    home, service = "127.0.1.1", "127.0.1.9"
    outage = Trouble("503", 10 * HOUR, 30 * HOUR)
    refusal = Trouble("429", 10 * HOUR, 13 * HOUR)
    refusal_by_date = Trouble("429 date", 12 * HOUR, 15 * HOUR)
    feeds = [
        steady(0, home, 4 * HOUR, 3, moves=(5 * HOUR, "127.0.1.2", 30 * HOUR)),
        steady(1, home, 4 * HOUR, 3, gone=40 * HOUR),
        steady(2, home, 4 * HOUR, 3, troubles=(outage,)),
        steady(3, home, 4 * HOUR, 3, troubles=(refusal,)),
        steady(4, home, 4 * HOUR, 3, troubles=(refusal_by_date,)),
        steady(5, home, 6 * HOUR, 3, validators="lies"),
        *(steady(number, f"127.0.2.{number}", 4 * HOUR, 3, detour=service) for number in range(10, 14)),
    ]
    world = World(feeds, Clock())
    found = outcome(simulate(database, tmp_path, world, 3))

    assert (found.missed, found.twice, found.too_soon) == ([], 0, 0)
    assert found.smallest_gap >= GAP - 1e-6
    assert found.most_at_a_time <= PARALLEL
    (moved,) = sources.find(["*/feeds/0"])
    assert "//127.0.1.2:" in moved.location
    assert moved.host == "127.0.1.2"
    assert "//127.0.1.1:" in (moved.moved_from or "")
    assert health.counts(START + timedelta(days=3))[Health.GONE] == 1
    after_gone = [one for one in world.asked if one.number == 1 and one.at > 40 * HOUR]
    assert [one.status for one in after_gone] == [410]
    assert not [one for one in world.asked if one.number == 0 and one.at > 30 * HOUR and one.status == 404]
