"""What the shell offers for topics and sources: names out of the database, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from service.cli.state import State


def topic_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Topics that begin with what is typed."""

    def names() -> Iterable[str]:
        from models.labels import topics  # noqa: PLC0415

        return [topic.name for topic in topics()]

    return _beginning(ctx, incomplete, names)


def source_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Titles and locations of sources that begin with what is typed."""

    def names() -> Iterable[str]:
        from models.sources import list_sources  # noqa: PLC0415

        return [name for one in list_sources() for name in (one.title, one.location) if name]

    return _beginning(ctx, incomplete, names)


def _beginning(ctx: click.Context, typed: str, names: Callable[[], Iterable[str]]) -> list[str]:
    try:
        with ctx.ensure_object(State).database():
            return [name for name in names() if name.lower().startswith(typed.lower())]
    except Exception:  # noqa: BLE001 - a shell that completes is no place for complaints
        return []
