"""Who may import whom, and how long a file may grow: the contract of the house, read off the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("service", "models", "seeds")
MAX_FILE_LINES = 420
MAX_FUNCTION_LINES = 55

PURE = (
    "service.parse",
    "service.clean",
    "service.decide",
    "service.tagging",
    "service.stories",
    "service.cadence",
    "service.rhythm",
    "service.values",
    "service.members",
)
# Modules whose presence in a pure room would mean that it acts.
ACTING: tuple[str, ...] = (
    "peewee",
    "playhouse",
    "psycopg",
    "sqlite3",
    "aiohttp",
    "socket",
    "http.client",
    "urllib.request",
)
ACTING += ("loguru", "logging", "models", "service.settings", "service.fetch", "time")


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: ast.AST, *, top_level_only: bool = False) -> Iterator[str]:
    """Every module that a tree imports, with ``from a import b`` as both ``a`` and ``a.b``."""
    nodes = _top_level(tree) if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run at import time, without ``if TYPE_CHECKING`` blocks and function bodies."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _top_level(node)


def _sources(root: Path = ROOT) -> dict[str, tuple[Path, ast.Module]]:
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = (path, ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    return found


def _within(module: str, names: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in names)


def violations(root: Path = ROOT) -> list[str]:
    """Every broken rule of the contract, as "module imports what: why not"."""
    found = []
    for name, (_, tree) in _sources(root).items():
        for imported in sorted(set(_imports(tree))):
            reason = _objection(name, imported)
            if reason:
                found.append(f"{name} imports {imported}: {reason}")
    return found


def _objection(name: str, imported: str) -> str | None:
    if _within(name, ("models", "seeds")) and _within(imported, ("service",)):
        return "models and seeds know nothing of service"
    if not _within(name, ("models",)) and _within(imported, ("peewee", "playhouse")):
        return "only models says peewee"
    if _within(name, PURE):
        allowed = name == "service.cadence" and _within(imported, ("apscheduler.triggers",))
        if not allowed and _within(imported, (*ACTING, "apscheduler")):
            return "this room is pure"
    if _within(imported, ("apscheduler",)) and not _within(name, ("service.scheduler", "service.cadence")):
        return "only the scheduler says apscheduler"
    if _within(imported, ("aiohttp", "urllib.request", "http.client")) and not _within(
        name, ("service.fetch", "service.alerts")
    ):
        return "only fetch and alerts touch the network"
    if _within(imported, ("service.settings",)) and not _within(name, SETTINGS_READERS):
        return "settings are read at the edge and passed down as values"
    return None


SETTINGS_READERS: tuple[str, ...] = ("service.cli", "service.web", "service.daemon", "service.application")
SETTINGS_READERS += ("service.care", "service.settings")


def test_everyone_imports_only_whom_they_may() -> None:
    assert violations() == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("models/planted.py", "import service.values"),
        ("models/planted.py", "from service import values"),
        ("service/planted.py", "from peewee import Model"),
        ("service/clean/planted.py", "from loguru import logger"),
        ("service/parse/planted.py", "import models.articles"),
        ("service/intake_planted.py", "import apscheduler.schedulers.background"),
        ("service/tagging/planted.py", "import aiohttp"),
        ("service/fetch/planted.py", "from service.settings import Settings"),
    ],
)
def test_a_planted_breach_is_found(tmp_path: Path, module: str, line: str) -> None:
    for package in PACKAGES:
        (tmp_path / package).mkdir()
    planted = tmp_path / module
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(line + "\n", encoding="utf-8")

    assert violations(tmp_path)


def test_the_import_graph_has_no_circles() -> None:
    sources = _sources()
    graph = {
        name: {
            imported
            for imported in _imports(tree, top_level_only=True)
            # A package's own modules may be what its __init__ is made of; that is no circle.
            if imported in sources and imported != name and not name.startswith(imported + ".")
        }
        for name, (_, tree) in sources.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' → '.join(error.args[1])}")


def test_files_and_functions_stay_readable() -> None:
    too_long = []
    for name, (path, tree) in _sources().items():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_FILE_LINES:
            too_long.append(f"{name}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    too_long.append(f"{name}.{node.name}: {length} lines")
    assert too_long == []


def test_the_top_level_is_the_agreed_one() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if not listed:
        pytest.skip("not a git checkout")
    top = {line.split("/", 1)[0] for line in listed}
    agreed = {"pyproject.toml", "README.md", "service", "models", "seeds", "tests", "deploy"}
    assert {entry for entry in top if not entry.startswith(".")} <= agreed


def test_pure_rooms_import_nothing_that_acts_at_run_time() -> None:
    """The same rule seen from the running interpreter: a stage pulls in no database and no network client."""
    program = (
        "import sys, service.clean, service.parse.feed, service.decide, service.tagging\n"
        "bad = {'peewee', 'aiohttp', 'apscheduler', 'loguru', 'models'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(bad)}' if bad else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
