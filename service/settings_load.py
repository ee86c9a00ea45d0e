"""From a file, variables and credentials to `Settings`: everything that is wrong is found, and said at once.

Later ones win: the defaults, ``wirewatch.toml``, systemd's credentials, ``WIREWATCH_*`` variables. A secret
``NAME`` may be given as ``NAME_file``: a path, or the name of a credential (systemd.exec(5)); a credential
that is called as the setting ("database", "http.proxy") is taken without being asked for.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import Field
from pathlib import Path
from typing import Any

from service.errors import SettingsError
from service.settings_kinds import FilePath, Kind, Maybe
from service.settings_schema import (
    SECTIONS,
    HostLimits,
    Settings,
    SourceSettings,
    all_settings,
    settings_of,
    variable,
)

NAME = "wirewatch.toml"
SYSTEM_FOLDER = Path("/etc/wirewatch")
CONFIG_VARIABLE = "WIREWATCH_CONFIG"
PREFIX = "WIREWATCH_"

_MAX_FILE = 4_000_000  # bytes
_MAX_SECRET = 65_536
_MAX_FOUND = 60  # characters of a wrong value that are repeated
# Of the tests, and of Kubernetes, which describes a service called "wirewatch" in these.
_FOREIGN = re.compile(r"WIREWATCH_(?:CONFIG|SHARED|TEST_.*|SERVICE_(?:HOST|PORT.*)|PORT(?:_\d.*)?)")
_HEADER = re.compile(r"\s*\[(\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")


def find_file(
    path: Path | None, environ: Mapping[str, str], cwd: Path, system: Path = SYSTEM_FOLDER
) -> Path | None:
    """The file that holds: the one named, else ``WIREWATCH_CONFIG``, else one in ``cwd`` or ``system``."""
    if path is not None:
        return cwd / path.expanduser()
    if environ.get(CONFIG_VARIABLE):
        return cwd / Path(environ[CONFIG_VARIABLE]).expanduser()
    for folder in (cwd, system):
        try:
            if (folder / NAME).is_file():
                return folder / NAME
        except OSError as error:
            raise SettingsError(f"{folder / NAME}: cannot be read: {error.strerror}") from error
    return None


def load(
    path: Path | None, environ: Mapping[str, str], cwd: Path, *, system: Path = SYSTEM_FOLDER
) -> Settings:
    """Read and check everything. Raises SettingsError, one line for each thing that is wrong."""
    loader = _Loader(environ, cwd)
    file = find_file(path, environ, cwd, system)
    if file is not None:
        loader.read_document(file)
    loader.read_credentials()
    loader.read_variables()
    return loader.settings(file)


def source_from(table: Mapping[str, object], base: Path, environ: Mapping[str, str]) -> SourceSettings:
    """A source from a table as the file has them, relative paths from ``base``. Raises SettingsError."""
    loader = _Loader(environ, base)
    loader.base = base
    source = loader.read_source(table)
    if source is None:
        raise SettingsError("; ".join(loader.problems))
    return source


class _Loader:
    """Gathers values with their origins, and what is wrong."""

    def __init__(self, environ: Mapping[str, str], cwd: Path) -> None:
        self._environ = environ
        self._cwd = cwd
        self._known = all_settings()
        self._secrets = {f"{key}_file": key for key, one in self._known.items() if one.metadata["secret"]}
        self._values: dict[str, Any] = {}
        self._origins: dict[str, str] = {}
        self._hosts: dict[str, HostLimits] = {}
        self._sources: list[SourceSettings] = []
        self.problems: list[str] = []
        self._file: Path | None = None
        self.base = cwd  # of relative paths in the file
        self._lines: dict[str, int] = {}

    # -- the file --------------------------------------------------------------------------------------

    def read_document(self, file: Path) -> None:
        """All of ``wirewatch.toml``."""
        text = _read(file, _MAX_FILE)
        try:
            document = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise SettingsError(f"{file}: is no TOML: {error}") from error
        self._file, self.base, self._lines = file, file.parent, _lines(text)
        tops = {key.partition(".")[0] for key in self._known} | {"sources"}
        tops |= {key for key in self._secrets if "." not in key}
        for name, raw in document.items():
            if name == "sources":
                self._read_sources(raw)
            elif name in SECTIONS:
                self._read_section(name, raw)
            elif name in self._known or name in self._secrets:
                self._set(name, raw, document)
            else:
                self._unknown(name, name, tops, "the file")

    def _read_section(self, name: str, raw: object) -> None:
        if not isinstance(raw, dict):
            self.problems.append(f"{self._where(name)}: {name} must be a table: [{name}]")
            return
        inside = {
            key.partition(".")[2] for key in (*self._known, *self._secrets) if key.startswith(f"{name}.")
        }
        if name == "http":
            inside.add("hosts")
        for key, value in raw.items():
            if name == "http" and key == "hosts":
                self._read_hosts(value)
            elif key in inside:
                self._set(f"{name}.{key}", value, {f"{name}.{one}" for one in raw})
            else:
                self._unknown(f"{name}.{key}", key, inside, f"[{name}]")

    def _set(self, key: str, raw: object, given: Collection[str]) -> None:
        """One setting of the file, or the name of a file with it."""
        where = self._where(key)
        if key in self._secrets:
            if self._secrets[key] in given:
                self.problems.append(f"{where}: {key} and {self._secrets[key]} are both given; keep one")
            elif isinstance(raw, str):
                self._from_file(self._secrets[key], raw, self.base, f"{key} in {where}")
            else:
                self._refuse(where, key, raw, "a path, or the name of a credential")
            return
        one = self._known[key]
        try:
            value = one.metadata["kind"].read(raw)
        except ValueError:
            self._refuse(where, key, raw, one.metadata["kind"].allowed, secret=one.metadata["secret"])
        else:
            self._keep(key, value, self.base, where)

    def _read_hosts(self, raw: object) -> None:
        if not isinstance(raw, dict) or not all(isinstance(limits, dict) for limits in raw.values()):
            where = self._where("http.hosts")
            self.problems.append(f'{where}: http.hosts must hold tables: [http.hosts."example.org"]')
            return
        from service.clean.urls import registrable_domain  # noqa: PLC0415 - few settings need it

        for host, limits in raw.items():
            domain = registrable_domain(f"https://{host}/")
            if domain != host.lower():
                where = self._where(f"http.hosts.{host}")
                meant = f"write {domain!r}, which" if domain else "a domain such as 'example.org'"
                self._tell(where, f"http.hosts cannot have {host!r}: {meant} holds for all of its hosts")
                continue
            values = self._read_table(f"http.hosts.{host}", HostLimits, limits, '[http.hosts."…"]')
            self._hosts[domain] = HostLimits(**values)

    def _read_sources(self, raw: object) -> None:
        if not isinstance(raw, list) or not all(isinstance(table, dict) for table in raw):
            self.problems.append(f"{self._where('sources')}: sources must be tables: [[sources]]")
            return
        places: dict[str, str] = {}
        for number, table in enumerate(raw):
            where = self._where(f"sources[{number}]")
            source = self.read_source(table, f"sources[{number}]")
            if source is None:
                continue
            if source.location in places:
                first = places[source.location]
                self.problems.append(f"{where}: {source.location} is declared twice, first in {first}")
            places.setdefault(source.location, where)
            self._sources.append(source)

    def read_source(self, table: Mapping[str, object], name: str = "") -> SourceSettings | None:
        """A source, or None where something is wrong with it."""
        before = len(self.problems)
        source = SourceSettings(**self._read_table(name, SourceSettings, table, "[[sources]]"))
        if len(self.problems) == before:
            for problem in _source_problems(source):
                self._tell(self._where(name), problem)
        return source if len(self.problems) == before else None

    def _read_table(
        self, name: str, section: type[Any], table: Mapping[str, object], called: str
    ) -> dict[str, Any]:
        """The settings of a table that stands for itself: a source, a host's limits."""
        known = dict(settings_of(section))
        values = {}
        for key, raw in table.items():
            one = known.get(key)
            dotted = f"{name}.{key}" if name else key
            if one is None:
                self._unknown(dotted, key, known, called)
                continue
            kind: Kind[Any] = one.metadata["kind"]
            try:
                values[one.name] = self._absolute(kind, kind.read(raw), self.base, key)
            except ValueError:
                self._refuse(self._where(dotted), dotted, raw, kind.allowed, secret=one.metadata["secret"])
        return values

    # -- credentials and variables ---------------------------------------------------------------------

    def read_credentials(self) -> None:
        """Credentials that are called as a secret setting."""
        folder = self._environ.get("CREDENTIALS_DIRECTORY")
        for key in self._secrets.values() if folder else ():
            place = Path(folder or "") / key
            if place.is_file():
                self._from_file(key, str(place), self._cwd, "credential")

    def read_variables(self) -> None:
        """``WIREWATCH_*``; an empty one counts as not set."""
        variables = {variable(key): key for key in (*self._known, *self._secrets)}
        for name, text in sorted(self._environ.items()):
            if not name.startswith(PREFIX) or not text or _FOREIGN.fullmatch(name):
                continue
            key = variables.get(name)
            if key is None:
                close = _close(name, variables)
                self.problems.append(
                    f"{name}: there is no such variable{close}; 'wirewatch config' lists all"
                )
            elif key in self._secrets:
                if self._environ.get(variable(self._secrets[key])):
                    self.problems.append(f"{name} and {variable(self._secrets[key])} are both set; keep one")
                else:
                    self._from_file(self._secrets[key], text, self._cwd, name)
            else:
                self._read_variable(name, key, self._known[key], text)

    def _read_variable(self, name: str, key: str, one: Field[Any], text: str) -> None:
        try:
            value = one.metadata["kind"].read_text(text)
        except ValueError:
            self._refuse(name, key, text, one.metadata["kind"].allowed, secret=one.metadata["secret"])
        else:
            self._keep(key, value, self._cwd, name)

    def _from_file(self, key: str, text: str, base: Path, origin: str) -> None:
        place = self._secret_path(Path(text), base)
        one = self._known[key]
        try:
            value = one.metadata["kind"].read(_read(place, _MAX_SECRET).strip())
        except SettingsError as error:
            self.problems.append(f"{origin}: {error}")
        except ValueError:
            self.problems.append(f"{origin}: {place} does not hold {one.metadata['kind'].allowed}")
        else:
            self._keep(key, value, place.parent, f"{place} ({origin})")

    # -- together --------------------------------------------------------------------------------------

    def settings(self, file: Path | None) -> Settings:
        """What was gathered, once nothing is wrong."""
        if "database" not in self._values:
            folder, origin = data_folder(self._environ)
            self._values["database"], self._origins["database"] = str(folder / "wirewatch.db"), origin
        beside = self._values["database"]
        if "://" in beside:
            beside = str(data_folder(self._environ)[0] / "wirewatch.db")
        self._values.setdefault("topics.learned", Path(f"{beside}.learned"))
        backups = self._environ.get("BACKUPS_DIRECTORY") or f"{beside}.backups"
        self._values.setdefault("backup.folder", Path(backups))
        sections = {
            name: section(
                **{
                    one.name: self._values[f"{name}.{key}"]
                    for key, one in settings_of(section)
                    if f"{name}.{key}" in self._values
                },
                **({"hosts": self._hosts} if name == "http" else {}),
            )
            for name, section in SECTIONS.items()
        }
        settings = Settings(
            database=self._values["database"],
            sources=tuple(self._sources),
            path=file,
            origins={key: self._origins.get(key, "default") for key in self._known},
            **sections,
        )
        if settings.schedule.floor > settings.schedule.ceiling:
            origins = {settings.origins[f"schedule.{name}"] for name in ("floor", "ceiling")} - {"default"}
            self.problems.append(f"{' and '.join(sorted(origins))}: schedule.floor is above schedule.ceiling")
        if self.problems:
            raise SettingsError("\n".join(self.problems))
        return settings

    def _keep(self, key: str, value: Any, base: Path, origin: str) -> None:
        if key == "database" and "://" not in value:
            value = str(_absolute(Path(value).expanduser(), base))
        self._values[key] = self._absolute(self._known[key].metadata["kind"], value, base, key)
        self._origins[key] = origin

    def _absolute(self, kind: Kind[Any], value: Any, base: Path, key: str) -> Any:
        if not isinstance(kind, Maybe) or not isinstance(kind.kind, FilePath):
            return value
        return self._secret_path(value, base) if key.endswith("_file") else _absolute(value, base)

    def _secret_path(self, path: Path, base: Path) -> Path:
        folder = self._environ.get("CREDENTIALS_DIRECTORY")
        if folder and len(path.parts) == 1 and (Path(folder) / path).is_file():
            return Path(folder) / path
        return _absolute(path.expanduser(), base)

    def _where(self, key: str) -> str:
        """Where a key stands, "" where there is no file."""
        line = self._lines.get(key)
        return f"{self._file}, line {line}" if line else str(self._file or "")

    def _tell(self, where: str, problem: str) -> None:
        self.problems.append(f"{where}: {problem}" if where else problem)

    def _unknown(self, key: str, name: str, known: Collection[str], place: str) -> None:
        takes = ", ".join(sorted(known))
        self._tell(self._where(key), f"there is no setting {key}{_close(name, known)}; {place} takes {takes}")

    def _refuse(self, where: str, key: str, raw: object, allowed: str, *, secret: bool = False) -> None:
        found = "what it holds" if secret else _found(raw)
        self._tell(where, f"{key} cannot be {found}; it takes {allowed}")


def data_folder(environ: Mapping[str, str]) -> tuple[Path, str]:
    """Where the database lies when nothing is said, and why there."""
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if state:
        return Path(state), "default (STATE_DIRECTORY)"
    data = environ.get("XDG_DATA_HOME", "")
    if data.startswith("/"):
        return Path(data) / "wirewatch", "default (XDG_DATA_HOME)"
    from platformdirs import user_data_path  # noqa: PLC0415 - not needed where the database is named

    return user_data_path("wirewatch", appauthor=False), "default"


def _source_problems(source: SourceSettings) -> Iterable[str]:
    if (source.url is None) == (source.path is None):
        yield "a source has either url (a feed) or path (a folder)"
        return
    if source.url is None:
        of_feeds = ("username", "password_file", "headers", "proxy", "full_text")
        wrong = [name for name in of_feeds if getattr(source, name)]
    else:
        wrong = [name for name in ("include", "exclude") if getattr(source, name)]
    kind = "folder" if source.url is None else "feed"
    for name in wrong:
        yield f"{name} means nothing for a {kind} ({source.location})"
    if source.password_file and not source.username:
        yield f"password_file needs a username, too ({source.location})"


def _absolute(path: Path, base: Path) -> Path:
    return path if path.is_absolute() else (base / path).absolute()


def _read(path: Path, most: int) -> str:
    try:
        with path.open("rb") as file:
            body = file.read(most + 1)
        if len(body) > most:
            raise SettingsError(f"{path}: is larger than {most} bytes; is it the right file?")
        return body.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # no UTF-8, or a NUL in the path
        raise SettingsError(f"{path}: cannot be read as UTF-8 text") from error


def _lines(text: str) -> dict[str, int]:
    """On which line keys stand, as far as a look at each line can tell: "web.port", "sources[0].url" …"""
    found: dict[str, int] = {}
    table, counts = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.fullmatch(line)
        if header:
            table = ".".join(part.strip(" \"'") for part in _parts(header[2]))
            if header[1]:
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            name = ".".join(part.strip("\"'") for part in _parts(key[1]))
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _parts(name: str) -> list[str]:
    return re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", name)


def _close(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""


def _found(raw: object) -> str:
    text = repr(raw) if not isinstance(raw, bool) else str(raw).lower()
    return text if len(text) <= _MAX_FOUND else f"{text[:_MAX_FOUND]}…"
