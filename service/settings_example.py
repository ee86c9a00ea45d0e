"""The annotated ``wirewatch.toml``: every setting with its meaning, what it takes and its default."""

from __future__ import annotations

import json
import textwrap
from dataclasses import MISSING, Field
from typing import Any

from service.settings_schema import SECTIONS, HostLimits, Settings, SourceSettings, settings_of, variable

_WIDTH = 110
_HEAD = """\
# Wirewatch's settings, every one at its default: take the "#" away from those that are to differ.
#
# The file is looked for where --config says, where WIREWATCH_CONFIG says, as wirewatch.toml in the working
# directory, and as /etc/wirewatch/wirewatch.toml. None is needed. Above it stand the WIREWATCH_* variables
# that are named with each setting. What is unknown or wrong is refused; 'wirewatch config' shows what is in
# force and where it came from. A daemon that gets SIGHUP reads the file again.
#
# A secret NAME may be given as NAME_file instead: a path, or the name of a systemd credential.
# Durations: "500ms", "90s", "15m", "1h30m", "24h", "7d". Sizes: "500KB", "10MB", "1GiB".
"""
_HOSTS = """
# Limits for single registrable domains, instead of http.per_host and http.gap:
# [http.hosts."example.org"]
"""
_SOURCES = """
# Sources that are declared here are added when the daemon starts or reloads; one that is taken out again is
# paused, its articles stay. Others can be added by 'wirewatch sources add'. A table for each:
"""


def example_file() -> str:
    """The whole file; it can be read as it is, and then changes nothing."""
    parts = [_HEAD]
    for name, one in settings_of(Settings):
        parts.append(_one(name, name, one))
    for section, kind in SECTIONS.items():
        parts.append(f"\n# {kind.__doc__}\n[{section}]\n")
        parts += [_one(f"{section}.{name}", name, one) for name, one in settings_of(kind)]
        if section == "http":
            parts.append(_HOSTS)
            parts += [
                _free(name, one, {"per_host": "4", "gap": '"0s"'}) for name, one in settings_of(HostLimits)
            ]
    parts.append(_SOURCES)
    for title, names in (("feed", _FEED), ("folder", _FOLDER)):
        parts.append(f"\n# A {title}:\n# [[sources]]\n")
        parts += [_free(name, one, names) for name, one in settings_of(SourceSettings) if name in names]
    return "".join(parts)


_FEED = {
    "url": '"https://example.org/feed.xml"',
    "title": '"Example News"',
    "group": '"press/agencies"',
    "schedule": '"every 15m"',
    "allow_private": "false",
    "username": '"me"',
    "password_file": '"/etc/wirewatch/example.password"',
    "headers": '{ X-Api-Key = "…" }',
    "proxy": '"http://proxy.example:3128"',
    "full_text": '"auto"',
    "keep_recurring": "false",
    "day_first": "true",
    "priors": "{ sanctions = 0.5 }",
}
_FOLDER = {
    "path": '"/srv/documents"',
    "title": '"Documents"',
    "schedule": '"every 5m"',
    "include": '["*.txt", "*.html"]',
    "exclude": '["drafts/**"]',
    "keep_recurring": "false",
    "day_first": "true",
}


def _one(key: str, name: str, one: Field[Any]) -> str:
    """A setting that has a variable."""
    kind = one.metadata["kind"]
    default = default_of(one)
    lines = _comment(f"{one.metadata['meaning']}. Takes {kind.allowed}.")
    names = f"{variable(key)}, {variable(key)}_FILE" if one.metadata["secret"] else variable(key)
    lines += _comment(names)
    if default is None:
        lines.append("# Unset by default; for example:")
    lines.append(f"#{name} = {_toml(one.metadata['example'] if default is None else default)}")
    return "\n" + "\n".join(lines) + "\n"


def _free(name: str, one: Field[Any], values: dict[str, str]) -> str:
    """A setting of a table that stands for itself, with an example for a value."""
    return "\n".join(_comment(one.metadata["meaning"])) + f"\n# {name} = {values[name]}\n"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text[:1].upper() + text[1:], _WIDTH, initial_indent="# ", subsequent_indent="# ")


def default_of(one: Field[Any]) -> Any:
    """A setting's default as it would be written, None where it is unset."""
    if one.default is MISSING or one.default == "":
        return None
    return one.metadata["kind"].show(one.default)


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # the same for texts, numbers, booleans and lists of them
