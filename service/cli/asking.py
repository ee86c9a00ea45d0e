"""What every command that asks for articles takes: a query, and options that narrow it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from service.cli.completing import source_names, topic_names
from service.cli.moments import Moment

if TYPE_CHECKING:
    from models.records import ArticleFilter

F = TypeVar("F", bound=Callable[..., Any])
LANGUAGE = """
QUERY is plain words, "phrases", prefix*, and conditions: topic:sanctions, title:visit, source:yonhap*,
since:7d, until:2026-01-01, lang:en, score>0.7, verdict:none. A space means and; OR, NOT (or -) and
(groups) as usual. Quote it for the shell: '"panel of experts" -topic:arms'.
"""
_OPTIONS = (
    click.option(
        "--topic",
        "topics",
        multiple=True,
        shell_complete=topic_names,
        help="Carrying this topic; several: any of them.",
    ),
    click.option(
        "--not-topic",
        "not_topics",
        multiple=True,
        shell_complete=topic_names,
        help="Not carrying this topic.",
    ),
    click.option("--since", type=Moment(), help="Published from then on: 2024-06-18, yesterday, 24h, 7d."),
    click.option("--until", type=Moment(end=True), help="Published until then; a day counts to its end."),
    click.option(
        "--source",
        "sources",
        multiple=True,
        shell_complete=source_names,
        help="From this source: an id, a location, a title, or a pattern with *.",
    ),
    click.option(
        "--match",
        metavar="TEXT",
        help='With these words in title or text; "quoted" ones as a phrase, nothing else meaning anything.',
    ),
    click.option(
        "--min-score",
        type=click.FloatRange(0, 1),
        metavar="0..1",
        help="With a topic's score at least so high.",
    ),
    click.option(
        "--language", "languages", multiple=True, metavar="CODE", help="In this language: en, ru, ko …"
    ),
    click.option("--duplicates", is_flag=True, help="Also what another source brought before."),
)
NAMES = (
    "query", "topics", "not_topics", "since", "until", "sources", "match", "min_score", "languages",
    "duplicates",
)  # fmt: skip


class QueryCommand(click.Command):
    """A command whose arguments are a query: ``-topic:arms`` and ``-word`` are parts of it, no options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put a space before what only looks like an option; the query is read without it."""
        letters = "".join(
            option[1]
            for one in self.get_params(ctx)
            for option in one.opts
            if len(option) == 2 and option[0] == "-"  # noqa: PLR2004 - "-v"
        )
        option = re.compile(f"-[{letters}]|-v+")
        end = args.index("--") if "--" in args else len(args)
        for n, argument in enumerate(args[:end]):
            single = len(argument) > 1 and argument[0] == "-" != argument[1]
            if single and not option.fullmatch(argument):
                args[n] = f" {argument}"
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The language before the examples."""
        formatter.write_paragraph()
        formatter.write_text(" ".join(LANGUAGE.split()))
        super().format_epilog(ctx, formatter)


def query_options(function: F) -> F:
    """The argument QUERY and the options that narrow it; the function gets them by `NAMES`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return click.argument("query", nargs=-1)(function)


def filter_of(asked: dict[str, Any], **more: Any) -> ArticleFilter:
    """The question that the arguments and options of `query_options` ask.

    Raises QuerySyntaxError for a query that cannot be read.
    """
    from models.query import parse  # noqa: PLC0415 - Peewee is what importing models costs
    from models.records import ArticleFilter  # noqa: PLC0415

    values = {name: _typed(asked[name]) for name in NAMES if name != "query"}
    if values["min_score"] is not None:
        values["min_score"] = float(values["min_score"])
    return ArticleFilter(query=parse(typed_query(asked["query"])), **values, **more)


def typed_query(parts: Sequence[str]) -> str:
    """The arguments of a command as one query."""
    return " ".join(part.strip() for part in parts)


def names_a_time(asked: ArticleFilter, *, end: bool = False) -> bool:
    """Whether a question says since when; with ``end``, until when."""
    from models.query import EVERYTHING, Since, Until, leaves, parse  # noqa: PLC0415

    if (asked.until if end else asked.since) is not None:
        return True
    query = parse(asked.query) if isinstance(asked.query, str) else asked.query or EVERYTHING
    return any(isinstance(one, Until if end else Since) for one in leaves(query))


def _typed(value: object) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
