"""The parts of the program put together from settings: what commands and the daemon work with.

Opened once a process, closed in the reverse order. What costs much to start (worker processes, the event
loop) starts when it is first needed, so that a question costs none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from loguru import logger

import seeds
from models import articles as article_store
from models import labels, migrate
from models import sources as source_store
from models.database import Database, open_database
from models.errors import StorageError
from models.records import PollRecord, SourceKind, SourceSpec, SourceState, TopicSpec
from models.sources import Synchronised
from service.cadence import Cadence
from service.care import prepare_migration
from service.clean.full_text import FullText
from service.clean.urls import registrable_domain
from service.importing import Importer, ImportSummary, Progress
from service.intake import FeedIntake
from service.intake_folder import FolderIntake, FolderRules
from service.outgoing import Network
from service.owner import owner_name
from service.poller import Capacity, Poller
from service.relabel import Relabeller, Relabelling
from service.settings import Settings, source_specs
from service.tagging import Tagger, Taxonomy, load_topics
from service.tagging.learned import signature
from service.tagging.thresholds import threshold_of
from service.tally import Tally
from service.values import Reason
from service.websub.parts import HubRules, Hubs
from service.workers import Workers
from service.writer import Writer

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


class Application:
    """Everything that works on one database, by one set of settings."""

    def __init__(self, settings: Settings, database: Database, *, clock: Clock = wall_clock) -> None:
        """Put together on an open, migrated database; use `Application.open`, which closes it, too."""
        self.settings = settings
        self.database = database
        self.clock = clock
        self.owner = owner_name()
        self.tally = Tally()
        self.keep_alive = True  # whether connections are kept for the next request to the same host
        self._learned = _learned_signature(settings)
        self.tagger = Tagger(topics_of(settings))
        self._closing = ExitStack()

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, *, clock: Clock = wall_clock) -> Iterator[Application]:
        """Open the database, bring its schema up to date, and close everything at the end.

        :raises models.errors.StorageError: the database cannot be opened, or is newer than the program
        :raises service.errors.BackupError: the schema has to change, and no backup could be made before
        :raises service.errors.TopicsError: the topics file is wrong
        """
        database = open_database(
            settings.database, busy_timeout=settings.storage.busy_timeout.total_seconds()
        )
        try:
            kept = prepare_migration(settings, database, clock())
            if kept is not None:
                logger.info("made a backup before the migration: {}", kept.path)
            for name in migrate.migrate(database):
                logger.info("migrated the database: {}", name)
            application = cls(settings, database, clock=clock)
            try:
                application.publish_topics()
                yield application
            finally:
                application.close()
        finally:
            database.close()

    def close(self) -> None:
        """End what was started, in the reverse order."""
        self._closing.close()

    # -- parts, made when first asked for ----------------------------------------------------------------

    @property
    def taxonomy(self) -> Taxonomy:
        """The topics in force."""
        return self.tagger.taxonomy

    @cached_property
    def writer(self) -> Writer:
        """The one writer of this process."""
        writer = Writer(self.database)
        self._closing.callback(writer.close)
        return writer

    @cached_property
    def workers(self) -> Workers:
        """The processes that read documents."""
        schedule = self.settings.schedule
        workers = Workers(
            self.taxonomy,
            processes=schedule.workers,
            deadline=schedule.parse_deadline.total_seconds(),
            tally=self.tally,
        )
        self._closing.callback(workers.close, wait=False)
        return workers

    @cached_property
    def network(self) -> Network:
        """What everything that goes out shares."""
        network = Network.of(self.settings, keep_alive=self.keep_alive)
        self._closing.callback(network.close)
        return network

    @cached_property
    def poller(self) -> Poller:
        """What looks at sources."""
        # Made first, so that they outlive the looks: parts are closed in the reverse order.
        writer, workers, network = self.writer, self.workers, self.network
        schedule, http = self.settings.schedule, self.settings.http
        feeds = FeedIntake(
            full_text=FullText(self.settings.feeds.full_text),
            fetcher=network.fetcher,
            politeness=network.politeness,
            workers=workers,
            writer=writer,
            tagger=lambda: self.tagger,
            cadence=self.cadence,
            clock=self.clock,
            owner=self.owner,
            hubs=self.settings.websub.callback_url is not None,
        )
        poller = Poller(
            feeds=feeds,
            folders=self.folders,
            loop=network.loop,
            owner=self.owner,
            capacity=Capacity(
                fetches=schedule.fetches,
                per_host=http.per_host,
                lease=schedule.lease,
                floor=schedule.floor,
            ),
            clock=self.clock,
            tally=self.tally,
        )
        self._closing.callback(self.stop_polling, 0.0)
        return poller

    @cached_property
    def hubs(self) -> Hubs | None:
        """What asks hubs to tell us of news and takes in what they deliver; None where none can reach us."""
        settings = self.settings
        if settings.websub.callback_url is None:
            return None
        workers, writer = self.workers, self.writer
        rules = HubRules(
            settings.websub.callback_url,
            lease=settings.websub.lease,
            max_bytes=settings.http.max_size,
            floor=settings.schedule.floor,
            at_once=settings.schedule.workers + 2,  # some wait for pages, not for a worker
            full_text=FullText(settings.feeds.full_text),
        )
        hubs = Hubs(
            rules,
            network=self.network,
            workers=workers,
            writer=writer,
            tagger=lambda: self.tagger,
            clock=self.clock,
            tally=self.tally,
        )
        self._closing.callback(hubs.stop, 0.0)
        return hubs

    @cached_property
    def folders(self) -> FolderIntake:
        """What reads folders and files."""
        folders = self.settings.folders
        return FolderIntake(
            workers=self.workers,
            writer=self.writer,
            tagger=lambda: self.tagger,
            cadence=self.cadence,
            rules=FolderRules(
                include=folders.include,
                exclude=folders.exclude,
                still_for=folders.still_for,
                max_bytes=folders.max_file_size,
                max_container_bytes=folders.max_container_size,
                max_unpacked_bytes=folders.max_unpacked_size,
                max_entries=folders.max_entries,
                timeout=folders.timeout.total_seconds(),
                day_first=folders.day_first,
            ),
            clock=self.clock,
            owner=self.owner,
        )

    def watch_folders(self) -> None:
        """Have folders scanned at once when something changes in them, and all of them now.

        Without it, or where the kernel gives no means for it, they are scanned by their schedules alone.
        """
        if not self.settings.folders.watch:
            return
        from service.fetch.watching import Watcher  # noqa: PLC0415 - for the daemon alone

        try:
            watcher = Watcher(still_for=self.settings.folders.still_for.total_seconds())
        except OSError as error:
            logger.warning("folders are not watched but only scanned: inotify: {}", error.strerror)
            return
        self.folders.watcher = watcher
        self._closing.callback(watcher.close)
        self.poller.watch(watcher)

    @property
    def cadence(self) -> Cadence:
        """The bounds of when to look again."""
        schedule = self.settings.schedule
        return Cadence(
            floor=schedule.floor.total_seconds(),
            ceiling=schedule.ceiling.total_seconds(),
            jitter=schedule.jitter,
            pushed=self.settings.websub.safety_net.total_seconds(),
        )

    # -- what commands ask for -----------------------------------------------------------------------------

    def publish_topics(self) -> None:
        """Write the topics in force into the database, where every question finds them."""
        labels.sync_topics(topic_specs(self.taxonomy), self.taxonomy.hash, self.clock())

    def synchronise(self) -> Synchronised:
        """Bring the declared sources in line with the settings."""
        specs = [(spec, host_of(spec)) for spec in source_specs(self.settings)]
        done = source_store.synchronise(specs, now=self.clock())
        for change in ("added", "updated", "resumed", "paused"):
            for location in getattr(done, change):
                logger.info("declared source {}: {}", change, location)
        return done

    def add_source(self, spec: SourceSpec) -> source_store.Added:
        """Add one source by hand."""
        return source_store.add_all([(spec, host_of(spec))], now=self.clock())[0]

    def import_seeds(self, progress: Progress | None = None) -> ImportSummary | None:
        """Import the seed articles, unless this database has had them before."""
        known = source_store.list_sources(states=tuple(SourceState), kinds=(SourceKind.SEEDS,))
        # One that was interrupted is taken up again; one whose source a person removed is not.
        if any(
            source.state is SourceState.REMOVED
            or len(article_store.files(source.id)) >= len(seeds.articles())
            for source in known
        ):
            return None
        return self.importer.run(seeds.articles(), kind=SourceKind.SEEDS, title="seeds", progress=progress)

    def import_paths(self, paths: Sequence[Path], progress: Progress | None = None) -> ImportSummary:
        """Import files and folders once; what has not changed since the last time is left alone.

        :raises UsageError: a path does not exist
        """
        return self.importer.run(paths, progress=progress)

    @cached_property
    def importer(self) -> Importer:
        """What takes in files given by hand."""
        return Importer(folders=self.folders, clock=self.clock)

    def poll(self, refs: Sequence[str] = (), *, force: bool = False) -> list[PollRecord]:
        """Look at the named sources now, or at all that are due where none is named.

        A named one is looked at even when it is paused, but not before the time that its server asked for
        (Retry-After), unless ``force``. Gives one record a source; one that was left out says why
        (outcome "waiting" or "busy") and is not kept in the log.

        :raises models.errors.NotFound: a reference names nothing
        """
        if not refs:
            return self._poll_due()
        now = self.clock()
        chosen = source_store.find(refs)
        waiting = {
            source.id for source in chosen if not force and source.not_before and source.not_before > now
        }
        begun = self.poller.poll([source for source in chosen if source.id not in waiting], force=force)
        records = []
        for source in chosen:
            if source.id in waiting:
                detail = f"the server asked for no visit before {source.not_before:%Y-%m-%d %H:%M} UTC"
                records.append(PollRecord(source.id, now, 0, "waiting", detail=detail))
            elif source.id not in begun:
                records.append(PollRecord(source.id, now, 0, "busy", detail="another process looks at it"))
            else:
                records.append(_outcome(source.id, now, begun[source.id]))
        return records

    def _poll_due(self) -> list[PollRecord]:
        records: list[PollRecord] = []
        while begun := self.poller.begin_due():
            now = self.clock()
            records += [_outcome(source_id, now, future) for source_id, future in begun.items()]
        return records

    def stop_polling(self, deadline: float) -> int:
        """End what is in hand within so many seconds, and give all leases back; gives how many were left."""
        left = self.poller.stop(deadline)
        try:
            source_store.release(self.owner)
        except StorageError as error:
            # They run out by themselves; the rest is still to be closed.
            logger.debug("the leases could not be given back: {}", error)
        return left

    def tidy(self) -> None:
        """Forget what nobody needs any more: hosts that were asked once, and their turns."""
        if "network" in self.__dict__:  # else nothing has gone out yet
            self.network.forget_idle()

    def relabelling(self) -> Relabelling:
        """What labels stored articles again by the topics in force, step by step."""
        return Relabelling(Relabeller(self.tagger), self.writer, self.clock)

    def reload(self, settings: Settings) -> None:
        """Take over the declared sources and the topics of other settings; the rest needs a restart.

        :raises TopicsError: the topics file is wrong; nothing was taken over
        """
        self._learned = _learned_signature(settings)
        tagger = Tagger(topics_of(settings))
        self.settings = settings
        self.synchronise()
        self._use(tagger)

    def learned_changed(self) -> bool:
        """Whether ``wirewatch train`` has written something since the topics were read."""
        return self._learned != _learned_signature(self.settings)

    def reload_topics(self) -> bool:
        """Take over the topics as they are now; gives whether they are others than before.

        :raises TopicsError: a file is wrong; the topics stay as they were, and the file is not asked again
        """
        self._learned = _learned_signature(self.settings)
        return self._use(Tagger(topics_of(self.settings)))

    def _use(self, tagger: Tagger) -> bool:
        if tagger.taxonomy.hash == self.taxonomy.hash:
            return False
        self.tagger = tagger
        self.publish_topics()
        self.workers.replace(self.taxonomy)
        logger.info("topics are now those of {}", self.settings.topics.file or "the program")
        return True


def topics_of(settings: Settings) -> Taxonomy:
    """The topics by the settings, with what this installation learned. Raises TopicsError."""
    return load_topics(settings.topics.file, settings.topics.weights, settings.topics.learned)


def _learned_signature(settings: Settings) -> object:
    learned = settings.topics.learned
    return signature(learned) if learned is not None else None


def topic_specs(taxonomy: Taxonomy) -> list[TopicSpec]:
    """The topics of a taxonomy, as the database keeps them."""
    return [
        TopicSpec(
            topic.name,
            topic.description,
            threshold_of(taxonomy, topic),
            tuple(sorted(topic.languages)),
        )
        for topic in taxonomy.topics
    ]


def host_of(spec: SourceSpec) -> str:
    """The registrable domain that politeness counts by; "" for folders."""
    return registrable_domain(spec.location) if spec.kind is SourceKind.FEED else ""


def _outcome(source_id: int, now: datetime, future: Future[PollRecord | None]) -> PollRecord:
    record = future.result()
    if record is not None:
        return record
    return PollRecord(source_id, now, 0, str(Reason.STORAGE), detail="nothing could be stored; see the log")
