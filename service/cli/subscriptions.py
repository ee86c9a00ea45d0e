"""``wirewatch sources import`` and ``export``: subscription lists of other programs, in and out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.exits import Exit
from service.cli.output import count, hint, print_json, say
from service.cli.source_specs import checked_spec, host_of
from service.cli.state import State, define, json_option
from service.masking import mask, plain

if TYPE_CHECKING:
    from models.records import SourceRecord, SourceSpec
    from service.values import Subscription

_TOPIC_PRIOR = 1.0  # logits: what a list gives by naming a topic without saying how much
_SITE = "site_url"
_TAKEN = ("allow_private", "full_text", "keep_recurring", "day_first")  # of a list's options
_SHOWN = 20  # of what was left out, for people


@define(
    "import",
    examples="""
    wirewatch sources import subscriptions.opml
    wirewatch sources import ~/.newsboat/urls
    wirewatch sources import --starter         feeds on sanctions, arms and diplomacy
    curl -s https://example.org/feeds.opml | wirewatch sources import -
    """,
)
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option("--starter", is_flag=True, help="The list of feeds that comes with the program.")
@click.option(
    "--allow-private", is_flag=True, help="Believe the list where it says so of a feed at a private address."
)
@json_option
def import_command(state: State, file: str | None, starter: bool, allow_private: bool, as_json: bool) -> Exit:
    """Add the feeds of a subscription list: OPML, one address a line, or newsboat's urls file.

    Groups, titles and schedules are kept. What is known already stays as it is. Nothing is fetched here.
    Exit code 1 says that something in the list could not be added.
    """
    if starter == bool(file):
        raise click.UsageError("name one file to import (- is standard input), or --starter")
    specs, problems = _specs(state, _read(file), allow_private=allow_private)
    with state.database(create=True):
        from models.sources import add_all  # noqa: PLC0415

        added = add_all([(spec, host_of(spec)) for spec in specs], now=state.now) if specs else []
    done = Counter("added" if one.new else "revived" if one.revived else "known" for one in added)
    if as_json:
        numbers = {name: done[name] for name in ("added", "revived", "known")}
        print_json({**numbers, "problems": [{"location": mask(url), "detail": why} for url, why in problems]})
    else:
        for url, why in problems[:_SHOWN]:
            hint(f"{mask(url)}: {why}")
        if len(problems) > _SHOWN:
            hint(f"… and {len(problems) - _SHOWN:,} more")
        say(
            f"{count(done['added'], 'feed')} added, {done['revived']:,} listed again, "
            f"{done['known']:,} known already"
        )
    return Exit.FAILED if problems else Exit.DONE


def _read(file: str | None) -> tuple[Subscription, ...]:
    from service.errors import ParseFailure  # noqa: PLC0415
    from service.parse.opml import MAX_BYTES, read_subscriptions  # noqa: PLC0415

    if file is None:
        import seeds  # noqa: PLC0415

        file = str(seeds.starter())
    try:
        if file == "-":
            body = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(file).expanduser().open("rb") as opened:
                body = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"{file}: cannot be read: {error.strerror}") from error
    if len(body) > MAX_BYTES:
        raise click.UsageError(f"{file}: is larger than a list of feeds may be ({MAX_BYTES:,} bytes)")
    try:
        return read_subscriptions(body, file)
    except ParseFailure as error:
        raise click.UsageError(f"{file}: {error.reason}: {error.detail}") from error


def _specs(
    state: State, subscriptions: Iterable[Subscription], *, allow_private: bool
) -> tuple[list[SourceSpec], list[tuple[str, str]]]:
    """The sources of a list, and what could not be taken from it as (address, why)."""
    specs: list[SourceSpec] = []
    problems: list[tuple[str, str]] = []
    for one in subscriptions:
        spec, problem = _spec(state, one, allow_private=allow_private)
        if spec is not None:
            specs.append(spec)
        if problem:
            problems.append((one.url, problem))
    return specs, problems


def _spec(state: State, one: Subscription, *, allow_private: bool) -> tuple[SourceSpec | None, str | None]:
    from models.records import SourceSpec  # noqa: PLC0415
    from service.errors import SettingsError  # noqa: PLC0415

    table = _table(one)
    problems = []
    # A list is often somebody else's: it may not open this machine's own network by itself.
    if table.get("allow_private") and not allow_private:
        del table["allow_private"]
        problems.append("the list says that its address is private; --allow-private believes it")
    try:
        spec = checked_spec(state, table)
    except SettingsError as error:
        bare: dict[str, Any] = {name: table[name] for name in ("url", "title", "group") if name in table}
        try:
            spec = checked_spec(state, bare)
        except SettingsError:
            return None, f"not added: {error}"
        problems.append(f"added with the usual schedule and options: {error}")
    if one.site_url:
        # Nothing here asks for it, but a list that is handed on has it.
        spec = SourceSpec(
            spec.location,
            spec.kind,
            spec.title,
            spec.group,
            spec.schedule,
            {**spec.options, _SITE: one.site_url},
        )
    return spec, "; ".join(problems) or None


def _table(one: Subscription) -> dict[str, Any]:
    """A subscription as the settings file would have it."""
    options = dict(one.options)
    priors = dict.fromkeys(one.topics, _TOPIC_PRIOR)
    priors |= {
        name.removeprefix("prior."): value  # type: ignore[misc] # the settings refuse what is no number
        for name, value in options.items()
        if name.startswith("prior.")
    }
    table: dict[str, Any] = {
        "url": one.url,
        "title": one.title,
        "group": one.group,
        "schedule": one.schedule,
        "priors": priors,
        **{name: options[name] for name in _TAKEN if name in options},
    }
    return {name: value for name, value in table.items() if value not in (None, {})}


@define(
    "export",
    examples="""
    wirewatch sources export > subscriptions.opml
    wirewatch sources export --output subscriptions.opml
    """,
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file instead of standard output.",
)
def export(state: State, output: Path | None) -> None:
    """Write the feeds as OPML, which 'sources import' and other programs read.

    Groups become folders; titles, schedules and topics are kept. Passwords, headers and proxies are left out,
    and so are folders of documents.
    """
    from service.parse.opml import write_opml  # noqa: PLC0415

    with state.database():
        from models.records import SourceKind  # noqa: PLC0415
        from models.sources import list_sources  # noqa: PLC0415

        feeds = list_sources(kinds=[SourceKind.FEED])
    written = [_subscription(one) for one in feeds]
    body = write_opml(written)
    if output is not None:
        try:
            output.write_bytes(body)
        except OSError as error:
            raise click.UsageError(f"{output}: cannot be written: {error.strerror}") from error
    else:
        _print(body)
    _say_what_is_missing(feeds, written)


def _print(body: bytes) -> None:
    """As it is into a file or a pipe; made harmless where a terminal would act on it."""
    sys.stdout.flush()
    if sys.stdout.isatty():
        for line in body.decode("utf-8").splitlines():
            print(plain(line))  # noqa: T201
    else:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()


def _subscription(source: SourceRecord) -> Subscription:
    from service.values import Subscription  # noqa: PLC0415

    priors = {name: value for name, value in source.options.items() if name.startswith("prior.")}
    return Subscription(
        url=_without_credentials(source.location),
        title=source.title,
        site_url=str(source.options[_SITE]) if _SITE in source.options else None,
        group=source.group,
        schedule=source.schedule,
        topics=tuple(name.removeprefix("prior.") for name, value in priors.items() if float(value) > 0),
        options=tuple((name, value) for name, value in source.options.items() if name != _SITE),
    )


def _without_credentials(location: str) -> str:
    from urllib.parse import urlsplit, urlunsplit  # noqa: PLC0415

    parts = urlsplit(location)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _say_what_is_missing(feeds: Sequence[SourceRecord], written: Sequence[Subscription]) -> None:
    from service.parse.opml import is_secret  # noqa: PLC0415

    secretive = sum(
        feed.location != one.url or any(map(is_secret, feed.options))
        for feed, one in zip(feeds, written, strict=True)
    )
    if secretive:
        hint(
            f"passwords, headers and proxies of {count(secretive, 'feed')} are left out: lists are handed on"
        )
