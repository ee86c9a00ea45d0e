"""The README says what there is: every command, option, setting and variable, both ways; its commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from service.cli.exits import Exit
from service.settings_example import default_of
from service.settings_load import CONFIG_VARIABLE
from service.settings_schema import SourceSettings, all_settings, settings_of, variable
from tests.cli_home import Home, home
from tests.test_cli_help import ALL

__all__ = ["home"]

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = "\n".join([*re.findall(r"```\w+\n(.*?)```", README, re.DOTALL), *re.findall(r"`([^`\n]+)`", README)])


def options_of(command: click.Command) -> set[str]:
    """What a command takes, without the options that all share."""
    options = {
        option
        for one in command.params
        if isinstance(one, click.Option)
        for option in (*one.opts, *one.secondary_opts)
    }
    return options - {"--config", "-v", "--verbose"}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading row."""
    table = README[README.index(f"\n| {heading} |") :].split("\n\n")[0]
    lines = [line for line in table.strip().splitlines()[2:] if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def fenced(marker: str) -> str:
    """The commands of the block behind a marker."""
    found = re.search(rf"<!-- {marker} -->\n```bash\n(.*?)\n```", README, re.DOTALL)
    assert found, f"no block behind <!-- {marker} -->"
    return found[1]


# -- the two commands that set everything up -----------------------------------------------------------


def test_the_run_command_needs_nothing_but_python() -> None:
    assert fenced("run command").split(" && ") == [
        "python3 -m venv .venv",
        ".venv/bin/pip install --quiet .",
        ".venv/bin/wirewatch run",
    ]


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    assert fenced("test command").split(" && ") == [
        "python3 -m venv .venv",
        ".venv/bin/pip install --quiet --editable '.[test]'",
        ".venv/bin/pytest",
    ]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (line,) = [line for line in script.splitlines() if line.startswith("command=$(")]
    done = subprocess.run(
        ["bash", "-c", f'{line}; printf %s "$command"'], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == fenced("test command")


# -- commands ------------------------------------------------------------------------------------------


def test_every_command_stands_in_the_table_with_all_its_options() -> None:
    leaves = {
        name: command
        for name, command in ALL.items()
        if not isinstance(command, click.Group) or command.invoke_without_command
    }
    listed = {}
    for usage, _, options in rows("command"):
        words = usage.strip("`").replace("\\|", "|").split()
        assert words.pop(0) == "wirewatch"
        name = " ".join(word for word in words if word.islower() and word.isalpha())
        listed[name] = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", options))
        arguments = [
            one.make_metavar(click.Context(leaves[name]))
            for one in leaves[name].params
            if isinstance(one, click.Argument)
        ]
        if name != "completion":  # click would list the choices
            assert words[len(name.split()) :] == arguments, name
    assert listed == {name: options_of(command) for name, command in leaves.items()}


def test_every_command_and_option_that_is_named_exists() -> None:
    everything = set().union(*(options_of(command) for command in ALL.values()))
    everything |= {"--config", "--verbose", "-v", "-vv", "-h", "--help", "--version"}
    for line in CODE.splitlines():
        for words in re.findall(r"wirewatch ((?:[a-z]+ ?)+)", line):
            names = words.split()
            if names:
                found = [" ".join(names[: length + 1]) for length in range(len(names))]
                assert any(name in ALL for name in found), line
        if "wirewatch" in line and "pip" not in line:
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", line.partition(" | ")[0]):
                assert option in everything, line


def test_the_exit_codes_are_these() -> None:
    assert [(int(code), text) for code, text in rows("exit code")] == [
        (int(one), one.meaning) for one in Exit
    ]


def test_the_examples_answer(home: Home) -> None:
    """Those that need no network and no other article than the seeds."""
    home.set(WIREWATCH_SCHEDULE_WORKERS="1")
    assert home.run("import", "--seeds").code == Exit.DONE
    found = home.run("articles", "--topic", "sanctions", "--match", '"panel of experts"', "--json").json
    (shown,) = re.findall(r"wirewatch show (\d+)  +#", README)
    assert [one["id"] for one in found] == [int(shown)]
    assert "«" in home.run("show", shown).out
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=home.database.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 5


# -- settings ------------------------------------------------------------------------------------------


def settings_table() -> list[str]:
    """The rows that the table of settings must have."""
    lines = []
    for key, one in all_settings().items():
        default = default_of(one)
        lines.append(f"| `{key}` | {_shown(default)} | {one.metadata['meaning']} |")
    return lines


def _shown(default: object) -> str:
    if isinstance(default, list):
        default = ", ".join(default)
    text = str(default).lower() if isinstance(default, bool) else str(default or "")
    return f"`{text}`" if text else ""


def source_table() -> list[str]:
    """The rows that the table of a source's keys must have."""
    return [f"| `{name}` | {one.metadata['meaning']} |" for name, one in settings_of(SourceSettings)]


@pytest.mark.parametrize(("heading", "wanted"), [("setting", settings_table()), ("key", source_table())])
def test_the_tables_of_settings_are_true(heading: str, wanted: list[str]) -> None:
    table = README[README.index(f"\n| {heading} |") :].split("\n\n")[0]
    lines = table.strip().splitlines()[2:]
    assert lines == wanted, "put this into README.md:\n" + "\n".join(wanted)


def test_every_variable_that_is_named_exists() -> None:
    known = {variable(key) for key in all_settings()} | {CONFIG_VARIABLE}
    known |= {f"{variable(key)}_FILE" for key, one in all_settings().items() if one.metadata["secret"]}
    named = set(re.findall(r"WIREWATCH_[A-Z_]+", README))
    assert named <= known
    assert {f"{variable(key)}_FILE" for key, one in all_settings().items() if one.metadata["secret"]} <= named


def test_every_dotted_setting_that_is_named_exists() -> None:
    sections = {key.partition(".")[0] for key in all_settings() if "." in key}
    for name in re.findall(r"`([a-z]+\.[a-z_]+)`", README):
        if name.partition(".")[0] in sections:
            assert name.removesuffix("_file") in all_settings(), name


def test_every_link_inside_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_page_is_where_the_readme_says() -> None:
    settings = all_settings()
    assert f"http://{settings['web.host'].default}:{settings['web.port'].default}/" in README
