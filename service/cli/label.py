"""``wirewatch label ID [+TOPIC|-TOPIC|~TOPIC]…``: a person's verdicts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from service.article_json import tag_json
from service.cli.completing import topic_names
from service.cli.evidence import verdict_of
from service.cli.output import moment, print_json, say
from service.cli.signing import signed_name
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from models.records import TagRecord, VerdictRecord

_SIGNS = {"+": 1, "-": -1, "~": 0}
_FLAG = re.compile(r"-h|-v+")  # what begins with one dash and is no verdict
_TAKING = ("--by", "--withdraw", "--undo", "--config")  # options whose value may begin with anything


class _Signed(click.Command):
    """A command to which ``-arms`` is a verdict and not a row of options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verdicts behind ``--``, where click takes them as they are."""
        options: list[str] = []
        signed: list[str] = []
        rest = iter(args)
        for one in rest:
            if one == "--":
                signed += rest
            elif one.startswith("--") or _FLAG.fullmatch(one) or one[:1] not in _SIGNS:
                options.append(one)
                if one in _TAKING:
                    options += [value for value in (next(rest, None),) if value is not None]
            else:
                signed.append(one)
        return super().parse_args(ctx, [*options, "--", *signed] if signed else options)


@define(
    "label",
    examples="""
    wirewatch label 3 +sanctions -arms
    wirewatch label 3 +diplomacy --by ann
    wirewatch label 3 ~arms            take the verdict on arms back; the rules decide again
    wirewatch label 3 --withdraw arms  the same
    wirewatch label 3 --undo arms      the last change back: what stood before it stands again
    """,
    cls=_Signed,
)
@click.argument("article_id", type=click.IntRange(1), metavar="ID")
@click.argument("changes", nargs=-1, metavar="[+TOPIC|-TOPIC|~TOPIC]...")
@click.option("--by", metavar="NAME", help="Who says so; you, unless another is named.")
@click.option(
    "--withdraw",
    multiple=True,
    metavar="TOPIC",
    shell_complete=topic_names,
    help="Take the verdict on a topic back.",
)
@click.option(
    "--undo",
    multiple=True,
    metavar="TOPIC",
    shell_complete=topic_names,
    help="Take the last change back: what stood before it stands again.",
)
@json_option
def command(
    state: State,
    article_id: int,
    changes: tuple[str, ...],
    *,
    by: str | None,
    withdraw: tuple[str, ...],
    undo: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say yes or no to topics of an article.

    A verdict wins over the rules, now and whenever the article is labelled again, until it is withdrawn.
    All are given or, where one of them cannot be, none. Without any, those that stand are shown.
    """
    wanted = _wanted(changes, withdraw, undo)
    who = signed_name(by)
    with state.database() as database:
        from models import catalog, labels  # noqa: PLC0415

        with database.transaction():
            for topic, value in wanted.items():
                if value is None:
                    labels.undo_verdict(article_id, topic, who, state.now)
                elif value:
                    labels.set_verdict(article_id, topic, value, who, state.now)
                else:
                    labels.withdraw_verdict(article_id, topic, who, state.now)
        article = catalog.get(article_id)
        standing = labels.verdicts(article_id=article_id)
    tags = {tag.topic: tag for tag in article.tags}
    if as_json:
        print_json(_as_json(article_id, wanted, tags, standing))
        return
    for topic in wanted:
        say(verdict_of(tags[topic]) if topic in tags else f"{topic}: no; the rules do not give it")
    if not wanted:
        for one in standing:
            say(f"{one.topic}: {'yes' if one.value > 0 else 'no'}, said {one.by} at {moment(one.at)}")
        if not standing:
            say("nobody has given a verdict on this article")


def _wanted(
    changes: tuple[str, ...], withdraw: tuple[str, ...], undo: tuple[str, ...]
) -> dict[str, int | None]:
    """Topic → +1, -1, 0 (withdraw) or None (undo)."""
    wanted: dict[str, int | None] = {}

    def want(topic: str, value: int | None) -> None:
        if wanted.setdefault(topic, value) != value:
            raise click.UsageError(f"there are two different verdicts on {topic!r}")

    for change in [*changes, *(f"~{topic}" for topic in withdraw)]:
        sign, topic = change[:1], change[1:]
        if sign not in _SIGNS or not topic:
            raise click.UsageError(
                f"{change!r} is no verdict: write +TOPIC for yes, -TOPIC for no, ~TOPIC to withdraw"
            )
        want(topic, _SIGNS[sign])
    for topic in undo:
        want(topic, None)
    return wanted


def _as_json(
    article_id: int, wanted: dict[str, int | None], tags: dict[str, TagRecord], standing: list[VerdictRecord]
) -> dict[str, Any]:
    return {
        "article": article_id,
        "changed": {topic: tag_json(tags[topic]) if topic in tags else None for topic in wanted},
        "verdicts": [
            {"topic": one.topic, "verdict": one.value, "by": one.by, "at": moment(one.at)} for one in standing
        ],
    }
