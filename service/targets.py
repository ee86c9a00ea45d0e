"""From a stored source to what a look at it needs: address, validators, credentials, allowances.

Secrets are read from their files at each look, so that a rotated one is used without a restart, and are
never stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from models.records import SourceRecord
from service.errors import FetchFailure
from service.values import FeedTarget, Reason, Validators

_MAX_SECRET = 8192  # bytes; a larger file is not a password

_LIED = "!"  # before an ETag that is remembered as worth nothing; a server's own begins with a quote or W/


def feed_target(source: SourceRecord, *, force: bool = False) -> FeedTarget:
    """What to ask for, and how.

    :raises FetchFailure: a secret's file cannot be read
    """
    target = target_of(source.location, source.options)
    validators = Validators(source.etag, source.last_modified, source.body_hash)
    if _lied(source):
        validators = Validators(
            body_hash=source.body_hash
        )  # asked for whole: what changed is told by the body
    return replace(target, validators=validators, force=force)


def kept_validators(source: SourceRecord, given: Validators, *, news: bool) -> Validators:
    """What to remember of the validators that came with an answer.

    Some servers say "not modified" for ever. One whose validators stayed the same while its document brought
    news has lied: they are marked, and not sent again until the server gives others.
    """
    before = (source.etag or "").removeprefix(_LIED) or None, source.last_modified
    same = (given.etag, given.last_modified) == before != (None, None)
    changed = source.body_hash is not None and given.body_hash not in (None, source.body_hash)
    if same and (_lied(source) or (news and changed)):
        return replace(given, etag=_LIED + (given.etag or ""))
    return given


def _lied(source: SourceRecord) -> bool:
    return (source.etag or "").startswith(_LIED)


def target_of(location: str, options: Mapping[str, str | int | float | bool]) -> FeedTarget:
    """A first look at an address, with the options of a source.

    :raises FetchFailure: a secret's file cannot be read
    """
    headers = tuple(
        (name.removeprefix("header."), str(value))
        for name, value in sorted(options.items())
        if name.startswith("header.")
    )
    username = options.get("username")
    password_file = options.get("password_file")
    proxy = options.get("proxy")
    return FeedTarget(
        url=location,
        headers=headers,
        username=str(username) if username else None,
        password=_secret(Path(str(password_file))) if password_file else None,
        proxy=str(proxy) if proxy else None,
        allow_private=bool(options.get("allow_private", False)),
    )


def priors(source: SourceRecord) -> dict[str, float]:
    """What is known of a source's topics beforehand, in logits: its options ``prior.TOPIC``."""
    return {
        name.removeprefix("prior."): float(value)
        for name, value in source.options.items()
        if name.startswith("prior.")
    }


def patterns(source: SourceRecord, option: str) -> tuple[str, ...]:
    """A folder's ``include`` or ``exclude`` patterns; stored as one text, separated by newlines."""
    return tuple(line for line in str(source.options.get(option, "")).splitlines() if line)


def _secret(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SECRET + 1)
    except OSError as error:
        raise FetchFailure(
            Reason.UNAUTHORIZED, f"the password file {path} cannot be read: {error.strerror}"
        ) from error
    if len(data) > _MAX_SECRET:
        raise FetchFailure(
            Reason.UNAUTHORIZED, f"the password file {path} holds more than {_MAX_SECRET} bytes"
        )
    return data.decode("utf-8", "replace").rstrip("\r\n")
