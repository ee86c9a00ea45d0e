"""Sources as they are typed, or as a subscription list has them, checked by the rules of the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from service.cli.state import State
from service.masking import mask

if TYPE_CHECKING:
    from models.records import SourceSpec

_PORTS = {"http": 80, "https": 443}
F = TypeVar("F", bound=Callable[..., Any])
NO_SOURCE = "an http:// or https:// address, or the path of a folder"


def access_options(function: F) -> F:
    """How to get at an address: where it may be, and who asks."""
    for option in reversed(
        (
            click.option("--allow-private", is_flag=True, help="It may be at a private or loopback address."),
            click.option("--username", help="For HTTP basic authentication."),
            click.option(
                "--password-file",
                type=click.Path(path_type=Path, exists=True, dir_okay=False),
                metavar="FILE",
                help="A file with the password; it is read at each poll and never stored.",
            ),
            click.option(
                "--header",
                "headers",
                multiple=True,
                metavar="NAME:VALUE",
                help="A header to send; repeatable.",
            ),
            click.option("--proxy", metavar="URL", help="A proxy for this source."),
        )
    ):
        function = option(function)
    return function


def spec_of(state: State, location: str, options: Mapping[str, Any]) -> SourceSpec:
    """A source as it was typed. Raises click.UsageError."""
    from service.errors import SettingsError  # noqa: PLC0415

    typed: dict[str, Any] = {name: value for name, value in options.items() if value not in (None, (), False)}
    if options["day_first"] is False:
        typed["day_first"] = False
    typed["headers"] = headers_of(typed.pop("headers", ()))
    if not typed["headers"]:
        del typed["headers"]
    for name in ("include", "exclude"):
        if name in typed:
            typed[name] = list(typed[name])
    if "password_file" in typed:
        typed["password_file"] = str(typed["password_file"])
    if "://" in location:
        typed["url"] = location
    else:
        typed["path"] = str(_folder(location))
    try:
        return checked_spec(state, typed)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def checked_spec(state: State, table: Mapping[str, Any]) -> SourceSpec:
    """A source from a table as the settings file has them. Raises SettingsError."""
    from models.records import SourceKind, SourceSpec  # noqa: PLC0415
    from service.settings import source_from  # noqa: PLC0415

    source = source_from(table, base=Path.cwd(), environ=state.environ)
    is_folder = source.url is None
    return SourceSpec(
        location=source.location,
        kind=SourceKind.FOLDER if is_folder else SourceKind.FEED,
        title=source.title,
        group=source.group,
        schedule=source.schedule or state.settings.default_schedule(folder=is_folder),
        options=source.options,
    )


def _folder(location: str) -> Path:
    path = Path(location).expanduser().absolute()
    if path.is_dir():
        return path
    if path.is_file():
        raise click.UsageError(
            f"{location!r} is a file; only folders are watched: 'wirewatch import {location}' reads it once"
        )
    guess = f"; for a feed write https://{location}" if "." in location and " " not in location else ""
    raise click.UsageError(f"{location!r} is no folder here{guess}; a source is {NO_SOURCE}")


def headers_of(written: Sequence[str]) -> dict[str, str]:
    """Headers written as NAME:VALUE. Raises click.UsageError."""
    headers = {}
    for one in written:
        name, separator, value = one.partition(":")
        if not separator or not name.strip():
            raise click.UsageError(f"--header takes NAME:VALUE, not {name!r}")
        headers[name.strip()] = value.strip()
    return headers


def host_of(spec: SourceSpec) -> str:
    """The registrable domain that politeness counts by; "" for folders."""
    from service.clean.urls import registrable_domain  # noqa: PLC0415

    return registrable_domain(spec.location) if spec.kind == "feed" else ""


def refuse_private(state: State, spec: SourceSpec) -> None:
    """Refuse an address that the guard would never connect to, as far as it says so by itself.

    Names are not looked up here. Raises click.UsageError.
    """
    if spec.kind != "feed":
        return
    from service.fetch.guard import Guard  # noqa: PLC0415

    parts = urlsplit(spec.location)
    place = (parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))
    private = bool(spec.options.get("allow_private"))
    if Guard().literal_refusal(*place, allow_private=private) is None:
        return
    from service.outgoing import guard_of  # noqa: PLC0415 - it brings much, and is rarely asked

    why = guard_of(state.settings).literal_refusal(*place, allow_private=private)
    if why:
        way = "the settings http.allowed_ports and http.allow_private_networks say where sources may be"
        if "neither the source nor" in why:
            way = "--allow-private allows it"
        raise click.UsageError(f"{mask(spec.location)}: {why}; {way}")
