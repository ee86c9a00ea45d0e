BEGIN;
CREATE TABLE "schema_migration" ("id" INTEGER NOT NULL PRIMARY KEY, "name" VARCHAR(255) NOT NULL, "applied" DATETIME NOT NULL);
INSERT INTO schema_migration VALUES (1, '0001_initial', '2026-01-01 00:00:00');
INSERT INTO schema_migration VALUES (2, '0002_source_health', '2026-01-01 00:00:00');
INSERT INTO schema_migration VALUES (3, '0003_websub', '2026-01-01 00:00:00');
INSERT INTO schema_migration VALUES (4, '0004_search', '2026-01-01 00:00:00');
CREATE TABLE meta (
        key TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    );
INSERT INTO meta VALUES ('search', '1 3.1.0');
CREATE TABLE source (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
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
    , entries INTEGER, undated INTEGER, newest_at BIGINT, usual_gap DOUBLE PRECISION, recent TEXT NOT NULL DEFAULT '', moved_from TEXT, moved_at BIGINT);
INSERT INTO source VALUES (1, 'https://example.org/feed.xml', 'feed', 'Example', 'press', 'adaptive', '{"allow_private":true}', 0, 'active', NULL, 'example.org', '"3"', NULL, NULL, NULL, 1710000000000000, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 3, 1710000000000000, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL);
INSERT INTO source VALUES (2, '/srv/reports', 'folder', NULL, NULL, 'every 30s', '{}', 1, 'paused', NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, 1710000000000000, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL);
CREATE TABLE poll (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
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
    );
INSERT INTO poll VALUES (1, 1, 1710000000000000, 12, 'ok', 200, NULL, 1000, 3, 2, 0, 1, 0);
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
    ) WITHOUT ROWID
    ;
INSERT INTO file VALUES (2, '/srv/reports/x.pdf', 9, 1, NULL, 'empty', NULL, NULL, 0, 0);
CREATE TABLE taxonomy (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hash TEXT NOT NULL UNIQUE,
        since BIGINT NOT NULL
    );
INSERT INTO taxonomy VALUES (1, 'rules-1', 1710000000000000);
CREATE TABLE topic (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        description TEXT NOT NULL,
        threshold DOUBLE PRECISION NOT NULL,
        active BOOLEAN NOT NULL
    );
INSERT INTO topic VALUES (1, 'arms', 'Arms', 0.5, 1);
INSERT INTO topic VALUES (2, 'sanctions', 'Sanctions', 0.5, 1);
CREATE TABLE story (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        first_at BIGINT NOT NULL,
        last_at BIGINT NOT NULL,
        article_count INTEGER NOT NULL DEFAULT 0
    );
CREATE TABLE article (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
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
        text TEXT NOT NULL
    );
INSERT INTO article VALUES (1, 1, 1793064961048576, 'guid:1', 'Panel of experts on ammunition', 0, 'https://example.org/1?a=%20b', 1710000001000000, 'minute', 'feed', 1710000060000000, NULL, NULL, 'en', 'A. Writer', NULL, '1', '1:1', NULL, NULL, 1, 0, '["world"]', '[]', '[]', 'The panel of experts reported shells.

It''s a ''quoted'' line; with	tabs \ and back\slashes.');
INSERT INTO article VALUES (2, 1, 1793064962097152, 'guid:2', '제재를 받은 선박', 0, 'https://example.org/2?a=%20b', 1710000002000000, 'minute', 'feed', 1710000060000000, NULL, NULL, 'ko', 'A. Writer', NULL, '2', '1:2', NULL, NULL, 1, 0, '["world"]', '[]', '[]', '선박은 제재를 받았다. 🚢');
INSERT INTO article VALUES (3, 1, 1793064963145728, 'guid:3', 'A copy of the panel''s report', 0, 'https://example.org/3?a=%20b', 1710000003000000, 'minute', 'feed', 1710000060000000, NULL, NULL, 'en', 'A. Writer', NULL, '3', '1:3', 1, NULL, 1, 0, '["world"]', '[]', '[]', 'The panel of experts reported shells again.');
CREATE TABLE revision (
        article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        replaced_at BIGINT NOT NULL,
        content_hash TEXT NOT NULL,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (article_id, number)
    );
INSERT INTO revision VALUES (1, 1, 1710000000000000, '0', 'Old', 'Old');
CREATE TABLE tombstone (
        article_id BIGINT NOT NULL PRIMARY KEY,
        source_id BIGINT NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        guid TEXT,
        url TEXT,
        content_hash TEXT NOT NULL,
        title TEXT NOT NULL,
        deleted_at BIGINT NOT NULL
    );
INSERT INTO tombstone VALUES (4, 1, 'guid:4', '4', NULL, '1:4', 'Deleted', 1710000000000000);
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
    );
INSERT INTO tag VALUES (1, 1, 1793064961048576, 0.9, 1, 0.9, 0.5, 1, NULL, NULL, 'rules-1', '[{"field":"title","start":0,"end":5,"phrase":"Panel","rule":"p","contribution":1.5}]');
INSERT INTO tag VALUES (1, 2, 1793064961048576, 0.0, 0, 0.7, 0.5, 1, -1, 'ann', 'rules-1', '[{"field":"title","start":0,"end":5,"phrase":"Panel","rule":"p","contribution":1.5}]');
INSERT INTO tag VALUES (2, 2, 1793064962097152, 1.0, 1, NULL, 0.5, 1, 1, 'ann', 'rules-1', '[{"field":"title","start":0,"end":5,"phrase":"Panel","rule":"p","contribution":1.5}]');
INSERT INTO tag VALUES (3, 1, 1793064963145728, 0.8, 1, 0.8, 0.5, 1, NULL, NULL, 'rules-1', '[{"field":"title","start":0,"end":5,"phrase":"Panel","rule":"p","contribution":1.5}]');
CREATE TABLE verdict (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        topic_id BIGINT NOT NULL REFERENCES topic (id),
        value SMALLINT NOT NULL CHECK (value IN (-1, 1)),
        given_by TEXT NOT NULL,
        given_at BIGINT NOT NULL,
        withdrawn_by TEXT,
        withdrawn_at BIGINT
    );
INSERT INTO verdict VALUES (1, 1, 2, -1, 'ann', 1710000000000000, NULL, NULL);
INSERT INTO verdict VALUES (2, 2, 2, 1, 'ann', 1710000000000000, NULL, NULL);
CREATE TABLE topic_day (
        topic_id BIGINT NOT NULL REFERENCES topic (id),
        day INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (topic_id, day)
    ) WITHOUT ROWID
    ;
INSERT INTO topic_day VALUES (1, 19791, 1);
INSERT INTO topic_day VALUES (2, 19791, 1);
CREATE TABLE article_day (
        day INTEGER NOT NULL PRIMARY KEY,
        articles INTEGER NOT NULL,
        tagged INTEGER NOT NULL
    );
INSERT INTO article_day VALUES (19791, 2, 2);
CREATE TABLE watch (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        query TEXT NOT NULL,
        channel TEXT NOT NULL,
        options TEXT NOT NULL,
        active BOOLEAN NOT NULL,
        created_at BIGINT NOT NULL,
        last_article_id BIGINT NOT NULL DEFAULT 0
    );
CREATE TABLE delivery (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        watch_id BIGINT NOT NULL REFERENCES watch (id) ON DELETE CASCADE,
        article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt_at BIGINT,
        created_at BIGINT NOT NULL,
        delivered_at BIGINT,
        last_error TEXT,
        UNIQUE (watch_id, article_id)
    );
CREATE TABLE websub_subscription (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source_id BIGINT NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        hub TEXT NOT NULL,
        topic TEXT NOT NULL,
        feed_url TEXT NOT NULL,
        token TEXT NOT NULL,
        secret TEXT NOT NULL,
        state TEXT NOT NULL,
        pending TEXT,
        callback TEXT,
        created_at BIGINT NOT NULL,
        asked_at BIGINT,
        verified_at BIGINT,
        lease_until BIGINT,
        next_at BIGINT,
        attempts INTEGER NOT NULL DEFAULT 0,
        last_error TEXT,
        error_at BIGINT,
        deliveries BIGINT NOT NULL DEFAULT 0,
        articles BIGINT NOT NULL DEFAULT 0,
        refused BIGINT NOT NULL DEFAULT 0,
        unreadable BIGINT NOT NULL DEFAULT 0,
        delivered_at BIGINT,
        missed_at BIGINT
    );
INSERT INTO websub_subscription VALUES (1, 1, 'https://hub.example/', 'https://example.org/feed.xml', 'https://example.org/feed.xml', 't', 's', 'active', NULL, NULL, 1710000000000000, NULL, NULL, NULL, NULL, 0, NULL, NULL, 0, 0, 0, 0, NULL, NULL);
CREATE VIRTUAL TABLE article_search USING fts5 (title, text, content = '', columnsize = 0, tokenize = 'porter ascii');
DELETE FROM article_search_data;
INSERT INTO article_search_data VALUES (1, X'03121F');
INSERT INTO article_search_data VALUES (10, X'000000000101010001010101');
INSERT INTO article_search_data VALUES (137438953473, X'0000024C0230618397D987C0C080000601010981808000020202046761696E8397D987C1C080000601010802066D6D756E69748397D987C0C08000020602026E648397D987C0C080000601010E01046261636B8397D987C0C080000601010F0104636F70698397D987C1C08000020301066578706572748397D987C0C0800008040101058180800006010105010269748397D987C0C080000601010801046C696E658397D987C0C080000601010B01026F668397D987C0C08000080301010481808000080401010402016E8397D987C0C080000205010570616E656C8397D987C0C080000802010103818080000806010103010471756F748397D987C0C080000601010A01067265706F72748397D987C0C080000601010681808000080701010601057368656C6C8397D987C0C0800006010107818080000601010702046C6173688397D987C0C080000601011001037461628397D987C0C080000601010D020268658397D987C0C08000060101028180800008050101020104776974688397D987C0C080000601010C0103EB8BA48397D987C18080000601010A0202A5BC8397D987C180800008040101070202B0958397D987C180800002080403EC9D808397D987C18080000601010303049BEC95988397D987C18080000601010805029D808397D987C180800002050106EC84A0EBB0958397D987C1808000080701010202059598EB8BA48397D987C18080000601010902029D808397D987C1808000080601010402059EACEBA5BC8397D987C180800008030101060205A09CEC9EAC8397D987C18080000802010105041512121012101D10121A0D1D121D1B1211191211110E11120E15131114');
DELETE FROM article_search_idx;
INSERT INTO article_search_idx VALUES (1, X'', 2);
DELETE FROM article_search_config;
INSERT INTO article_search_config VALUES ('version', 4);
CREATE UNIQUE INDEX "schema_migration_name" ON "schema_migration" ("name");
CREATE UNIQUE INDEX source_location ON source (location);
CREATE INDEX source_due ON source (next_poll_at, id, host, kind, lease_until) WHERE state = 'active' AND next_poll_at IS NOT NULL;
CREATE INDEX source_leased ON source (lease_until, host) WHERE lease_until IS NOT NULL;
CREATE INDEX source_lease_owner ON source (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX poll_source ON poll (source_id, id);
CREATE INDEX poll_started ON poll (started_at, outcome);
CREATE INDEX file_unreadable ON file (source_id, path) WHERE reason IS NOT NULL;
CREATE UNIQUE INDEX article_key ON article (source_id, key);
CREATE INDEX article_source ON article (source_id, position);
CREATE INDEX article_language ON article (language, position);
CREATE INDEX article_guid ON article (source_id, guid) WHERE guid IS NOT NULL;
CREATE INDEX article_url ON article (url, source_id) WHERE url IS NOT NULL;
CREATE INDEX article_hash ON article (content_hash, source_id);
CREATE INDEX article_path ON article (source_id, path) WHERE path IS NOT NULL;
CREATE INDEX article_duplicate ON article (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX article_story ON article (story_id, position) WHERE story_id IS NOT NULL;
CREATE INDEX article_taxonomy ON article (taxonomy_id, id);
CREATE INDEX tombstone_key ON tombstone (source_id, key);
CREATE INDEX tombstone_guid ON tombstone (source_id, guid) WHERE guid IS NOT NULL;
CREATE INDEX tombstone_url ON tombstone (source_id, url) WHERE url IS NOT NULL;
CREATE INDEX tombstone_hash ON tombstone (source_id, content_hash);
CREATE INDEX tag_topic ON tag (topic_id, position DESC, article_id, score) WHERE shown;
CREATE INDEX verdict_article ON verdict (article_id, topic_id);
CREATE UNIQUE INDEX verdict_standing ON verdict (article_id, topic_id) WHERE withdrawn_at IS NULL;
CREATE INDEX verdict_topic ON verdict (topic_id);
CREATE INDEX topic_day_day ON topic_day (day, topic_id, count);
CREATE INDEX delivery_due ON delivery (state, next_attempt_at);
CREATE INDEX delivery_article ON delivery (article_id);
CREATE INDEX source_listed ON source ((COALESCE(folder, '')), (lower(COALESCE(title, location))), id) WHERE state <> 'removed';
CREATE INDEX source_moved ON source (moved_from) WHERE moved_from IS NOT NULL;
CREATE UNIQUE INDEX websub_token ON websub_subscription (token);
CREATE UNIQUE INDEX websub_wanted ON websub_subscription (source_id) WHERE state <> 'leaving';
CREATE INDEX websub_source ON websub_subscription (source_id);
CREATE INDEX websub_due ON websub_subscription (next_at, id) WHERE next_at IS NOT NULL;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES ('source', 2);
INSERT INTO sqlite_sequence VALUES ('poll', 1);
INSERT INTO sqlite_sequence VALUES ('taxonomy', 1);
INSERT INTO sqlite_sequence VALUES ('topic', 2);
INSERT INTO sqlite_sequence VALUES ('article', 4);
INSERT INTO sqlite_sequence VALUES ('verdict', 2);
INSERT INTO sqlite_sequence VALUES ('websub_subscription', 1);
COMMIT;
