"""``wirewatch config``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from service.cli.output import print_json, print_table, say
from service.cli.state import State, define, json_option
from service.masking import mask
from service.source_json import masked_options

if TYPE_CHECKING:
    from service.settings import Settings


@define(
    "config",
    examples="""
    wirewatch config                          what is in force, and why
    wirewatch --config other.toml config      is this file right?
    wirewatch config --example > wirewatch.toml
    wirewatch config --json | jq '.settings["web.port"]'
    """,
)
@json_option
@click.option("--example", is_flag=True, help="Print an annotated file with every setting at its default.")
def command(state: State, as_json: bool, example: bool) -> None:
    """Show the settings in force, and where each came from.

    Secrets are masked. Later ones win: defaults, wirewatch.toml, systemd credentials, WIREWATCH_* variables.
    """
    from service.settings_example import example_file  # noqa: PLC0415
    from service.settings_schema import all_settings, variable  # noqa: PLC0415

    if example:
        click.echo(example_file(), nl=False)
        return
    settings = state.settings
    rows = [
        {
            "key": key,
            "value": shown(settings, key),
            "origin": settings.origins[key],
            "variable": variable(key),
        }
        for key in all_settings()
    ]
    if as_json:
        print_json(
            {
                "file": str(settings.path) if settings.path else None,
                "settings": {row.pop("key"): row for row in rows},
                "hosts": {host: _host(limits) for host, limits in settings.http.hosts.items()},
                "sources": [_source(source) for source in settings.sources],
            }
        )
        return
    say(f"file: {settings.path or 'none (there was none to be found; none is needed)'}")
    print_table(
        ["SETTING", ("VALUE", "wrap"), ("FROM", "wrap")],
        [[row["key"], _cell(row["value"]), row["origin"]] for row in rows],
    )
    for host, limits in settings.http.hosts.items():
        say(f'http.hosts."{host}": {_host(limits)}')
    if settings.sources:
        print_table(
            ["DECLARED SOURCE", "SCHEDULE", ("OPTIONS", "wrap")],
            [
                [mask(source.location), source.schedule or "default", _cell(_source(source)["options"])]
                for source in settings.sources
            ],
        )


def shown(settings: Settings, key: str) -> Any:
    """A setting's value as it would be written, secrets masked."""
    from service.settings_schema import all_settings  # noqa: PLC0415

    section = key.rpartition(".")[0]
    one = all_settings()[key]
    value = getattr(getattr(settings, section) if section else settings, one.name)
    written = one.metadata["kind"].show(value)
    if not isinstance(written, str):
        return written
    # An address or a path is a secret only where it holds a password; of all else nothing is shown.
    whole = one.metadata["secret"] and key.endswith(("password", "token"))
    return "***" if whole else mask(written)


def _host(limits: Any) -> dict[str, Any]:
    from service.settings_schema import settings_of  # noqa: PLC0415

    return {
        name: one.metadata["kind"].show(getattr(limits, one.name)) for name, one in settings_of(type(limits))
    }


def _source(source: Any) -> dict[str, Any]:
    return {
        "location": mask(source.location),
        "title": source.title,
        "group": source.group,
        "schedule": source.schedule,
        "options": masked_options(source.options),
    }


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(value) or "-"
        case dict():
            return ", ".join(f"{name}={one}" for name, one in value.items()) or "-"
        case _:
            return str(value)
