"""``--help``: quick, complete, with examples; what is loaded when."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from service.cli.group import COMMANDS, wirewatch

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 0.3  # seconds of CPU


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, groups included."""
    context = click.Context(wirewatch)
    for name in wirewatch.list_commands(context):
        command = wirewatch.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())


ALL = dict(commands())


def _cpu(*arguments: str) -> float:
    """Seconds of CPU, user and system, of one command in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("arguments", [["--help"], ["articles", "--help"], ["run", "--help"]])
def test_help_costs_little(arguments: list[str]) -> None:
    """The best of a few runs: a loaded machine makes the same work dearer."""
    costs = []
    for _ in range(8):
        costs.append(_cpu(*arguments))
        if costs[-1] < LIMIT:
            return
    pytest.fail(f"{arguments} took {min(costs):.2f} s of CPU at best")


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys, json; from service.cli import main; main(['--help'])\n"
        "heavy = {'loguru', 'peewee', 'models', 'rich', 'aiohttp', 'feedparser', 'apscheduler', 'psycopg', "
        "'starlette', 'service.settings', 'service.tagging', 'ssl', 'asyncio'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stderr) == []


def test_questions_load_neither_network_nor_scheduler(tmp_path: Path) -> None:
    program = (
        "import sys, json; from service.cli import main; main(['articles', '--json'])\n"
        "heavy = {'loguru', 'rich', 'aiohttp', 'feedparser', 'apscheduler', 'service.application'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))), file=sys.stderr)"
    )
    environ = {**os.environ, "WIREWATCH_DATABASE": str(tmp_path / "x.db"), "PYTHONPATH": str(ROOT)}
    migrate = [sys.executable, "-m", "service.cli", "migrate"]
    subprocess.run(migrate, cwd=tmp_path, env=environ, capture_output=True, check=True)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stderr.splitlines()[-1]) == []


def test_the_list_of_commands_says_what_the_commands_say() -> None:
    for name, entry in COMMANDS.items():
        assert (ALL[name].help or "").splitlines()[0] == entry.help, name


@pytest.mark.parametrize("name", ALL)
def test_every_command_explains_itself_with_examples(name: str) -> None:
    command = ALL[name]
    context = click.Context(command, info_name=name)
    text = command.get_help(context)
    assert "Examples:" in text
    assert f"wirewatch {name}" in text or name == "config"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


@pytest.mark.parametrize("name", ALL)
def test_every_command_takes_the_shared_options(name: str) -> None:
    options = {option for one in ALL[name].params for option in one.opts}
    assert isinstance(ALL[name], click.Group) or {"--config", "--verbose"} <= options


@pytest.mark.parametrize("name", ["articles", "topics", "status", "config", "sources list", "poll", "import"])
def test_what_lists_has_json(name: str) -> None:
    assert "--json" in {option for one in ALL[name].params for option in one.opts}
