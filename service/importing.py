"""Files given by hand: taken in once, remembered, and left alone the next time while they do not change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from models import articles as article_store
from models import sources as source_store
from models.records import FileRecord, SourceKind, SourceRecord, SourceSpec
from service.errors import UsageError
from service.fetch.folder_again import count_files
from service.fetch.folder_files import Observer
from service.intake_folder import FolderIntake, FolderRules, Problem, Taken
from service.keeping import Kept
from service.members import file_of

Progress = Callable[[int], None]  # told of files done with, by how many at once

_ONCE = 10_000_000  # files: an import takes all of a folder in one pass
_KINDS = (SourceKind.FOLDER, SourceKind.IMPORT, SourceKind.SEEDS)


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import came to."""

    files: int = 0  # read
    unchanged: int = 0  # known and left unread
    new: int = 0
    changed: int = 0
    same: int = 0  # articles that were stored already
    duplicates: int = 0  # new here, but another source had brought them
    failed: tuple[Problem, ...] = field(default=())  # path, reason, detail
    ids: tuple[int, ...] = ()  # of the new articles


class _Unchanged(Observer):
    """Counts what is known and left unread as done with."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def unchanged(self) -> None:
        self._progress(1)


class Importer:
    """Takes in files and folders under the source that covers them, or one made for their folder."""

    def __init__(self, *, folders: FolderIntake, clock: Callable[[], datetime]) -> None:
        self._folders = folders
        self._clock = clock

    def run(
        self,
        paths: Sequence[Path],
        *,
        kind: SourceKind = SourceKind.IMPORT,
        title: str | None = None,
        progress: Progress | None = None,
    ) -> ImportSummary:
        """Import each path: a file, or a folder with all below it.

        :raises UsageError: a path does not exist; nothing was imported
        :raises models.errors.StorageError: the database could not take it; what was stored before stays
        """
        wanted = [path.expanduser().absolute() for path in paths]
        for path in wanted:
            if not path.exists():
                raise UsageError(f"there is no file or folder {path}")
        summary = ImportSummary()
        for path in wanted:
            source = self._source(path if path.is_dir() else path.parent, kind, title)
            taken = self._folders.take(
                source,
                path,
                _below(path, article_store.files(source.id)),
                rules=self._rules,
                progress=progress,
                observer=_Unchanged(progress) if progress else None,
            )
            summary = _sum(summary, taken, path)
        return summary

    def retry(self, paths: Sequence[Path] = (), *, progress: Progress | None = None) -> ImportSummary:
        """Read again what could not be read, in all folders and imports, or at and below certain paths.

        Whether it has changed does not matter: a program that reads more kinds, another limit or a mended
        permission may be all that was wanting.

        :raises models.errors.StorageError: the database could not take it; what was stored before stays
        """
        summary = ImportSummary()
        for source, files in self._unreadable(paths):
            known = article_store.files(source.id)
            taken = self._folders.take_again(source, files, known, rules=self._rules, progress=progress)
            summary = _sum(summary, taken, Path(source.location))
        return summary

    def count_unreadable(self, paths: Sequence[Path] = ()) -> int:
        """How many files `retry` would read."""
        return sum(len(files) for _, files in self._unreadable(paths))

    def count(self, paths: Sequence[Path], go_on: Callable[[], bool]) -> int:
        """About how many files `run` would look at; it is given up, and 0, when ``go_on`` says no."""
        rules = self._folders.rules
        found = sum(
            count_files(
                str(path.expanduser().absolute()), include=rules.include, exclude=rules.exclude, go_on=go_on
            )
            for path in paths
        )
        return found if go_on() else 0

    @property
    def _rules(self) -> FolderRules:
        return replace(self._folders.rules, still_for=timedelta(0), max_files=_ONCE)

    def _unreadable(self, paths: Sequence[Path]) -> Iterator[tuple[SourceRecord, list[str]]]:
        """The files that could not be read, by source; of members of archives the archive."""
        places = [str(path.expanduser().absolute()) for path in paths]
        for source in source_store.list_sources(kinds=_KINDS):
            records = article_store.unreadable(_ONCE, source_id=source.id)
            if not records:
                continue
            known = article_store.files(source.id)
            files = dict.fromkeys(file_of(record.path, known) for record in records)
            wanted = [file for file in files if not places or any(_is_at(file, place) for place in places)]
            if wanted:
                yield source, wanted

    def _source(self, folder: Path, kind: SourceKind, title: str | None) -> SourceRecord:
        """The source that the articles of a folder belong to: the one that covers it most closely."""
        covering = [
            source
            for source in source_store.list_sources(kinds=_KINDS)
            if folder.is_relative_to(source.location)
        ]
        if covering:
            return max(covering, key=lambda source: len(source.location))
        spec = SourceSpec(str(folder), kind, title=title)
        return source_store.add(spec, host="", now=self._clock())


def _below(path: Path, known: Mapping[str, FileRecord]) -> dict[str, FileRecord]:
    """The known files at or below a path: the others are not looked at, so they have not vanished."""
    return {name: record for name, record in known.items() if _is_at(name, str(path))}


def _is_at(file: str, place: str) -> bool:
    return file == place or file.startswith(place.rstrip("/") + "/")


def _sum(summary: ImportSummary, taken: Taken, path: Path) -> ImportSummary:
    kept: Kept = taken.kept
    failed = [*taken.problems]
    if taken.failed is not None:
        failed.append((str(path), taken.failed.reason, taken.failed.detail))
    return ImportSummary(
        files=summary.files + taken.files,
        unchanged=summary.unchanged + taken.unchanged,
        new=summary.new + kept.new,
        changed=summary.changed + kept.changed,
        same=summary.same + kept.same,
        duplicates=summary.duplicates + kept.duplicates,
        failed=(*summary.failed, *failed),
        ids=summary.ids + kept.ids,
    )
