"""Every setting there is: its name, kind, default and meaning. The loader, ``wirewatch config``, the README's
table and the annotated example follow from here.

A section is a frozen data class, a setting a field made by `setting`. A field called ``import_`` is written
``import``. For a secret ``NAME`` there is also ``NAME_file`` (see `service.settings_load`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from service.settings_field import NOTHING, setting
from service.settings_kinds import (
    Boolean,
    Checked,
    Choice,
    Decimal,
    Duration,
    FilePath,
    Integer,
    Maybe,
    Networks,
    Ports,
    Size,
    Table,
    Text,
    Texts,
)
from service.settings_schema_care import Backup, Retention
from service.settings_schema_web import Api, Web, Websub
from service.settings_units import database_address, format_duration, schedule, web_address

_SCHEDULE = Checked(
    '"adaptive", "every 15m", or a cron expression such as "0 6 * * mon-fri" (UTC, or TZ=Europe/Berlin …)',
    schedule,
)
_WEB_ADDRESS = Checked("an http:// or https:// address", web_address)
_FULL_TEXT = Choice("off", "auto", "on")


@dataclass(frozen=True, kw_only=True)
class Log:
    """What is logged, and how."""

    level: str = setting(
        Choice("trace", "debug", "info", "warning", "error"), "info", "the least severe messages to log"
    )
    json: bool = setting(Boolean(), False, "one JSON object a line instead of lines for people")


@dataclass(frozen=True, kw_only=True)
class HostLimits:
    """Other limits for one registrable domain: `[http.hosts."example.org"]`."""

    per_host: int | None = setting(
        Maybe(Integer(1, 64)), None, "requests at a time to this domain, instead of http.per_host"
    )
    gap: timedelta | None = setting(
        Maybe(Duration("0s", "1h")), None, "pause between requests to this domain, instead of http.gap"
    )


@dataclass(frozen=True, kw_only=True)
class Http:
    """How feeds are fetched."""

    contact: str | None = setting(
        Maybe(Text()),
        None,
        "an e-mail or web address for the User-Agent, so that publishers can reach you",
        example="editor@example.org",
    )
    timeout: timedelta = setting(
        Duration("1s", "1h"), timedelta(seconds=60), "the longest that one whole fetch may take"
    )
    connect_timeout: timedelta = setting(
        Duration("100ms", "10m"), timedelta(seconds=15), "the longest that a connection may take"
    )
    read_timeout: timedelta = setting(
        Duration("100ms", "10m"), timedelta(seconds=30), "the longest silence in the middle of an answer"
    )
    max_size: int = setting(Size("1KB", "1GB"), 10_000_000, "the largest body read, after decompression")
    proxy: str | None = setting(
        Maybe(_WEB_ADDRESS),
        None,
        "a proxy for all fetches, perhaps with a password in it",
        secret=True,
        example="http://me:password@proxy.example:3128",
    )
    allow_private_networks: bool | tuple[str, ...] = setting(
        Networks(),
        False,
        "private addresses that every source may reach: true for all, or a list of networks",
    )
    allowed_ports: str = setting(
        Ports(), "80, 443, 8000-8999", "ports that may be reached on public addresses"
    )
    per_host: int = setting(Integer(1, 64), 2, "requests at a time to one registrable domain")
    gap: timedelta = setting(
        Duration("0s", "1h"), timedelta(seconds=1), "pause between two requests to one registrable domain"
    )
    hosts: Mapping[str, HostLimits] = field(default_factory=dict, metadata={"sections": HostLimits})


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When sources are looked at, and by how many at a time."""

    tick: timedelta = setting(
        Duration("50ms", "5m"), timedelta(seconds=1), "how often the daemon claims what is due"
    )
    feeds: str = setting(_SCHEDULE, "adaptive", "the schedule of feeds that name none")
    rescan: timedelta = setting(
        Duration("1s", "7d"), timedelta(seconds=30), "how often folders that name no schedule are scanned"
    )
    floor: timedelta = setting(
        Duration("1s", "7d"), timedelta(minutes=15), "the shortest interval of an adaptive schedule"
    )
    ceiling: timedelta = setting(
        Duration("1m", "30d"), timedelta(hours=24), "the longest interval, also after failures"
    )
    jitter: float = setting(
        Decimal(0.0, 0.5), 0.1, "the random part of an interval, so that sources do not march in step"
    )
    lease: timedelta = setting(
        Duration("10s", "1d"), timedelta(minutes=10), "how long a claimed source is kept from other processes"
    )
    fetches: int = setting(Integer(1, 1000), 32, "fetches at a time")
    workers: int = setting(Integer(1, 64), 2, "processes that parse and tag")
    parse_deadline: timedelta = setting(
        Duration("1s", "1h"), timedelta(seconds=30), "the longest that one document may take to be read"
    )
    stop_deadline: timedelta = setting(
        Duration("1s", "10m"), timedelta(seconds=20), "the longest that the daemon takes to stop"
    )


@dataclass(frozen=True, kw_only=True)
class Feeds:
    """How feeds are read, where a source says nothing else."""

    full_text: str = setting(
        _FULL_TEXT,
        "off",
        "whether the pages of new entries are fetched for their text; auto: where a feed carries summaries",
    )


@dataclass(frozen=True, kw_only=True)
class Folders:
    """How folders of documents are read, where a source says nothing else."""

    watch: bool = setting(
        Boolean(), True, "whether the daemon scans a folder at once when something changes in it (inotify)"
    )
    still_for: timedelta = setting(
        Duration("0s", "1d"), timedelta(seconds=2), "how long a file must be unchanged before it is read"
    )
    max_file_size: int = setting(
        Size("1KB", "4GB"), 20_000_000, "the largest document read, by itself or in an archive"
    )
    max_container_size: int = setting(
        Size("1KB", "100GB"), 2_000_000_000, "the largest archive, mailbox or list of articles read"
    )
    max_unpacked_size: int = setting(
        Size("1KB", "100GB"), 4_000_000_000, "the most that one of them may unpack to"
    )
    max_entries: int = setting(
        Integer(1, 100_000_000), 1_000_000, "the most files, messages and records read of one of them"
    )
    timeout: timedelta = setting(
        Duration("1s", "1h"), timedelta(minutes=1), "how long a mount may not answer until it counts as gone"
    )
    include: tuple[str, ...] = setting(
        Texts("file patterns"), (), 'only files like these: "*.txt", "news/**"'
    )
    exclude: tuple[str, ...] = setting(
        Texts("file patterns"),
        ("*.opml", "*.py", "*.pyc", "*.js", "*.css", "*.sh", "*.toml", "*.yaml", "*.yml"),
        "no files like these: programs, their settings and subscription lists are no articles",
    )
    day_first: bool | None = setting(
        Maybe(Boolean()),
        None,
        "whether 03/04/2024 is the 3rd of April; unset: as the text's language has it",
        example=True,
    )


@dataclass(frozen=True, kw_only=True)
class Topics:
    """What articles are tagged with."""

    file: Path | None = setting(
        Maybe(FilePath()),
        None,
        "a topics file of your own, instead of the one that is part of the program",
        example="/etc/wirewatch/topics.toml",
    )
    weights: Path | None = setting(
        Maybe(FilePath()),
        None,
        "a weights file for them, instead of the one that is part of the program",
        example="/etc/wirewatch/weights.json",
    )
    learned: Path | None = setting(
        Maybe(FilePath()),
        None,
        "the folder for what 'wirewatch train' learns; unset: beside the database, ending in .learned",
        example="/var/lib/wirewatch/wirewatch.db.learned",
    )
    relabel: bool = setting(
        Boolean(), True, "whether the daemon labels stored articles again after the topics have changed"
    )


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """The articles that show a fresh installation what it does."""

    import_: bool = setting(Boolean(), True, "whether the first start imports the seed articles")


@dataclass(frozen=True, kw_only=True)
class Storage:
    """How the database is used."""

    busy_timeout: timedelta = setting(
        Duration("100ms", "10m"), timedelta(seconds=30), "how long to wait for another process's lock"
    )
    keep_polls: timedelta = setting(
        Duration("1d", "3650d"), timedelta(days=90), "how long the log of polls is kept"
    )
    reserve: int = setting(
        Size("0B", "1000GB"),
        100_000_000,
        "bytes to be left free where the SQLite file lies: with less the daemon does not poll",
    )


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """A declared source: one `[[sources]]` table, a feed by `url` or a folder by `path`."""

    url: str | None = setting(Maybe(_WEB_ADDRESS), None, "a feed's address")
    path: Path | None = setting(Maybe(FilePath()), None, "a folder of documents")
    title: str | None = setting(Maybe(Text()), None, "what to call it; unset: what the feed calls itself")
    group: str | None = setting(Maybe(Text()), None, 'where lists show it, "parent/child"')
    schedule: str | None = setting(
        Maybe(_SCHEDULE), None, "when to look; unset: schedule.feeds or schedule.rescan"
    )
    allow_private: bool = setting(Boolean(), False, "whether it may be at a private or loopback address")
    username: str | None = setting(Maybe(Text()), None, "for HTTP basic authentication")
    password_file: Path | None = setting(Maybe(FilePath()), None, "a file or credential with the password")
    headers: Mapping[str, str] = setting(
        Table("header names with texts", Text()), NOTHING, "headers to send", secret=True
    )
    proxy: str | None = setting(
        Maybe(_WEB_ADDRESS), None, "a proxy for this source, instead of http.proxy", secret=True
    )
    include: tuple[str, ...] = setting(Texts("file patterns"), (), "as folders.include, for this folder")
    exclude: tuple[str, ...] = setting(Texts("file patterns"), (), "as folders.exclude, for this folder")
    full_text: str | None = setting(Maybe(_FULL_TEXT), None, "as feeds.full_text, for this feed")
    day_first: bool | None = setting(Maybe(Boolean()), None, "as folders.day_first, for this source")
    keep_recurring: bool = setting(
        Boolean(), False, "whether paragraphs that recur in its articles stay in their texts"
    )
    priors: Mapping[str, float] = setting(
        Table("topics with numbers from -5 to 5", Decimal(-5.0, 5.0)),
        NOTHING,
        "topics that this source makes likelier (or, below 0, less likely), in logits",
    )

    @property
    def location(self) -> str:
        """Its address or absolute path."""
        return self.url or str(self.path)

    @property
    def options(self) -> dict[str, str | int | float | bool]:
        """What the database keeps of it, in the terms of `models.records.SourceSpec.options`: only what says
        something. Patterns are joined by line breaks."""
        options: dict[str, str | int | float | bool | None] = {
            "allow_private": self.allow_private or None,
            "username": self.username,
            "password_file": str(self.password_file) if self.password_file else None,
            "proxy": self.proxy,
            "include": "\n".join(self.include) or None,
            "exclude": "\n".join(self.exclude) or None,
            "full_text": self.full_text,
            "day_first": self.day_first,
            "keep_recurring": self.keep_recurring or None,
        }
        options |= {f"header.{name}": value for name, value in self.headers.items()}
        options |= {f"prior.{topic}": value for topic, value in self.priors.items()}
        return {name: value for name, value in options.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings in force, with where each came from. Made by `service.settings.load_settings`."""

    database: str = setting(
        Checked("a path, sqlite:///path, or postgresql://user@host/name", database_address),
        "",
        "the database: a file, or a PostgreSQL address; unset: wirewatch.db in the platform's data folder",
        secret=True,
        example="/var/lib/wirewatch/wirewatch.db",
    )
    log: Log = Log()
    http: Http = Http()
    schedule: Schedule = Schedule()
    feeds: Feeds = Feeds()
    folders: Folders = Folders()
    web: Web = Web()
    api: Api = Api()
    websub: Websub = Websub()
    topics: Topics = Topics()
    seeds: Seeds = Seeds()
    storage: Storage = Storage()
    retention: Retention = Retention()
    backup: Backup = Backup()
    sources: tuple[SourceSettings, ...] = ()
    path: Path | None = None  # the file that was read
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)  # key → where its value came from

    @property
    def sqlite_path(self) -> Path | None:
        """The database's file, or None where it is a PostgreSQL address."""
        return None if "://" in self.database else Path(self.database)

    def default_schedule(self, *, folder: bool) -> str:
        """The schedule of a source that names none."""
        return f"every {format_duration(self.schedule.rescan)}" if folder else self.schedule.feeds


SECTIONS: Mapping[str, type[Any]] = {
    "log": Log,
    "http": Http,
    "schedule": Schedule,
    "feeds": Feeds,
    "folders": Folders,
    "web": Web,
    "api": Api,
    "websub": Websub,
    "topics": Topics,
    "seeds": Seeds,
    "storage": Storage,
    "retention": Retention,
    "backup": Backup,
}


def settings_of(section: type[Any]) -> Iterator[tuple[str, Field[Any]]]:
    """The settings of a section as (name in the file, field)."""
    for one in fields(section):
        if "kind" in one.metadata:
            yield one.name.rstrip("_"), one


def all_settings() -> dict[str, Field[Any]]:
    """Every setting that has one value, by its dotted key: "database", "web.port" …"""
    found = dict(settings_of(Settings))
    for name, section in SECTIONS.items():
        found |= {f"{name}.{key}": one for key, one in settings_of(section)}
    return found


def variable(key: str) -> str:
    """The environment variable of a setting: "web.port" → WIREWATCH_WEB_PORT."""
    return "WIREWATCH_" + key.replace(".", "_").upper()
