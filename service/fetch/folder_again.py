"""Certain files of a folder looked at again, whatever is remembered of them; and how many files there are."""

# Paths are str: they hold any bytes, and pathlib takes five times as long over 100,000 files.
# ruff: noqa: PTH116
from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from models.records import FileRecord
from service.fetch.folder import (
    MAX_DEPTH,
    FileContainer,
    FileFailed,
    FileRead,
    FileSeen,
    FileVanished,
    ScanEnded,
    scan,
)
from service.fetch.folder_files import Containers, Observer, Patterns, is_gone
from service.values import Failed


def scan_again(
    paths: Iterable[str],
    known: Mapping[str, FileRecord],
    *,
    root: str,
    now: datetime,
    max_bytes: int,
    containers: Containers,
    observer: Observer,
) -> Iterator[FileSeen]:
    """Read files below ``root`` although they have not changed; the last value is a `ScanEnded`.

    One that is gone is said to have vanished, one that cannot be reached to have failed; of the other files
    of the folder nothing is said.
    """
    seen = 0
    for path in paths:
        seen += 1
        found = scan(path, {}, now=now, max_bytes=max_bytes, observer=observer, containers=containers)
        for one in found:
            if isinstance(one, ScanEnded):
                continue
            if isinstance(one, Failed):
                yield _unreached(path, known, one, now)
            elif isinstance(one, FileRead | FileContainer):
                yield replace(one, below=os.path.relpath(path, root))
            else:
                yield one
    yield ScanEnded(seen=seen)


def _unreached(path: str, known: Mapping[str, FileRecord], failed: Failed, now: datetime) -> FileSeen:
    record = known.get(path, FileRecord(path, 0, 0))
    if is_gone(path):
        return FileVanished(path, replace(record, vanished_at=now))
    failing = replace(record, reason=str(failed.reason), detail=failed.detail)
    return FileFailed(path, failing, failed.reason, failed.detail)


def count_files(
    root: str, *, include: Sequence[str] = (), exclude: Sequence[str] = (), go_on: Callable[[], bool]
) -> int:
    """About how many files a scan would meet: for a progress bar, so links and what fails are left out.

    ``go_on`` is asked at each folder.
    """
    patterns = Patterns(include, exclude)
    try:
        if stat.S_ISREG(os.stat(root).st_mode):
            return 1
    except OSError:
        return 0
    count = 0
    waiting = [(root, "", 0)]
    while waiting and go_on():
        folder, below, depth = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    inside = f"{below}/{entry.name}" if below else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if depth < MAX_DEPTH and patterns.folder(entry.name, inside):
                            waiting.append((entry.path, inside, depth + 1))
                    elif entry.is_file(follow_symlinks=False):
                        count += patterns.file(entry.name, inside)
        except OSError:
            continue
    return count
