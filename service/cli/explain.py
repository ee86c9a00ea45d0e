"""``wirewatch explain FILE``: the tagger's answer, nothing stored."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.article_json import tag_json
from service.cli.evidence import not_covered, print_marked, print_reasons
from service.cli.exits import Exit, complain
from service.cli.output import date_of, moment, print_json, say
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from service.reading import Reading
    from service.tagging import Tagger
    from service.values import Article, Tag


@define(
    "explain",
    examples="""
    wirewatch explain report.txt
    curl -s https://example.org/news | wirewatch explain - --name news.html
    wirewatch explain report.txt --json | jq '.[].tags[] | select(.holds) | .topic'
    """,
)
@click.argument("file", metavar="FILE|-")
@click.option("--name", help="What the text from standard input would be called; its ending says what it is.")
@json_option
def command(state: State, file: str, name: str | None, as_json: bool) -> int:
    """Say how a text would be labelled, and why.

    Nothing is stored, and no database is needed. FILE is a document of any kind that folders may hold; -
    reads standard input.
    """
    from service.errors import ParseFailure  # noqa: PLC0415
    from service.tagging import Tagger  # noqa: PLC0415

    body = _body(file, state.settings.folders.max_file_size)
    tagger = Tagger(state.taxonomy())
    try:
        reading = _read(state, body, name or ("text.txt" if file == "-" else Path(file).name), tagger)
    except ParseFailure as error:
        complain(f"{file}: {error.reason}: {error.detail}")
        return Exit.FAILED
    if as_json:
        print_json([_as_json(one.article, one.tags or (), tagger) for one in reading.finished])
        return Exit.DONE
    for one in reading.finished:
        article, tags = one.article, one.tags or ()
        print_marked(article.title, article.text, tags)
        made = " (made from the text)" if article.title_made else ""
        published = date_of(article.published_at, article.precision) if article.published_at else "not said"
        say(f"title{made}; published {published}; language {article.language or 'unknown'}")
        say("")
        print_reasons(tags)
        if uncovered := tagger.uncovered(tags):
            say(not_covered(uncovered, article.language))
    for warning in reading.warnings:
        say(f"note: {warning}")
    return Exit.DONE


def _read(state: State, body: bytes, name: str, tagger: Tagger) -> Reading:
    from service.reading import read_document  # noqa: PLC0415

    return read_document(
        body,
        name,
        tagger=tagger,
        fetched_at=state.now,
        day_first=state.settings.folders.day_first,
    )


def _body(file: str, most: int) -> bytes:
    try:
        if file == "-":
            body = sys.stdin.buffer.read(most + 1)
        else:
            with Path(file).open("rb") as opened:
                body = opened.read(most + 1)
    except OSError as error:
        raise click.UsageError(f"{file}: cannot be read: {error.strerror}") from error
    if len(body) > most:
        raise click.UsageError(f"{file}: is larger than folders.max_file_size ({most:,} bytes)")
    return body


def _as_json(article: Article, tags: Sequence[Tag], tagger: Tagger) -> dict[str, Any]:
    return {
        "title": article.title,
        "title_made": article.title_made,
        "url": article.url,
        "published_at": moment(article.published_at),
        "precision": article.precision,
        "language": article.language,
        "not_covered": list(tagger.uncovered(tags)),
        "text": article.text,
        "cuts": [{"kind": cut.kind, "text": cut.text} for cut in article.cuts],
        "tags": [tag_json(tag) for tag in tags],
    }
