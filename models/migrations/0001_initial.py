"""Sources and their polls, articles with revisions, tags, verdicts and stories, watches, files, full text.

The same statements for both engines, but for the three things that have no common form: an identity that is
never given twice, the full-text index, and SQLite's WITHOUT ROWID.
"""

from typing import Any

import peewee

TABLES = (
    """
    CREATE TABLE meta (
        key TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE source (
        id {identity},
        location TEXT NOT NULL,
        kind TEXT NOT NULL,
        title TEXT,
        folder TEXT,
        schedule TEXT NOT NULL,
        options TEXT NOT NULL,
        declared BOOLEAN NOT NULL,
        state TEXT NOT NULL,
        state_reason TEXT,
        host TEXT NOT NULL,
        etag TEXT,
        last_modified TEXT,
        body_hash TEXT,
        full_fetch_at BIGINT,
        next_poll_at BIGINT,
        not_before BIGINT,
        failures INTEGER NOT NULL DEFAULT 0,
        failing_since BIGINT,
        last_reason TEXT,
        last_detail TEXT,
        last_polled_at BIGINT,
        last_success_at BIGINT,
        last_new_at BIGINT,
        moved_to TEXT,
        moved_count INTEGER NOT NULL DEFAULT 0,
        poll_interval DOUBLE PRECISION,
        article_count INTEGER NOT NULL DEFAULT 0,
        created_at BIGINT NOT NULL,
        lease_owner TEXT,
        lease_until BIGINT
    )
    """,
    """
    CREATE TABLE poll (
        id {identity},
        source_id BIGINT NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        started_at BIGINT NOT NULL,
        duration_ms INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        status INTEGER,
        detail TEXT,
        bytes BIGINT NOT NULL,
        seen INTEGER NOT NULL,
        new INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        duplicates INTEGER NOT NULL,
        problems INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE file (
        source_id BIGINT NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        size BIGINT NOT NULL,
        mtime_ns BIGINT NOT NULL,
        digest TEXT,
        reason TEXT,
        detail TEXT,
        vanished_at BIGINT,
        device BIGINT NOT NULL DEFAULT 0,
        inode BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (source_id, path)
    ) {clustered}
    """,
    """
    CREATE TABLE taxonomy (
        id {identity},
        hash TEXT NOT NULL UNIQUE,
        since BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE topic (
        id {identity},
        name TEXT NOT NULL UNIQUE,
        description TEXT NOT NULL,
        threshold DOUBLE PRECISION NOT NULL,
        active BOOLEAN NOT NULL
    )
    """,
    """
    CREATE TABLE story (
        id {identity},
        title TEXT NOT NULL,
        first_at BIGINT NOT NULL,
        last_at BIGINT NOT NULL,
        article_count INTEGER NOT NULL DEFAULT 0
    )
    """,
    # The text comes last: a list reads the columns before it and never the pages it spills over to.
    """
    CREATE TABLE article (
        id {identity},
        source_id BIGINT NOT NULL REFERENCES source (id),
        position BIGINT NOT NULL UNIQUE,
        key TEXT NOT NULL,
        title TEXT NOT NULL,
        title_made BOOLEAN NOT NULL,
        url TEXT,
        published_at BIGINT,
        precision TEXT,
        date_origin TEXT,
        seen_at BIGINT NOT NULL,
        updated_at BIGINT,
        vanished_at BIGINT,
        language TEXT,
        author TEXT,
        path TEXT,
        guid TEXT,
        content_hash TEXT NOT NULL,
        duplicate_of BIGINT REFERENCES article (id) ON DELETE SET NULL,
        story_id BIGINT REFERENCES story (id) ON DELETE SET NULL,
        taxonomy_id BIGINT REFERENCES taxonomy (id),
        revisions INTEGER NOT NULL DEFAULT 0,
        categories TEXT NOT NULL,
        enclosures TEXT NOT NULL,
        cuts TEXT NOT NULL,
        text TEXT NOT NULL{search}
    )
    """,
    """
    CREATE TABLE revision (
        article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        replaced_at BIGINT NOT NULL,
        content_hash TEXT NOT NULL,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (article_id, number)
    )
    """,
    """
    CREATE TABLE tombstone (
        article_id BIGINT NOT NULL PRIMARY KEY,
        source_id BIGINT NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        guid TEXT,
        url TEXT,
        content_hash TEXT NOT NULL,
        title TEXT NOT NULL,
        deleted_at BIGINT NOT NULL
    )
    """,
    # score is what is shown: 1 under a person's yes. rule_score is what the rules gave, if they did.
    """
    CREATE TABLE tag (
        article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        topic_id BIGINT NOT NULL REFERENCES topic (id),
        position BIGINT NOT NULL,
        score DOUBLE PRECISION NOT NULL,
        shown BOOLEAN NOT NULL,
        rule_score DOUBLE PRECISION,
        threshold DOUBLE PRECISION NOT NULL,
        main BOOLEAN NOT NULL,
        verdict SMALLINT,
        verdict_by TEXT,
        taxonomy TEXT NOT NULL,
        evidence TEXT NOT NULL,
        PRIMARY KEY (article_id, topic_id)
    )
    """,
    """
    CREATE TABLE verdict (
        id {identity},
        article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        topic_id BIGINT NOT NULL REFERENCES topic (id),
        value SMALLINT NOT NULL CHECK (value IN (-1, 1)),
        given_by TEXT NOT NULL,
        given_at BIGINT NOT NULL,
        withdrawn_by TEXT,
        withdrawn_at BIGINT
    )
    """,
    # day counts from 1970-01-01 UTC. Both leave duplicates out, as lists do.
    """
    CREATE TABLE topic_day (
        topic_id BIGINT NOT NULL REFERENCES topic (id),
        day INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (topic_id, day)
    ) {clustered}
    """,
    """
    CREATE TABLE article_day (
        day INTEGER NOT NULL PRIMARY KEY,
        articles INTEGER NOT NULL,
        tagged INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE watch (
        id {identity},
        name TEXT NOT NULL UNIQUE,
        query TEXT NOT NULL,
        channel TEXT NOT NULL,
        options TEXT NOT NULL,
        active BOOLEAN NOT NULL,
        created_at BIGINT NOT NULL,
        last_article_id BIGINT NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE delivery (
        id {identity},
        watch_id BIGINT NOT NULL REFERENCES watch (id) ON DELETE CASCADE,
        article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt_at BIGINT,
        created_at BIGINT NOT NULL,
        delivered_at BIGINT,
        last_error TEXT,
        UNIQUE (watch_id, article_id)
    )
    """,
)
INDEXES = (
    "CREATE UNIQUE INDEX source_location ON source (location)",
    "CREATE INDEX source_due ON source (next_poll_at, id, host, kind, lease_until) "
    "WHERE state = 'active' AND next_poll_at IS NOT NULL",
    "CREATE INDEX source_leased ON source (lease_until, host) WHERE lease_until IS NOT NULL",
    "CREATE INDEX source_lease_owner ON source (lease_owner) WHERE lease_owner IS NOT NULL",
    "CREATE INDEX poll_source ON poll (source_id, id)",
    "CREATE INDEX poll_started ON poll (started_at, outcome)",
    "CREATE INDEX file_unreadable ON file (source_id, path) WHERE reason IS NOT NULL",
    "CREATE UNIQUE INDEX article_key ON article (source_id, key)",
    "CREATE INDEX article_source ON article (source_id, position)",
    "CREATE INDEX article_language ON article (language, position)",
    "CREATE INDEX article_guid ON article (source_id, guid) WHERE guid IS NOT NULL",
    "CREATE INDEX article_url ON article (url, source_id) WHERE url IS NOT NULL",
    "CREATE INDEX article_hash ON article (content_hash, source_id)",
    "CREATE INDEX article_path ON article (source_id, path) WHERE path IS NOT NULL",
    "CREATE INDEX article_duplicate ON article (duplicate_of) WHERE duplicate_of IS NOT NULL",
    "CREATE INDEX article_story ON article (story_id, position) WHERE story_id IS NOT NULL",
    "CREATE INDEX article_taxonomy ON article (taxonomy_id, id)",
    "CREATE INDEX tombstone_key ON tombstone (source_id, key)",
    "CREATE INDEX tombstone_guid ON tombstone (source_id, guid) WHERE guid IS NOT NULL",
    "CREATE INDEX tombstone_url ON tombstone (source_id, url) WHERE url IS NOT NULL",
    "CREATE INDEX tombstone_hash ON tombstone (source_id, content_hash)",
    "CREATE INDEX tag_topic ON tag (topic_id, position DESC, article_id, score) WHERE shown",
    "CREATE INDEX verdict_article ON verdict (article_id, topic_id)",
    "CREATE UNIQUE INDEX verdict_standing ON verdict (article_id, topic_id) WHERE withdrawn_at IS NULL",
    "CREATE INDEX verdict_topic ON verdict (topic_id)",
    "CREATE INDEX topic_day_day ON topic_day (day, topic_id, count)",
    "CREATE INDEX delivery_due ON delivery (state, next_attempt_at)",
    "CREATE INDEX delivery_article ON delivery (article_id)",
)
SQLITE_SEARCH = (
    # External content: the text is stored once. Row ids are positions, so their order is time's.
    """
    CREATE VIRTUAL TABLE article_search USING fts5 (
        title, text, content = 'article', content_rowid = 'position',
        tokenize = 'porter unicode61 remove_diacritics 2'
    )
    """,
)
POSTGRESQL_SEARCH = (
    # English stems without a list of stop words: "panel of experts" must not find "panel for experts",
    # and "the" must find what SQLite finds.
    "CREATE TEXT SEARCH DICTIONARY wirewatch_stem (TEMPLATE = snowball, Language = english)",
    "CREATE TEXT SEARCH CONFIGURATION wirewatch (PARSER = default)",
    "ALTER TEXT SEARCH CONFIGURATION wirewatch ADD MAPPING FOR asciiword, word, numword, int, uint, float, "
    "sfloat, version, asciihword, hword, numhword, hword_asciipart, hword_part, hword_numpart "
    "WITH wirewatch_stem",
    "CREATE INDEX article_search ON article USING gin (search)",
)


def up(migrator: Any, db: Any) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    words = {
        "identity": "INTEGER PRIMARY KEY AUTOINCREMENT"
        if sqlite
        else "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "clustered": "WITHOUT ROWID" if sqlite else "",
        "search": "" if sqlite else ",\n        search TSVECTOR NOT NULL",
    }
    search = SQLITE_SEARCH if sqlite else POSTGRESQL_SEARCH
    for statement in (*(table.format(**words) for table in TABLES), *INDEXES, *search):
        db.execute_sql(statement)
