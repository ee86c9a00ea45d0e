"""The newest schema as Peewee sees it: columns and relations, no behaviour.

`models.migrations` makes the schema, with its indexes, defaults and full-text index; a test compares the two.
Ids are given once and never again. ``article.position`` is the order of time: seconds since 1970 of
publication (else of when it was first seen), shifted left by 20 bits, plus a counter.
"""

from __future__ import annotations

from peewee import (
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    SmallIntegerField,
    TextField,
)

from models.database import proxy
from models.fields import JsonField, PathField, UtcDateTimeField


class Table(Model):
    """The base of all tables: the one open database of the process."""

    class Meta:
        database = proxy
        legacy_table_names = False


class Meta(Table):
    """Single facts about the database."""

    key = TextField(primary_key=True)
    value = TextField()


class Source(Table):
    """A feed, a folder or an import, with the state of its polling."""

    id = BigAutoField()
    location = TextField(unique=True)
    kind = TextField()
    title = TextField(null=True)
    folder = TextField(null=True)  # "group" is a word of SQL
    schedule = TextField()
    options = JsonField()
    declared = BooleanField()
    state = TextField()
    state_reason = TextField(null=True)
    host = TextField()
    etag = TextField(null=True)
    last_modified = TextField(null=True)
    body_hash = TextField(null=True)
    full_fetch_at = UtcDateTimeField(null=True)
    next_poll_at = UtcDateTimeField(null=True)
    not_before = UtcDateTimeField(null=True)
    failures = IntegerField(default=0)
    failing_since = UtcDateTimeField(null=True)
    last_reason = TextField(null=True)
    last_detail = TextField(null=True)
    last_polled_at = UtcDateTimeField(null=True)
    last_success_at = UtcDateTimeField(null=True)
    last_new_at = UtcDateTimeField(null=True)
    moved_to = TextField(null=True)
    moved_count = IntegerField(default=0)
    poll_interval = FloatField(null=True)
    article_count = IntegerField(default=0)
    created_at = UtcDateTimeField()
    lease_owner = TextField(null=True)
    lease_until = UtcDateTimeField(null=True)
    entries = IntegerField(null=True)
    undated = IntegerField(null=True)
    newest_at = UtcDateTimeField(null=True)
    usual_gap = FloatField(null=True)
    recent = TextField(default="")
    moved_from = TextField(null=True)
    moved_at = UtcDateTimeField(null=True)


class Poll(Table):
    """One look at a source."""

    id = BigAutoField()
    source = ForeignKeyField(Source, backref="polls", on_delete="CASCADE")
    started_at = UtcDateTimeField()
    duration_ms = IntegerField()
    outcome = TextField()
    status = IntegerField(null=True)
    detail = TextField(null=True)
    bytes = BigIntegerField()
    seen = IntegerField()
    new = IntegerField()
    changed = IntegerField()
    duplicates = IntegerField()
    problems = IntegerField()


class File(Table):
    """What a folder source remembers of a file."""

    source = ForeignKeyField(Source, backref="files", on_delete="CASCADE")
    path = PathField()
    size = BigIntegerField()
    mtime_ns = BigIntegerField()
    digest = TextField(null=True)
    reason = TextField(null=True)
    detail = TextField(null=True)
    vanished_at = UtcDateTimeField(null=True)
    device = BigIntegerField(default=0)
    inode = BigIntegerField(default=0)

    class Meta:
        primary_key = CompositeKey("source", "path")


class Taxonomy(Table):
    """A version of the topics file, by its hash."""

    id = BigAutoField()
    hash = TextField(unique=True)
    since = UtcDateTimeField()


class Topic(Table):
    """A topic that articles are tagged with."""

    id = BigAutoField()
    name = TextField(unique=True)
    description = TextField()
    threshold = FloatField()
    active = BooleanField()
    languages = JsonField(default=[])  # that it has rules for; none where they hold for all


class Story(Table):
    """Articles about one event."""

    id = BigAutoField()
    title = TextField()
    first_at = UtcDateTimeField()
    last_at = UtcDateTimeField()
    article_count = IntegerField(default=0)


class Article(Table):
    """What is kept of an article."""

    id = BigAutoField()
    source = ForeignKeyField(Source, backref="articles")
    position = BigIntegerField(unique=True)
    key = TextField()
    title = TextField()
    title_made = BooleanField()
    url = TextField(null=True)
    published_at = UtcDateTimeField(null=True)
    precision = TextField(null=True)
    date_origin = TextField(null=True)
    seen_at = UtcDateTimeField()
    updated_at = UtcDateTimeField(null=True)
    vanished_at = UtcDateTimeField(null=True)
    language = TextField(null=True)
    author = TextField(null=True)
    path = PathField(null=True)
    guid = TextField(null=True)
    content_hash = TextField()
    duplicate_of = ForeignKeyField("self", backref="copies", null=True, column_name="duplicate_of")
    story = ForeignKeyField(Story, backref="articles", null=True, on_delete="SET NULL")
    taxonomy = ForeignKeyField(Taxonomy, null=True)
    revisions = IntegerField(default=0)
    categories = JsonField()
    enclosures = JsonField()
    cuts = JsonField()
    text = TextField()
    uncovered = JsonField(default=[])  # topics without rules for its language


class ArticlePage(Table):
    """What came of the page of a feed's entry that was fetched for its text."""

    article = ForeignKeyField(Article, primary_key=True, on_delete="CASCADE")
    source_id = BigIntegerField()
    said_hash = TextField()
    taken = BooleanField()
    url = TextField(null=True)
    reason = TextField(null=True)
    detail = TextField(null=True)
    attempts = IntegerField()
    tried_at = UtcDateTimeField()
    next_try_at = UtcDateTimeField(null=True)


class Furniture(Table):
    """A paragraph that ends or begins articles of a source, by its hash; hash 0 counts the articles."""

    source = ForeignKeyField(Source, on_delete="CASCADE")
    hash = BigIntegerField()
    count = IntegerField()
    seen_at = UtcDateTimeField()

    class Meta:
        primary_key = CompositeKey("source", "hash")


class Revision(Table):
    """An earlier wording of an article."""

    article = ForeignKeyField(Article, backref="wordings", on_delete="CASCADE")
    number = IntegerField()
    replaced_at = UtcDateTimeField()
    content_hash = TextField()
    title = TextField()
    text = TextField()

    class Meta:
        primary_key = CompositeKey("article", "number")


class Tombstone(Table):
    """A deleted article, remembered so that it stays deleted."""

    article_id = BigIntegerField(primary_key=True)
    source = ForeignKeyField(Source, on_delete="CASCADE")
    key = TextField()
    guid = TextField(null=True)
    url = TextField(null=True)
    content_hash = TextField()
    title = TextField()
    deleted_at = UtcDateTimeField()


class Tag(Table):
    """An article's topic. ``score`` is 1 under a person's yes; ``shown`` is false under a no."""

    article = ForeignKeyField(Article, backref="tags", on_delete="CASCADE")
    topic = ForeignKeyField(Topic, backref="tags")
    position = BigIntegerField()  # the article's, so that one index answers "newest of a topic"
    score = FloatField()
    shown = BooleanField()
    rule_score = FloatField(null=True)  # None where only a person gave the topic
    threshold = FloatField()
    main = BooleanField()
    verdict = SmallIntegerField(null=True)
    verdict_by = TextField(null=True)
    taxonomy = TextField()
    evidence = JsonField()

    class Meta:
        primary_key = CompositeKey("article", "topic")


class NearMiss(Table):
    """What a topic scored below its threshold on an article; see `models.thresholds`."""

    article = ForeignKeyField(Article, on_delete="CASCADE")
    topic = ForeignKeyField(Topic)
    score = FloatField()

    class Meta:
        primary_key = CompositeKey("article", "topic")


class Verdict(Table):
    """A person's yes (+1) or no (-1) on a topic of an article; the withdrawn ones are kept."""

    id = BigAutoField()
    article = ForeignKeyField(Article, backref="verdicts", on_delete="CASCADE")
    topic = ForeignKeyField(Topic, backref="verdicts")
    value = SmallIntegerField()
    given_by = TextField()
    given_at = UtcDateTimeField()
    withdrawn_by = TextField(null=True)
    withdrawn_at = UtcDateTimeField(null=True)


class TopicDay(Table):
    """How many articles of a UTC day (counted from 1970-01-01) carry a topic, duplicates left out."""

    topic = ForeignKeyField(Topic)
    day = IntegerField()
    count = IntegerField()

    class Meta:
        primary_key = CompositeKey("topic", "day")


class ArticleDay(Table):
    """How many articles a UTC day has, and how many of them carry any topic, duplicates left out."""

    day = IntegerField(primary_key=True)
    articles = IntegerField()
    tagged = IntegerField()


class ArticleChange(Table):
    """In what order articles changed, the last time each; it outlives the article (`models.changes`)."""

    seq = BigAutoField()
    article_id = BigIntegerField(unique=True)
    changed_at = UtcDateTimeField()


class Token(Table):
    """A program's token, by the digest of its secret (`models.tokens`)."""

    id = BigAutoField()
    name = TextField(unique=True)
    digest = TextField(unique=True)
    scope = TextField()
    created_at = UtcDateTimeField()
    expires_at = UtcDateTimeField(null=True)
    revoked_at = UtcDateTimeField(null=True)
    used_at = UtcDateTimeField(null=True)


class Watch(Table):
    """A saved question that alerts."""

    id = BigAutoField()
    name = TextField(unique=True)
    query = TextField()
    channel = TextField()
    options = JsonField()
    active = BooleanField()
    created_at = UtcDateTimeField()
    last_article_id = BigIntegerField(default=0)


class Delivery(Table):
    """One alert to send."""

    id = BigAutoField()
    watch = ForeignKeyField(Watch, backref="deliveries", on_delete="CASCADE")
    article = ForeignKeyField(Article, backref="deliveries", on_delete="CASCADE")
    state = TextField()
    attempts = IntegerField(default=0)
    next_attempt_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField()
    delivered_at = UtcDateTimeField(null=True)
    last_error = TextField(null=True)


class WebsubSubscription(Table):
    """A subscription at a hub; `models.websub` says what its states mean."""

    id = BigAutoField()
    source = ForeignKeyField(Source, backref="subscriptions", on_delete="CASCADE")
    hub = TextField()
    topic = TextField()
    feed_url = TextField()
    token = TextField(unique=True)
    secret = TextField()
    state = TextField()
    pending = TextField(null=True)
    callback = TextField(null=True)
    created_at = UtcDateTimeField()
    asked_at = UtcDateTimeField(null=True)
    verified_at = UtcDateTimeField(null=True)
    lease_until = UtcDateTimeField(null=True)
    next_at = UtcDateTimeField(null=True)
    attempts = IntegerField(default=0)
    last_error = TextField(null=True)
    error_at = UtcDateTimeField(null=True)
    deliveries = BigIntegerField(default=0)
    articles = BigIntegerField(default=0)
    refused = BigIntegerField(default=0)
    unreadable = BigIntegerField(default=0)
    delivered_at = UtcDateTimeField(null=True)
    missed_at = UtcDateTimeField(null=True)


ALL: tuple[type[Table], ...] = (
    Meta,
    Source,
    Poll,
    File,
    Taxonomy,
    Topic,
    Story,
    Article,
    ArticlePage,
    Furniture,
    Revision,
    Tombstone,
    Tag,
    NearMiss,
    Verdict,
    TopicDay,
    ArticleDay,
    ArticleChange,
    Token,
    Watch,
    Delivery,
    WebsubSubscription,
)
