"""``wirewatch`` itself: its commands are loaded when they are called, so that ``--help`` stays quick."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import NamedTuple

import click

from service.cli.state import State, shared_options


class Entry(NamedTuple):
    """A command before it is loaded."""

    module: str
    help: str  # the first line of its help; a test holds the two together
    section: str


COMMANDS: dict[str, Entry] = {
    "run": Entry("run", "Run the daemon: poll what is due, label it, serve the page.", "Working"),
    "serve": Entry("serve", "Serve the page alone: nothing is polled, nothing written.", "Working"),
    "poll": Entry("poll", "Look at sources now, once.", "Working"),
    "import": Entry("importing", "Import files and folders, once.", "Working"),
    "sources": Entry("sources", "Add, list, pause and remove feeds and folders.", "Working"),
    "articles": Entry("articles", "List articles by topic, time, source and words.", "Asking"),
    "show": Entry("show", "Show an article, and why it carries its topics.", "Asking"),
    "timeline": Entry("timeline", "Draw how many articles came, by topic and day.", "Asking"),
    "stats": Entry("stats", "Count what is stored, by topic, source, language and verdict.", "Asking"),
    "export": Entry(
        "export", "Write articles with their topics, scores, evidence and verdicts to a file.", "Asking"
    ),
    "explain": Entry("explain", "Say how a text would be labelled, and why.", "Asking"),
    "topics": Entry("topics", "List the topics, with how many articles carry each.", "Asking"),
    "status": Entry("status", "Show how the whole stands.", "Asking"),
    "doctor": Entry("doctor", "Look at everything, and say what to do.", "Asking"),
    "label": Entry("label", "Say yes or no to topics of an article.", "Keeping"),
    "retag": Entry("retag", "Label stored articles again, where the topics have changed since.", "Keeping"),
    "train": Entry("train", "Learn from the verdicts that people gave.", "Keeping"),
    "evaluate": Entry("evaluate", "Measure how right the labels are, against graded articles.", "Keeping"),
    "token": Entry("token", "Make, list and revoke tokens for the HTTP API and the feeds.", "Keeping"),
    "config": Entry("config", "Show the settings in force, and where each came from.", "Keeping"),
    "prune": Entry("prune", "Delete articles that need not be kept, the first seen ones first.", "Keeping"),
    "compact": Entry("compact", "Give the room of deleted articles back to the disk.", "Keeping"),
    "backup": Entry("backup", "Make a backup of the database and of what was learned.", "Keeping"),
    "restore": Entry(
        "restore", "Put a backup back in the place of the database, or into a new one.", "Keeping"
    ),
    "migrate": Entry("migrate", "Bring the database up to this version.", "Keeping"),
    "password": Entry(
        "password", "Make what is kept of a password that people sign in to the page with.", "Keeping"
    ),
    "completion": Entry("completion", "Print a script that completes commands in your shell.", "Keeping"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported from `COMMANDS` when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module; its attribute ``command`` is it."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = import_module(f"service.cli.{entry.module}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a guess at what was meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise click.UsageError(f"no such command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands by section, from the table alone."""
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, entry.help) for name, entry in COMMANDS.items() if entry.section == section]
                )


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            click.echo(f"wirewatch {version('wirewatch')}")
        except PackageNotFoundError:
            click.echo("wirewatch (a checkout that is not installed)")
        ctx.exit()


EPILOG = """\b
Examples:
  wirewatch run                              start; the page is at http://127.0.0.1:8077/
  wirewatch sources add https://example.org/feed.xml
  wirewatch articles --topic sanctions --since 7d
  wirewatch show 3                           why does article 3 carry its topics?

\b
Every command has --help with examples. Exit codes: 0 done, 1 some of the work failed,
2 wrong usage or settings, 3 not found, 4 the database cannot be used, 5 the daemon
cannot start, 70 a fault of Wirewatch.
"""


@click.command(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@shared_options
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
@click.pass_context
def wirewatch(ctx: click.Context) -> None:
    """Watch news feeds and folders, label every article by topic, and answer questions about them."""
    ctx.ensure_object(State)


__all__ = ["COMMANDS", "Entry", "LazyGroup", "wirewatch"]
