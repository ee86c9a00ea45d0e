"""``wirewatch config``, ``migrate`` and ``completion``."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import tomllib
from pathlib import Path

import pytest

from models import migrate
from service.cli.exits import Exit
from service.settings import load_settings
from service.settings_example import default_of, example_file
from service.settings_schema import all_settings, variable
from tests.cli_home import Home, home, stored

__all__ = ["home", "stored"]

ROOT = Path(__file__).resolve().parent.parent


def test_config_shows_every_setting_with_its_origin(home: Home) -> None:
    (home.folder / "wirewatch.toml").write_text(
        '[web]\nport = 8099\n[http.hosts."example.org"]\nper_host = 4\n'
        '[[sources]]\nurl = "https://me:hunter2@example.org/"\nheaders = { X-Key = "hunter2" }\n',
        encoding="utf-8",
    )
    home.set(
        WIREWATCH_DATABASE="postgresql://me:hunter2@db/wire?password=hunter2",
        WIREWATCH_HTTP_PROXY="http://me:hunter2@proxy:3128",
    )
    result = home.run("config", "--json")
    shown = result.json

    assert shown["file"] == str(home.folder / "wirewatch.toml")
    assert set(shown["settings"]) == set(all_settings())
    assert shown["settings"]["web.port"] == {
        "value": 8099,
        "origin": f"{home.folder / 'wirewatch.toml'}, line 2",
        "variable": "WIREWATCH_WEB_PORT",
    }
    assert shown["settings"]["database"]["value"] == "postgresql://me:***@db/wire?password=***"
    assert shown["settings"]["database"]["origin"] == "WIREWATCH_DATABASE"
    assert shown["hosts"] == {"example.org": {"per_host": 4, "gap": None}}
    assert shown["sources"][0]["options"] == {"header.X-Key": "***"}
    assert "hunter2" not in result.out
    table = home.run("config").out
    assert "hunter2" not in table
    assert all(key in table for key in all_settings())


def test_config_makes_and_opens_nothing(home: Home) -> None:
    assert home.run("config").code == Exit.DONE
    assert list(home.folder.iterdir()) == []


def test_the_example_is_the_file_in_deploy(home: Home) -> None:
    """'wirewatch config --example > deploy/wirewatch.toml' makes it anew."""
    assert home.run("config", "--example").out == (ROOT / "deploy" / "wirewatch.toml").read_text(
        encoding="utf-8"
    )


def test_the_example_changes_nothing_and_names_everything(tmp_path: Path) -> None:
    text = example_file()
    (tmp_path / "wirewatch.toml").write_text(text, encoding="utf-8")
    untouched = load_settings(None, {"HOME": str(tmp_path)}, tmp_path)
    assert set(untouched.origins.values()) == {"default"}
    assert untouched.sources == ()
    for key in all_settings():
        assert variable(key) in text


def test_every_line_of_the_example_is_right_once_it_is_no_comment(tmp_path: Path) -> None:
    text = example_file()
    lines = [line.removeprefix("#") if line[:2] not in {"# ", "#"} else line for line in text.splitlines()]
    (tmp_path / "wirewatch.toml").write_text("\n".join(lines), encoding="utf-8")
    settings = load_settings(None, {"HOME": str(tmp_path)}, tmp_path)

    said = tomllib.loads("\n".join(lines))
    for key, one in all_settings().items():
        section, _, name = key.rpartition(".")
        written = (said[section] if section else said)[name]
        default = default_of(one)
        assert written == (one.metadata["example"] if default is None else default), key
        assert settings.origins[key] != "default"


def test_the_sources_of_the_example_can_be_taken_over(tmp_path: Path) -> None:
    example = example_file()
    tables = example[example.index("# A feed:") :].splitlines()
    keys = [line.removeprefix("# ") for line in tables if line.startswith("# [[") or " = " in line]
    (tmp_path / "wirewatch.toml").write_text("\n".join(keys), encoding="utf-8")
    feed, folder = load_settings(None, {"HOME": str(tmp_path)}, tmp_path).sources
    assert feed.url == "https://example.org/feed.xml"
    assert str(folder.path) == "/srv/documents"


def test_migrate_makes_the_database_once(home: Home) -> None:
    first = home.run("migrate", "--json").json
    assert first["applied"] == migrate.known()
    assert first["schema"] == migrate.known()[-1]
    assert first["database"] == str(home.database)
    assert home.run("migrate", "--json").json["applied"] == []
    assert "is up to date" in home.run("migrate").out


def test_what_is_pending_is_said_and_nothing_changed(home: Home) -> None:
    assert home.run("migrate", "--pending", "--json").json["pending"] == migrate.known()
    assert not home.database.exists()  # there is none, and none is made
    home.database.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(home.database) as connection:
        connection.execute("CREATE TABLE other (x)")
    found = home.run("migrate", "--pending", "--json").json
    assert (found["pending"], found["schema"], found["engine"]) == (migrate.known(), "", "sqlite")
    assert "0001_initial, 0002" in home.run("migrate", "--pending").out
    assert home.run("migrate", "--json").json["applied"] == migrate.known()
    assert home.run("migrate", "--pending", "--json").json["pending"] == []
    assert "nothing would be applied" in home.run("migrate", "--pending").out


def test_migrate_on_either_engine(stored: Home) -> None:
    assert "is up to date" in stored.run("migrate").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(home: Home, shell: str) -> None:
    script = home.run("completion", shell).out
    assert "_WIREWATCH_COMPLETE" in script
    program = shutil.which(shell)
    if program:
        subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_topics_and_sources_are_completed_from_the_database(stored: Home) -> None:
    def offered(line: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        stored.set(_WIREWATCH_COMPLETE="bash_complete", **words)
        with pytest.raises(SystemExit):
            stored.run()
        return [row.partition(",")[2] for row in stored.printed().split()]

    assert offered("wirewatch articles --topic s") == ["sanctions"]
    assert offered("wirewatch articles --source E") == ["Example"]
    assert offered("wirewatch stat") == ["stats", "status"]
    stored.set(WIREWATCH_DATABASE="/nowhere/x.db")
    assert offered("wirewatch articles --topic s") == []


def test_the_version(home: Home) -> None:
    result = home.run("--version")
    assert result.code == Exit.DONE
    assert result.out.startswith("wirewatch ")
