"""Times as people type them, on the command line; what they may be stands in `models.moments`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from service.cli.state import State

if TYPE_CHECKING:
    _DatetimeType = click.ParamType[datetime]
else:
    _DatetimeType = click.ParamType  # generic since click 8.4 only


class Moment(_DatetimeType):
    """A time on the command line."""

    name = "time"

    def __init__(self, *, end: bool = False) -> None:
        self._end = end

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Parse, or refuse with examples."""
        if isinstance(value, datetime):
            return value
        from models.moments import EXAMPLES, parse_moment  # noqa: PLC0415 - importing models costs Peewee

        now = ctx.ensure_object(State).now if ctx else datetime.now(UTC)
        try:
            return parse_moment(str(value), now, end=self._end)
        except ValueError:
            self.fail(f"{value!r} is no time: write {EXAMPLES}", param, ctx)
