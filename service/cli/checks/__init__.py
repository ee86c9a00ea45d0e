"""What ``wirewatch doctor`` looks at: one small function a check, in a list.

A check takes the `Bench` and gives findings; what is in order is a finding, too, so that one sees what was
looked at. To add one: write the function, name it in `CHECKS`, say whether it needs the database. It neither
prints nor mends, bounds what it reads, and lets errors pass: they become findings of their own.
"""

from __future__ import annotations

from service.cli.checks.backups import backups, retention
from service.cli.checks.bench import Bench, Check, Finding, Level, examine
from service.cli.checks.hubs import hubs
from service.cli.checks.machine import clock, limits, settings, topics
from service.cli.checks.storage import backlog, daemon, database, disk, integrity, leases
from service.cli.checks.watched import documents, failing, secrets, sources

CHECKS: tuple[Check, ...] = (
    Check("settings", settings),
    Check("topics", topics),
    Check("limits", limits),
    Check("database", database),
    Check("integrity", integrity, needs_database=True, slow=True),
    Check("disk", disk),
    Check("backups", backups, needs_database=True),
    Check("retention", retention, needs_database=True),
    Check("clock", clock, needs_database=True),
    Check("daemon", daemon, needs_database=True),
    Check("leases", leases, needs_database=True),
    Check("backlog", backlog, needs_database=True),
    Check("failing", failing, needs_database=True),
    Check("sources", sources, needs_database=True),
    Check("hubs", hubs, needs_database=True),
    Check("secrets", secrets, needs_database=True),
    Check("documents", documents, needs_database=True),
)

__all__ = ["CHECKS", "Bench", "Check", "Finding", "Level", "examine"]
