"""Settings: where they come from, what wins, and how a wrong one is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.records import SourceKind
from service.settings import Settings, SettingsError, load_settings, source_specs
from service.settings_schema import all_settings, variable
from service.settings_units import format_duration, format_size, parse_duration, parse_size

ROOT = Path(__file__).resolve().parent.parent


def load(folder: Path, text: str | None = None, **environ: str) -> Settings:
    """Load with ``text`` as the file in the working directory, and no system file."""
    if text is not None:
        (folder / "wirewatch.toml").write_text(text, encoding="utf-8")
    return load_settings(None, {"HOME": str(folder), **environ}, folder, system=folder / "etc")


def refused(folder: Path, text: str | None = None, **environ: str) -> str:
    """The message of a refusal."""
    with pytest.raises(SettingsError) as caught:
        load(folder, text, **environ)
    return str(caught.value)


# -- where they come from ------------------------------------------------------------------------------


def test_no_file_is_needed(tmp_path: Path) -> None:
    settings = load(tmp_path, XDG_DATA_HOME=str(tmp_path / "data"))

    assert settings.path is None
    assert settings.sqlite_path == tmp_path / "data" / "wirewatch" / "wirewatch.db"
    assert settings.web.port == 8077
    assert settings.origins["web.port"] == "default"
    assert settings.sources == ()


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, "data/wirewatch/wirewatch.db.learned"),
        ({"WIREWATCH_DATABASE": "other/news.db"}, "other/news.db.learned"),
        ({"WIREWATCH_DATABASE": "postgresql://me@db.example/news"}, "data/wirewatch/wirewatch.db.learned"),
        ({"WIREWATCH_TOPICS_LEARNED": "taught"}, "taught"),
    ],
)
def test_what_is_learned_lies_beside_the_database(
    tmp_path: Path, environ: dict[str, str], folder: str
) -> None:
    settings = load(tmp_path, XDG_DATA_HOME=str(tmp_path / "data"), **environ)

    assert settings.topics.learned == tmp_path / folder


def test_the_platform_says_where_data_lies(tmp_path: Path) -> None:
    program = (
        "import os; from pathlib import Path; from service.settings import load_settings\n"
        "print(load_settings(None, os.environ, Path.cwd(), system=Path.cwd()).database)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    database = Path(done.stdout.strip())
    assert database.name == "wirewatch.db"
    assert database.is_relative_to(tmp_path)


def test_under_systemd_it_is_the_state_directory(tmp_path: Path) -> None:
    settings = load(tmp_path, STATE_DIRECTORY="/var/lib/wirewatch:/var/lib/other", XDG_DATA_HOME="/x")
    assert settings.sqlite_path == Path("/var/lib/wirewatch/wirewatch.db")


def test_files_are_looked_for_in_order(tmp_path: Path) -> None:
    places = {name: tmp_path / name for name in ("flag.toml", "variable.toml", "work", "etc")}
    for name in ("work", "etc"):
        places[name].mkdir()
    ports = {
        places["etc"] / "wirewatch.toml": 1,
        places["work"] / "wirewatch.toml": 2,
        places["variable.toml"]: 3,
        places["flag.toml"]: 4,
    }

    def port(path: Path | None, environ: Mapping[str, str]) -> int:
        return load_settings(path, environ, places["work"], system=places["etc"]).web.port

    assert port(None, {}) == 8077
    for file, number in list(ports.items())[:2]:
        file.write_text(f"[web]\nport = {number}\n", encoding="utf-8")
        assert port(None, {}) == number
    for file, number in list(ports.items())[2:]:
        file.write_text(f"[web]\nport = {number}\n", encoding="utf-8")
    named = {"WIREWATCH_CONFIG": str(places["variable.toml"])}
    assert port(None, named) == 3
    assert port(places["flag.toml"], named) == 4


def test_variables_win_over_the_file_and_an_empty_one_counts_as_unset(tmp_path: Path) -> None:
    text = '[web]\nport = 1\nhost = "::1"\n'
    settings = load(tmp_path, text, WIREWATCH_WEB_PORT="2", WIREWATCH_WEB_HOST="")

    assert settings.web.port == 2
    assert settings.origins["web.port"] == "WIREWATCH_WEB_PORT"
    assert settings.web.host == "::1"
    assert settings.origins["web.host"] == f"{tmp_path / 'wirewatch.toml'}, line 3"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("data/x.db", "data/x.db"),
        ("sqlite:///data/x.db", "data/x.db"),
        ("sqlite:////srv/a%20b.db", "/srv/a b.db"),
        ("/srv/x.db", "/srv/x.db"),
    ],
)
def test_a_relative_database_belongs_to_the_place_where_it_was_written(
    tmp_path: Path, written: str, path: str
) -> None:
    (tmp_path / "conf").mkdir()
    file = tmp_path / "conf" / "own.toml"
    file.write_text(f'database = "{written}"', encoding="utf-8")

    assert load(tmp_path, WIREWATCH_CONFIG=str(file)).sqlite_path == file.parent / path
    assert load(tmp_path, WIREWATCH_DATABASE=written).sqlite_path == tmp_path / path


def test_a_postgresql_address_stays_one(tmp_path: Path) -> None:
    settings = load(tmp_path, WIREWATCH_DATABASE="postgres://me:secret@db/wire")
    assert settings.database == "postgresql://me:secret@db/wire"
    assert settings.sqlite_path is None
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("written", [":memory:", "file:x?mode=memory", "mysql://x/y", "sqlite://x"])
def test_what_cannot_be_the_database_is_refused(tmp_path: Path, written: str) -> None:
    message = refused(tmp_path, WIREWATCH_DATABASE=written)
    assert message.startswith("WIREWATCH_DATABASE: database cannot be")
    assert "postgresql://" in message


@pytest.mark.parametrize(
    "written",
    ["news.example", "ftp://news.example", "https://", "https://news.example/?a", "https://me@news.example/"],
)
def test_what_cannot_be_the_address_that_hubs_are_told_is_refused(tmp_path: Path, written: str) -> None:
    assert "websub.callback_url" in refused(tmp_path, WIREWATCH_WEBSUB_CALLBACK_URL=written)
    told = load(tmp_path, WIREWATCH_WEBSUB_CALLBACK_URL="https://news.example/wire").websub
    assert told.callback_url == "https://news.example/wire"


# -- secrets -------------------------------------------------------------------------------------------


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://me:secret@db/wire\n", encoding="utf-8")
    in_file = load(tmp_path, 'database_file = "url"\n')
    in_variable = load(tmp_path, "", WIREWATCH_DATABASE_FILE=str(tmp_path / "url"))

    assert in_file.database == in_variable.database == "postgresql://me:secret@db/wire"
    assert in_file.origins["database"].startswith(str(tmp_path / "url"))


def test_credentials_of_systemd_are_taken_by_name(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "database").write_text("postgresql://me@db/one\n", encoding="utf-8")
    (credentials / "other").write_text("postgresql://me@db/two\n", encoding="utf-8")
    (credentials / "site").write_text("password", encoding="utf-8")
    named = {"CREDENTIALS_DIRECTORY": str(credentials)}

    assert load(tmp_path, "", **named).database.endswith("/one")
    assert load(tmp_path, "", **named, WIREWATCH_DATABASE_FILE="other").database.endswith("/two")
    text = '[[sources]]\nurl = "https://example.org/"\nusername = "me"\npassword_file = "site"\n'
    (source,) = load(tmp_path, text, **named).sources
    assert source.password_file == credentials / "site"


def test_a_wrong_secret_is_never_repeated(tmp_path: Path) -> None:
    message = refused(tmp_path, WIREWATCH_HTTP_PROXY="socks9://me:hunter2@proxy")
    assert "hunter2" not in message
    assert "http.proxy" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('database_file = "absent"', "absent: cannot be read: No such file"),
        ("database_file = 3", "a path, or the name of a credential"),
        ('database = "x.db"\ndatabase_file = "x"', "both given"),
        ('http = { proxy_file = "x", proxy = "http://p/" }', "both given"),
    ],
)
def test_a_secret_file_that_cannot_serve_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


# -- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[web]\nprot = 1", "line 2: there is no setting web.prot (did you mean port?); [web] takes "),
        ("[wbe]\nport = 1", "line 1: there is no setting wbe (did you mean web?); the file takes api, "),
        ('[web]\nport = "80"', "line 2: web.port cannot be '80'; it takes a whole number from 0 to 65535"),
        ("[web]\nport = true", "web.port cannot be true"),
        ("[web]\nport = 65536", "web.port cannot be 65536"),
        ('[web]\nenabled = "yes"', "web.enabled cannot be 'yes'; it takes true or false"),
        ("web = 3", "line 1: web must be a table: [web]"),
        ('[log]\nlevel = "loud"', "one of trace, debug, info, warning, error"),
        ("[schedule]\ntick = 5", 'schedule.tick cannot be 5; it takes a duration such as "90s"'),
        ('[schedule]\ntick = "5 minutes"', "schedule.tick cannot be '5 minutes'"),
        ('[schedule]\ntick = "5h"', "from 50ms to 5m"),
        ('[schedule]\nfeeds = "hourly"', 'it takes "adaptive", "every 15m", or a cron expression'),
        ('[schedule]\nfloor = "2h"\nceiling = "1h"', "schedule.floor is above schedule.ceiling"),
        ("[schedule]\njitter = nan", "schedule.jitter cannot be nan"),
        ('[http]\nmax_size = "10"', 'it takes a size such as "500KB"'),
        ('[http]\nallow_private_networks = ["10.0.0.1/8"]', 'networks such as "192.168.0.0/16"'),
        ("[http]\nallowed_ports = [0]", "it takes ports and ranges"),
        ('[http]\ncontact = ""', "http.contact cannot be ''"),
        ('[http.hosts."example.org"]\nper_host = 0', "http.hosts.example.org.per_host cannot be 0"),
        ("[http]\nhosts = 3", "http.hosts must hold tables"),
        (
            '[http.hosts."www.example.org"]\nper_host = 1',
            "line 1: http.hosts cannot have 'www.example.org': write 'example.org'",
        ),
        ("sources = 3", "sources must be tables: [[sources]]"),
        ("[[sources]]", "a source has either url (a feed) or path (a folder)"),
        ('[[sources]]\nurl = "https://a.org/"\npath = "x"', "either url (a feed) or path"),
        ('[[sources]]\nurl = "a.org/feed"', "sources[0].url cannot be 'a.org/feed'; it takes an http://"),
        ('[[sources]]\nurl = "https://a.org/"\npassword = "x"', "(did you mean password_file?)"),
        ('[[sources]]\nurl = "https://a.org/"\npassword_file = "x"', "password_file needs a username"),
        ('[[sources]]\npath = "x"\nusername = "me"', "username means nothing for a folder"),
        ('[[sources]]\nurl = "https://a.org/"\ninclude = ["*"]', "include means nothing for a feed"),
        (
            '[[sources]]\nurl = "https://a.org/"\n[[sources]]\nurl = "https://a.org/"',
            "line 3: https://a.org/ is declared twice, first in",
        ),
        ("[web\nport = 1", "is no TOML"),
        ("a = " + "[" * 5000, "is no TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_place_and_mend(tmp_path: Path, text: str, said: str) -> None:
    message = refused(tmp_path, text)
    assert message.startswith(str(tmp_path / "wirewatch.toml"))
    assert said in message


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WIREWATCH_WEB_PROT", "1", "did you mean WIREWATCH_WEB_PORT?"),
        ("WIREWATCH_WEB_PORT", "x", "web.port cannot be 'x'; it takes a whole number"),
        ("WIREWATCH_LOG_JSON", "maybe", "it takes true or false"),
        ("WIREWATCH_CONFIG", "absent.toml", "absent.toml: cannot be read: No such file"),
        ("WIREWATCH_CONFIG", ".", "cannot be read: Is a directory"),
    ],
)
def test_a_wrong_variable_is_refused(tmp_path: Path, name: str, value: str, said: str) -> None:
    assert said in refused(tmp_path, **{name: value})


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, "[web]\nport = -1\nhost = 3\n", WIREWATCH_LOG_LEVEL="loud")
    assert len(message.splitlines()) == 3


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wirewatch.toml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as UTF-8" in refused(tmp_path)


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    load(
        tmp_path,
        WIREWATCH_SERVICE_HOST="10.0.0.1",
        WIREWATCH_PORT="tcp://10.0.0.1:80",
        WIREWATCH_PORT_80_TCP_ADDR="10.0.0.1",
        WIREWATCH_TEST_POSTGRES="postgresql://x/y",
    )


# -- values --------------------------------------------------------------------------------------------


def test_values_are_read_as_people_write_them(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [http]
        max_size = "5 MiB"
        allow_private_networks = ["192.168.0.0/16", "fd00::/8"]
        allowed_ports = [80, "8000-8999"]
        hosts."Example.org" = { per_host = 4, gap = "0" }
        [schedule]
        feeds = "every 1h30m"
        [folders]
        include = "*.txt"
        day_first = false
        [seeds]
        import = false
        [topics]
        file = "own/topics.toml"
        """,
        WIREWATCH_FOLDERS_EXCLUDE="*.bak, tmp/**,",
        WIREWATCH_LOG_JSON="on",
        WIREWATCH_SCHEDULE_JITTER="0.25",
    )
    assert settings.http.max_size == 5 << 20
    assert settings.http.allow_private_networks == ("192.168.0.0/16", "fd00::/8")
    assert settings.http.allowed_ports == "80, 8000-8999"
    assert settings.http.hosts["example.org"].per_host == 4
    assert settings.http.hosts["example.org"].gap == timedelta()
    assert settings.schedule.feeds == "every 1h30m"
    assert settings.folders.include == ("*.txt",)
    assert settings.folders.exclude == ("*.bak", "tmp/**")
    assert settings.folders.day_first is False
    assert settings.seeds.import_ is False
    assert settings.topics.file == tmp_path / "own/topics.toml"
    assert settings.log.json is True
    assert settings.schedule.jitter == 0.25


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("no", False), ("10.0.0.0/8, fd00::/8", ("10.0.0.0/8", "fd00::/8"))],
)
def test_networks_fit_into_a_variable(tmp_path: Path, text: str, value: object) -> None:
    settings = load(tmp_path, WIREWATCH_HTTP_ALLOW_PRIVATE_NETWORKS=text)
    assert settings.http.allow_private_networks == value


def test_declared_sources_become_specs(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [schedule]
        feeds = "every 20m"
        [[sources]]
        url = "https://example.org/feed.xml"
        title = "Example"
        group = "press/wire"
        allow_private = true
        username = "me"
        password_file = "secret"
        headers = { X-Key = "abc" }
        priors = { sanctions = 0.5 }
        [[sources]]
        path = "inbox"
        schedule = "every 5s"
        include = ["*.txt", "*.html"]
        day_first = true
        [[sources]]
        path = "other"
        """,
    )
    feed, inbox, other = source_specs(settings)

    assert (feed.location, feed.kind) == ("https://example.org/feed.xml", SourceKind.FEED)
    assert (feed.title, feed.group, feed.schedule, feed.declared) == (
        "Example",
        "press/wire",
        "every 20m",
        True,
    )
    assert feed.options == {
        "allow_private": True,
        "username": "me",
        "password_file": str(tmp_path / "secret"),
        "header.X-Key": "abc",
        "prior.sanctions": 0.5,
    }
    assert (inbox.location, inbox.kind, inbox.schedule) == (
        str(tmp_path / "inbox"),
        SourceKind.FOLDER,
        "every 5s",
    )
    assert inbox.options == {"include": "*.txt\n*.html", "day_first": True}
    assert other.schedule == "every 30s"


def test_every_setting_has_a_variable_of_its_own_and_says_what_it_means() -> None:
    known = all_settings()
    assert len({variable(key) for key in known}) == len(known)
    for key, one in known.items():
        assert one.metadata["meaning"], key
        assert one.metadata["kind"].allowed, key


def test_every_default_is_a_value_that_its_setting_takes(tmp_path: Path) -> None:
    for key, one in all_settings().items():
        shown = one.metadata["kind"].show(one.default)
        if shown is not None and key != "database":
            assert one.metadata["kind"].read(shown) == one.default, key


@given(st.integers(min_value=0, max_value=10**9))
def test_durations_are_read_as_they_are_written(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(value)) == value


@given(st.integers(min_value=0, max_value=1 << 50))
def test_sizes_are_read_as_they_are_written(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("text", ["", "5", "m", "1x", "-5m", "1m 30s", "1e3s", "٣m", "9" * 400 + "w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is"):
        parse_duration(text)


def test_importing_the_settings_costs_little() -> None:
    """Compared with what an interpreter with data classes costs anyway; the best of a few runs."""
    base = "import re, typing, dataclasses, pathlib, urllib.parse, tomllib, difflib"
    cost = min(_cpu("import service.settings") for _ in range(3)) - min(_cpu(base) for _ in range(3))
    assert cost < 0.1


def _cpu(program: str) -> float:
    code = f"import time; start = time.process_time(); exec({program!r}); print(time.process_time() - start)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)
