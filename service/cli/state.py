"""What every command has at hand: the settings, the database, the time; and the options that all share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from models.database import Database
    from service.settings import Settings
    from service.tagging import Taxonomy

F = TypeVar("F", bound=Callable[..., Any])
_LEVELS = ("error", "info", "debug", "trace")  # what a command logs by -v; it tells its failures itself


@dataclass
class State:
    """Made once a run, handed to the command by click."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    config: Path | None = None
    verbose: int = 0

    @cached_property
    def settings(self) -> Settings:
        """The settings in force. Raises SettingsError."""
        from service.settings import load_settings  # noqa: PLC0415 - --help does without

        return load_settings(self.config, self.environ, Path.cwd())

    def taxonomy(self, file: Path | None = None) -> Taxonomy:
        """The topics in force, or those of another file; with what this installation learned."""
        from service.tagging import load_topics  # noqa: PLC0415 - it reads every rule

        topics = self.settings.topics
        return load_topics(file or topics.file, topics.weights, topics.learned)

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def start_logging(self, *, daemon: bool = False) -> None:
        """Log to standard error: the daemon as the settings say, a command only what is amiss."""
        from service.logs import configure  # noqa: PLC0415 - loguru costs more than most questions

        level = self.settings.log.level if daemon else _LEVELS[min(self.verbose, len(_LEVELS) - 1)]
        if daemon and self.verbose and level not in {"debug", "trace"}:
            level = "debug"
        configure(level, self.settings.log.json, None, self.environ)

    @contextmanager
    def database(self, *, create: bool = False, any_schema: bool = False) -> Iterator[Database]:
        """The open database, its schema checked; a new one gets its schema where ``create`` allows it.

        With ``any_schema`` it may be of an older program: for what only takes it as a whole.
        Print nothing inside: what fails there is taken for a failure of the database.
        """
        from models import migrate  # noqa: PLC0415 - Peewee is what importing models costs
        from models.database import open_database  # noqa: PLC0415
        from models.errors import DatabaseUnavailable  # noqa: PLC0415

        path = self.settings.sqlite_path
        if path is not None and not create and not path.exists():
            raise DatabaseUnavailable(
                f"there is no database at {path} yet: start 'wirewatch run' (or 'wirewatch import --seeds'), "
                "or name another one with WIREWATCH_DATABASE"
            )
        timeout = self.settings.storage.busy_timeout.total_seconds()
        database = open_database(self.settings.database, busy_timeout=timeout)
        try:
            if create and not migrate.schema_version(database):
                migrate.migrate(database)
            elif any_schema:
                migrate.pending(database)  # raises where it is of a newer program
            else:
                migrate.check(database)
            yield database
        finally:
            database.close()


def _set_config(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.ensure_object(State).config = value


def _set_verbose(ctx: click.Context, _: click.Parameter, value: int) -> None:
    if value:
        ctx.ensure_object(State).verbose = value


def shared_options(function: F) -> F:
    """``--config`` and ``--verbose``, before or after the name of a command."""
    function = click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_set_verbose,
        help="Log more; -vv still more.",
    )(function)
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        expose_value=False,
        callback=_set_config,
        help="Read the settings from this file.",
    )(function)


def define(
    name: str, *, examples: str, cls: type[click.Command] = click.Command
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a function a command: it gets the `State` first, and gives the exit code (None: 0).

    The first line of its docstring is its help in the list of commands (`service.cli.group.COMMANDS`).
    """

    def decorate(function: Callable[..., int | None]) -> click.Command:
        decorated = shared_options(click.pass_obj(function))
        epilog = f"\b\nExamples:\n{_indented(examples)}"
        return click.command(name, cls, epilog=epilog, no_args_is_help=False)(decorated)

    return decorate


def _indented(examples: str) -> str:
    return "\n".join(f"  {line.strip()}" for line in examples.strip().splitlines())


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
